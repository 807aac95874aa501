#include "core/egress/rule.h"

#include <array>
#include <charconv>
#include <system_error>

#include "core/authority.h"

namespace wgr::egress {
namespace {

constexpr std::array<std::string_view, 3> kProtocolNames = {"tcp", "udp", "icmp"};
constexpr std::string_view kAny = "any";
constexpr std::size_t kMaxText = 128;  // no form is longer

std::optional<Protocol> parse_protocol(std::string_view text) {
  for (std::size_t i = 0; i < kProtocolNames.size(); ++i) {
    if (text == kProtocolNames[i]) return static_cast<Protocol>(i);
  }
  return std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_whole = !text.empty() && error == std::errc{} && end == text.data() + text.size();
  if (!is_whole || text.front() == '0' || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// Why a text is no rule, without the text itself.
using Fault = std::string;

// Takes "tcp://" from the front or "/tcp" from the back.
Fault take_protocol(std::string_view& text, Rule& rule) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    rule.protocol = parse_protocol(text.substr(0, scheme));
    if (!rule.protocol) return "the protocol must be tcp, udp or icmp";
    text.remove_prefix(scheme + 3);
  }
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view last = text.substr(slash + 1);
  const bool is_word = !last.empty() && last.front() >= 'a' && last.front() <= 'z' && last.back() != ']';
  if (!is_word) return {};
  if (rule.protocol) return "the protocol is given twice";
  rule.protocol = parse_protocol(last);
  if (!rule.protocol) return "the protocol must be tcp, udp or icmp";
  text = text.substr(0, slash);
  return {};
}

Fault read_ports(std::string_view text, Rule& rule) {
  const std::size_t dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
  if (!first || !last) return "a port is a number from 1 to 65535, a range is FIRST-LAST";
  if (*first > *last) return "the port range runs backwards";
  if (rule.protocol == Protocol::kIcmp) return "icmp has no ports";
  rule.first_port = *first;
  rule.last_port = *last;
  return {};
}

Fault read_target(std::string_view text, Rule& rule) {
  if (text == kAny) return {};
  rule.address_class = parse_address_class(text);
  if (rule.address_class) return {};
  rule.prefix = Prefix::parse(text);
  if (!rule.prefix)
    return "expected ADDRESS, CIDR, CIDR:PORT, [IPV6-CIDR]:PORT/udp, any, or a class such as private";
  const std::optional<IpAddress> written = IpAddress::parse(text.substr(0, text.find('/')));
  if (written != rule.prefix->address()) {
    return "bits are set beyond the prefix length; write " + rule.prefix->to_string();
  }
  return {};
}

// TARGET [:PORTS], brackets around an IPv6 target that has ports.
Fault read_target_and_ports(std::string_view text, Rule& rule) {
  const auto parts = cut_host(text);
  if (!parts) return Fault{parts.error()};
  if (Fault fault = read_target(parts->host, rule); !fault.empty()) return fault;
  const bool is_v6 = rule.prefix && rule.prefix->family() == Family::kV6;
  if (parts->is_bracketed && !is_v6) return "brackets are for IPv6 only";
  return parts->rest ? read_ports(*parts->rest, rule) : Fault{};
}

}  // namespace

std::string_view to_string(Protocol protocol) noexcept {
  return kProtocolNames[static_cast<std::size_t>(protocol)];
}

std::optional<Rule> Rule::parse(std::string_view text, std::string& error) {
  if (text.size() > kMaxText) {
    error = "an egress rule is at most " + std::to_string(kMaxText) + " characters long";
    return std::nullopt;
  }
  Rule rule;
  std::string_view rest = text;
  Fault fault = take_protocol(rest, rule);
  if (fault.empty()) fault = read_target_and_ports(rest, rule);
  if (fault.empty()) return rule;
  error = "\"" + std::string{text} + "\" is not an egress rule: " + fault;
  return std::nullopt;
}

std::string Rule::to_string() const {
  std::string text{kAny};
  if (address_class) text = egress::to_string(*address_class);
  if (prefix) text = prefix->to_string();
  if (has_ports()) {
    text = host_and_port(text, first_port);
    if (last_port != first_port) text += "-" + std::to_string(last_port);
  }
  if (protocol) text += "/" + std::string{egress::to_string(*protocol)};
  return text;
}

bool Rule::matches(Protocol flow_protocol, const SocketAddress& to, AddressClass to_class) const noexcept {
  if (protocol && *protocol != flow_protocol) return false;
  if (has_ports() && (flow_protocol == Protocol::kIcmp || to.port < first_port || to.port > last_port))
    return false;
  if (address_class && *address_class != to_class) return false;
  return !prefix || prefix->contains(to.ip);
}

}  // namespace wgr::egress
