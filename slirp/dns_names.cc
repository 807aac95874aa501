#include "slirp/dns_names.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <optional>

#include "core/text.h"

namespace wgr::slirp {
namespace {

using wire::DnsName;
using wire::DnsRcode;
using wire::DnsRecord;
using wire::DnsType;

constexpr std::string_view kReverseV4 = ".in-addr.arpa";
constexpr std::string_view kReverseV6 = ".ip6.arpa";
constexpr std::size_t kNibbles = 32;

// Length bytes are below 'A', so folding all bytes folds letters only.
std::string key_of(const DnsName& name) {
  const Bytes wire = name.wire();
  return to_lower(text_of(wire));
}

// "20.1.86.10", the last byte of the address first.
std::optional<IpAddress> parse_reverse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t i = 4; i-- > 0;) {
    const std::string_view label = text.substr(0, text.find('.'));
    const std::optional<std::uint64_t> number = parse_number(label);
    if (!number || *number > 255 || (i == 0) != (label.size() == text.size())) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(*number);
    text.remove_prefix(std::min(label.size() + 1, text.size()));
  }
  return IpAddress::from_bytes(bytes);
}

// Thirty-two hexadecimal digits with dots between, the last of the address first (RFC 3596 2.5).
std::optional<IpAddress> parse_reverse_v6(std::string_view text) {
  if (text.size() != 2 * kNibbles - 1) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < kNibbles; ++i) {
    const char* const digit = text.data() + 2 * i;
    std::uint8_t nibble = 0;
    if (std::from_chars(digit, digit + 1, nibble, 16).ec != std::errc{}) return std::nullopt;
    if (i + 1 < kNibbles && digit[1] != '.') return std::nullopt;
    bytes[15 - i / 2] |= static_cast<std::uint8_t>(nibble << (i % 2 * 4));
  }
  return IpAddress::from_bytes(bytes);
}

// The address whose name is asked for.
std::optional<IpAddress> reversed_address(const DnsName& name) {
  const std::string text = to_lower(name.to_string());
  const std::string_view view = text;
  if (view.ends_with(kReverseV4)) return parse_reverse_v4(view.substr(0, view.size() - kReverseV4.size()));
  if (view.ends_with(kReverseV6)) return parse_reverse_v6(view.substr(0, view.size() - kReverseV6.size()));
  return std::nullopt;
}

DnsType type_of(const IpAddress& address) noexcept { return address.is_v4() ? DnsType::kA : DnsType::kAaaa; }

}  // namespace

bool DnsNames::add_domain(std::string_view domain) {
  const std::optional<DnsName> name = DnsName::parse(domain);
  if (!name || *name == DnsName{}) return false;
  domains_.insert(key_of(*name));
  return true;
}

bool DnsNames::add(std::string_view name, const std::vector<IpAddress>& addresses, Reverse reverse) {
  const std::optional<DnsName> parsed = DnsName::parse(name);
  if (!parsed || *parsed == DnsName{}) return false;
  const auto [at, is_new] = names_.try_emplace(key_of(*parsed), Name{*parsed, addresses});
  if (!is_new) return false;
  std::erase_if(at->second.addresses, [](const IpAddress& address) { return address.is_link_local(); });
  if (reverse == Reverse::kUnknown) return true;
  for (const IpAddress& address : at->second.addresses) reverse_.try_emplace(address, *parsed);
  return true;
}

bool DnsNames::is_below_a_domain(std::string_view key) const {
  if (domains_.empty()) return false;
  // Label after label; the root at the end is nobody's domain.
  while (key.size() > 1) {
    if (domains_.contains(std::string{key})) return true;
    key.remove_prefix(1 + static_cast<std::uint8_t>(key.front()));
  }
  return false;
}

bool DnsNames::owns(const wire::DnsQuestion& question) const {
  if (empty()) return false;
  const std::string key = key_of(question.name);
  if (names_.contains(key) || is_below_a_domain(key)) return true;
  const std::optional<IpAddress> address = reversed_address(question.name);
  if (!address) return false;
  const auto is_inside = [&](const Prefix& network) { return network.contains(*address); };
  return reverse_.contains(*address) || std::ranges::any_of(networks_, is_inside);
}

std::vector<std::uint8_t> DnsNames::answer(const wire::DnsView& query, const wire::DnsQuestion& question,
                                           std::size_t limit) const {
  assert(owns(question));
  const auto reply = [&](DnsRcode rcode, std::span<const DnsRecord> records) {
    return wire::write_dns_answer(query, rcode, records, kTtlSeconds, limit);
  };
  if (question.klass != wire::kDnsClassIn) return reply(DnsRcode::kRefused, {});
  std::vector<DnsRecord> records;
  if (const auto found = names_.find(key_of(question.name)); found != names_.end()) {
    for (const IpAddress& address : found->second.addresses) {
      const bool is_wanted = question.type == type_of(address) || question.type == DnsType::kAny;
      if (is_wanted) records.push_back({.type = type_of(address), .data = address.bytes()});
    }
    return reply(DnsRcode::kNoError, records);
  }
  if (domains_.contains(key_of(question.name))) return reply(DnsRcode::kNoError, {});
  const std::optional<IpAddress> address = reversed_address(question.name);
  const auto reversed = address ? reverse_.find(*address) : reverse_.end();
  if (reversed == reverse_.end()) return reply(DnsRcode::kNxDomain, {});
  if (question.type == DnsType::kPtr || question.type == DnsType::kAny) {
    records.push_back({.type = DnsType::kPtr, .data = reversed->second.wire()});
  }
  return reply(DnsRcode::kNoError, records);
}

}  // namespace wgr::slirp
