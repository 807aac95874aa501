#include "core/egress/policy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace wgr::egress {
namespace {

constexpr std::array<std::string_view, kAddressClassCount> kClassReasons = {
    "public address",  "unspecified address", "loopback address",  "link-local address", "metadata address",
    "private address", "cgnat address",       "multicast address", "reserved address",   "transition address",
};

struct Question {
  Protocol protocol;
  SocketAddress to;
  AddressClass address_class;
  const EmbeddedAddresses& embedded;
};

bool is_denied_by(const Rule& rule, const Question& question) noexcept {
  if (rule.matches(question.protocol, question.to, question.address_class)) return true;
  return std::ranges::any_of(question.embedded.all(), [&](const IpAddress& v4) {
    return rule.matches(question.protocol, {v4, question.to.port}, question.address_class);
  });
}

bool is_allowed_by(const Rule& rule, const Question& question) noexcept {
  const bool names_class = rule.address_class == question.address_class;
  if (question.address_class == AddressClass::kMetadata && !names_class) return false;
  return rule.matches(question.protocol, question.to, question.address_class);
}

// Nothing when the set has no word on it.
std::optional<bool> ask(const RuleSet& rules, const Question& question) noexcept {
  const auto denies = [&](const Rule& rule) { return is_denied_by(rule, question); };
  const auto allows = [&](const Rule& rule) { return is_allowed_by(rule, question); };
  if (std::ranges::any_of(rules.deny, denies)) return false;
  if (std::ranges::any_of(rules.allow, allows)) return true;
  return std::nullopt;
}

Policy::Settings sorted(Policy::Settings settings) {
  std::ranges::sort(settings.own_addresses);
  std::ranges::sort(settings.own_sockets, {}, &SocketAddress::port);
  return settings;
}

}  // namespace

Policy::Policy(Settings settings) : settings_(sorted(std::move(settings))) {}

Verdict Policy::check(GuestId guest, Protocol protocol, const SocketAddress& to) const noexcept {
  const AddressClass address_class = classify(to.ip);
  const auto denied = [&](std::string_view reason, Verdict::Cause cause) {
    return Verdict{false, address_class, reason, cause};
  };
  const Verdict allowed{true, address_class, {}, {}};

  const EmbeddedAddresses embedded{to.ip};
  if (protocol != Protocol::kIcmp) {
    if (to.port == 0) return denied("port 0", Verdict::Cause::kPort);
    const auto is_own = [&](const IpAddress& ip) { return is_own_socket({ip, to.port}); };
    if (is_own(to.ip) || std::ranges::any_of(embedded.all(), is_own)) {
      return denied("own socket", Verdict::Cause::kOwnSocket);
    }
  }

  const Question question{protocol, to, address_class, embedded};
  const auto of_guest = settings_.per_guest.find(guest);
  std::optional<bool> answer;
  if (of_guest != settings_.per_guest.end()) answer = ask(of_guest->second, question);
  const auto of_group = settings_.per_group.find(guest.group());
  if (!answer && of_group != settings_.per_group.end()) answer = ask(of_group->second, question);
  if (!answer) answer = ask(settings_.global, question);
  if (answer) return *answer ? allowed : denied("deny rule", Verdict::Cause::kRule);

  if (address_class == AddressClass::kPublic) return allowed;
  if (address_class == AddressClass::kMetadata && settings_.allow_metadata) return allowed;
  return denied(kClassReasons[static_cast<std::size_t>(address_class)], Verdict::Cause::kClass);
}

// Linux delivers what is sent to an unspecified address to the host itself, like loopback. A listener
// on :: may serve IPv4 too, so its family says nothing.
bool Policy::is_own_socket(const SocketAddress& to) const noexcept {
  const auto of_port = std::ranges::equal_range(settings_.own_sockets, to.port, {}, &SocketAddress::port);
  return std::ranges::any_of(of_port, [&](const SocketAddress& own) {
    if (own.ip == to.ip || to.ip.is_unspecified()) return true;
    if (!own.ip.is_unspecified()) return false;
    return to.ip.is_loopback() || std::ranges::binary_search(settings_.own_addresses, to.ip);
  });
}

}  // namespace wgr::egress
