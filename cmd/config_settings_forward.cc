// The keys of one entry of `forwards`.
#include "cmd/config_setting_kinds.h"
#include "cmd/config_setting_lists.h"
#include "core/authority.h"

namespace wgr {
namespace {

using namespace setting_kinds;

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
};

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_number(text);
  if (!port || *port == 0 || *port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

// "8080" or "8000-8010".
std::optional<PortRange> parse_ports(std::string_view text) {
  const std::size_t dash = std::min(text.find('-'), text.size());
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == text.size() ? first : parse_port(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

ForwardSetting listen() {
  ForwardSetting setting;
  setting.path = "listen";
  setting.expected = "PORT, FIRST-LAST, IP:PORT or [IPv6]:FIRST-LAST";
  setting.help = "Ports of the host; without an address, on all of both families. Required.";
  setting.set = [](ForwardEntry& entry, const Texts& texts) -> std::optional<std::string> {
    const auto parts = cut_host(texts[0]);
    if (!parts) return is_not_one(texts[0]);
    const auto ports = parse_ports(parts->rest ? *parts->rest : parts->host);
    const auto ip = parts->rest ? IpAddress::parse(parts->host) : std::nullopt;
    if (!ports || (parts->rest && !ip)) return is_not_one(texts[0]);
    entry.listen_addresses.clear();
    if (ip) entry.listen_addresses.push_back(*ip);
    entry.first_port = ports->first;
    entry.last_port = ports->last;
    return std::nullopt;
  };
  setting.get = [](const ForwardEntry& entry) -> Texts {
    if (entry.first_port == 0) return {};
    std::string text =
        entry.listen_addresses.empty() ? "" : bracketed(entry.listen_addresses[0].to_string()) + ":";
    text += std::to_string(entry.first_port);
    if (entry.last_port != entry.first_port) text += "-" + std::to_string(entry.last_port);
    return {text};
  };
  return setting;
}

bool is_target(std::string_view host) {
  constexpr std::size_t kMost = 255;
  if (host.empty() || host.size() > kMost || trim(host) != host) return false;
  for (const char c : host) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f' || c == '[' || c == ']') return false;
  }
  return host.find(':') == std::string_view::npos || IpAddress::parse(host);
}

ForwardSetting to() {
  ForwardSetting setting;
  setting.path = "to";
  setting.expected =
      "HOST or HOST:PORT, HOST an IP address, the name of a peer or the DHCP name of a station";
  setting.help =
      "The guest, and its port for the first of the host's; without one the same. A range goes on from "
      "there. "
      "Required.";
  setting.set = [](ForwardEntry& entry, const Texts& texts) -> std::optional<std::string> {
    const auto parts = cut_host(texts[0]);
    if (!parts || !is_target(parts->host)) return is_not_one(texts[0]);
    const auto port = parts->rest ? parse_port(*parts->rest) : std::nullopt;
    if (parts->rest && !port) return is_not_one(texts[0]);
    entry.target = parts->host;
    entry.first_guest_port = port.value_or(0);
    return std::nullopt;
  };
  setting.get = [](const ForwardEntry& entry) -> Texts {
    if (entry.target.empty()) return {};
    const std::string host = bracketed(entry.target);
    return {entry.first_guest_port == 0 ? host : host + ":" + std::to_string(entry.first_guest_port)};
  };
  return setting;
}

std::vector<ForwardSetting> make_forward_settings() {
  using slirp::ForwardProtocol;
  std::vector<ForwardSetting> table;
  table.push_back(listen());
  table.push_back(choice<ForwardProtocol, ForwardEntry>(
      "protocol", [](auto& entry) -> auto& { return entry.protocol; },
      {{"tcp", ForwardProtocol::kTcp}, {"udp", ForwardProtocol::kUdp}}, "tcp unless written."));
  table.push_back(to());
  table.push_back(prefixes<ForwardEntry>(
      "sources", [](auto& entry) -> auto& { return entry.allowed_sources; },
      "Who may connect; empty: everybody."));
  table.push_back(boolean<ForwardEntry>(
      "proxy_protocol", [](auto& entry) -> auto& { return entry.proxy_protocol; },
      "true: a PROXY protocol v2 header tells the guest who connected (tcp only)."));
  return table;
}

}  // namespace

const std::vector<ForwardSetting>& forward_settings() {
  static const std::vector<ForwardSetting> table = make_forward_settings();
  return table;
}

}  // namespace wgr
