// The keys of a virtual LAN (lan.networks.NAME).
#include "cmd/config_setting_kinds.h"
#include "cmd/config_setting_lists.h"

namespace wgr {
namespace {

using namespace setting_kinds;
using namespace std::chrono_literals;

constexpr Duration kForEver = std::chrono::seconds{0xffffffff};  // RFC 2132, 9.2

template <typename Access>
LanSetting address(std::string path, Access access, std::string expected, std::string help) {
  LanSetting setting;
  setting.path = std::move(path);
  setting.expected = std::move(expected);
  setting.help = std::move(help);
  setting.set = [access](LanEntry& entry, const Texts& texts) -> std::optional<std::string> {
    const auto ip = IpAddress::parse(texts[0]);
    if (!ip || !ip->is_v4() || ip->is_unspecified()) return is_not_one(texts[0]);
    access(entry) = *ip;
    return std::nullopt;
  };
  setting.get = [access](const LanEntry& entry) {
    return access(entry).is_unspecified() ? Texts{} : Texts{access(entry).to_string()};
  };
  return setting;
}

LanSetting subnet() {
  LanSetting setting;
  setting.path = "subnet";
  setting.expected = "an IPv4 prefix like 192.168.86.0/24, /8 to /30";
  setting.help = "Addresses of the stations. The network `default` has 192.168.86.0/24; others need it.";
  setting.set = [](LanEntry& entry, const Texts& texts) -> std::optional<std::string> {
    const auto prefix = Prefix::parse(texts[0]);
    if (!prefix || prefix->family() != Family::kV4) return is_not_one(texts[0]);
    if (prefix->length() < 8 || prefix->length() > 30) return quote(texts[0]) + " is out of range";
    entry.network.subnet = *prefix;
    return std::nullopt;
  };
  setting.get = [](const LanEntry& entry) {
    return entry.network.subnet.length() == 0 ? Texts{} : Texts{entry.network.subnet.to_string()};
  };
  return setting;
}

LanSetting gateway_mac() {
  LanSetting setting;
  setting.path = "gateway_mac";
  setting.expected = "a unicast Ethernet address like 02:86:00:00:00:01";
  setting.help =
      "The router's Ethernet address; else derived from the network's name, the same at every start.";
  setting.set = [](LanEntry& entry, const Texts& texts) -> std::optional<std::string> {
    const auto mac = MacAddress::parse(texts[0]);
    if (!mac || !mac->is_unicast()) return is_not_one(texts[0]);
    entry.network.gateway_mac = *mac;
    return std::nullopt;
  };
  setting.get = [](const LanEntry& entry) {
    return entry.network.gateway_mac.is_none() ? Texts{} : Texts{entry.network.gateway_mac.to_string()};
  };
  return setting;
}

LanSetting lease_time() {
  LanSetting setting;
  setting.path = "dhcp.lease_time";
  setting.expected = "a duration like 24h, or seconds as a bare number, 1m at least; or infinite";
  setting.help = "How long a station may keep its address.";
  setting.set = [](LanEntry& entry, const Texts& texts) -> std::optional<std::string> {
    auto time = parse_duration(texts[0]);
    const auto seconds = parse_number(texts[0]);
    if (to_lower(texts[0]) == "infinite") time = kForEver;
    if (seconds && *seconds <= 0xffffffff) time = std::chrono::seconds{*seconds};
    if (!time) return is_not_one(texts[0]);
    if (*time < 1min || *time > kForEver) return quote(texts[0]) + " is out of range";
    entry.network.dhcp.lease_time = *time;
    return std::nullopt;
  };
  setting.get = [](const LanEntry& entry) {
    const Duration time = entry.network.dhcp.lease_time;
    return Texts{time >= kForEver ? "infinite" : to_string(time)};
  };
  return setting;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 63 || name.front() == '-' || name.back() == '-') return false;
  for (const char c : name) {
    const bool is_fine =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!is_fine) return false;
  }
  return true;
}

LanSetting domain() {
  LanSetting setting;
  setting.path = "dhcp.domain";
  setting.expected = "a domain of letters, digits, '-' and '.', 200 characters at most";
  setting.help = "Told to the stations, whose names the router answers below it.";
  setting.set = [](LanEntry& entry, const Texts& texts) -> std::optional<std::string> {
    std::string_view rest = texts[0];
    if (rest.ends_with('.')) rest.remove_suffix(1);
    const std::string_view whole = rest;
    if (rest.size() > 200) return is_not_one(texts[0]);
    while (true) {
      const std::size_t dot = std::min(rest.find('.'), rest.size());
      if (!is_host_name(rest.substr(0, dot))) return is_not_one(texts[0]);
      if (dot == rest.size()) break;
      rest.remove_prefix(dot + 1);
    }
    entry.network.dhcp.domain = to_lower(whole);
    return std::nullopt;
  };
  setting.get = [](const LanEntry& entry) { return Texts{entry.network.dhcp.domain}; };
  return setting;
}

// "00:22:15:01:02:03 192.168.86.50 web".
std::optional<slirp::lan::StaticLease> parse_static_lease(std::string_view item) {
  std::vector<std::string_view> parts;
  while (!(item = trim(item)).empty()) {
    const std::size_t end = std::min(item.find_first_of(" \t"), item.size());
    parts.push_back(item.substr(0, end));
    item.remove_prefix(end);
  }
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  const auto mac = MacAddress::parse(parts[0]);
  const auto ip = IpAddress::parse(parts[1]);
  if (!mac || !mac->is_unicast() || !ip || !ip->is_v4()) return std::nullopt;
  if (parts.size() == 3 && !is_host_name(parts[2])) return std::nullopt;
  return slirp::lan::StaticLease{*mac, *ip, parts.size() == 3 ? to_lower(parts[2]) : ""};
}

std::string print_static_lease(const slirp::lan::StaticLease& lease) {
  return lease.mac.to_string() + " " + lease.address.to_string() +
         (lease.host_name.empty() ? "" : " " + lease.host_name);
}

LanSetting ipv6_prefix() {
  LanSetting setting;
  setting.path = "ipv6.prefix";
  setting.expected = "off, or a unique local /64 like fd86:0:0:1::/64";
  setting.help =
      "Stations make their IPv6 addresses in it. The network `default` has fd86:0:0:1::/64, others none.";
  setting.set = [](LanEntry& entry, const Texts& texts) -> std::optional<std::string> {
    if (to_lower(texts[0]) == "off") {
      entry.network.ipv6.prefix.reset();
      entry.has_ipv6_choice = true;
      return std::nullopt;
    }
    const auto prefix = Prefix::parse(texts[0]);
    const bool is_local = prefix && prefix->family() == Family::kV6 && prefix->address().bytes()[0] == 0xfd;
    if (!is_local || prefix->length() != 64) return is_not_one(texts[0]);
    entry.network.ipv6.prefix = *prefix;
    entry.has_ipv6_choice = true;
    return std::nullopt;
  };
  setting.get = [](const LanEntry& entry) -> Texts {
    if (entry.network.ipv6.prefix) return {entry.network.ipv6.prefix->to_string()};
    return entry.has_ipv6_choice ? Texts{"off"} : Texts{};
  };
  return setting;
}

void add_network(std::vector<LanSetting>& table) {
  table.push_back(subnet());
  table.push_back(address(
      "gateway", [](auto& entry) -> auto& { return entry.network.gateway; }, "an IPv4 address of the subnet",
      "The router's address; else the subnet's first."));
  table.push_back(gateway_mac());
  table.push_back(number<LanEntry>(
      "mtu", [](auto& entry) -> auto& { return entry.network.mtu; }, 576, 65535,
      "Largest packet to a station, told by DHCP and router advertisements. 1280 at least with IPv6."));
  table.push_back(boolean<LanEntry>(
      "isolate", [](auto& entry) -> auto& { return entry.network.isolate; },
      "false: a switch, whose stations see each other."));
  table.push_back(boolean<LanEntry>(
      "reach_peers", [](auto& entry) -> auto& { return entry.network.reach_peers; },
      "true: packets pass between the stations and WireGuard peers or other such networks."));
  table.push_back(number<LanEntry>(
      "max_stations", [](auto& entry) -> auto& { return entry.network.max_stations; }, 1, 1'048'576,
      "Stations at once, per worker; a new one beyond is refused."));
  table.push_back(number<LanEntry>(
      "macs_per_session", [](auto& entry) -> auto& { return entry.network.macs_per_session; }, 1, 4096,
      "Ethernet addresses behind one WebSocket; a bridge inside the VM needs more than one."));
  table.push_back(duration<LanEntry>(
      "detached_time", [](auto& entry) -> auto& { return entry.network.detached_time; }, 0s, 24h,
      "How long a station without its WebSocket keeps its flows."));
  table.push_back(duration<LanEntry>(
      "silence_for_takeover", [](auto& entry) -> auto& { return entry.network.silence_for_takeover; }, 0s, 1h,
      "How long a session must be silent before another may take over its Ethernet address."));
  table.push_back(number<LanEntry>(
      "arp_per_second", [](auto& entry) -> auto& { return entry.network.arp_per_second; }, 1, 1'000'000,
      "ARP requests and neighbor solicitations of one station that are answered."));
  table.push_back(number<LanEntry>(
      "broadcast_per_second", [](auto& entry) -> auto& { return entry.network.broadcast_per_second; }, 1,
      1'000'000, "Frames of one station to all others of a switch."));
}

void add_dhcp(std::vector<LanSetting>& table) {
  table.push_back(boolean<LanEntry>(
      "dhcp.enabled", [](auto& entry) -> auto& { return entry.network.dhcp.enabled; },
      "false: stations have fixed addresses of the subnet."));
  table.push_back(address(
      "dhcp.first", [](auto& entry) -> auto& { return entry.network.dhcp.first; },
      "an IPv4 address of the subnet", "First address given out; else the subnet's first."));
  table.push_back(address(
      "dhcp.last", [](auto& entry) -> auto& { return entry.network.dhcp.last; },
      "an IPv4 address of the subnet", "Last address given out; else the subnet's last."));
  table.push_back(lease_time());
  table.push_back(duration<LanEntry>(
      "dhcp.decline_time", [](auto& entry) -> auto& { return entry.network.dhcp.decline_time; }, 1s, 24h,
      "How long an address is not given out after a station found somebody else using it."));
  table.push_back(domain());
  table.push_back(list<LanEntry>(
      "dhcp.name_servers", [](auto& entry) -> auto& { return entry.network.dhcp.name_servers; },
      [](std::string_view item) {
        const auto ip = IpAddress::parse(item);
        return ip && ip->is_v4() ? ip : std::nullopt;
      },
      [](const IpAddress& ip) { return ip.to_string(); }, "a list of IPv4 addresses",
      "Resolvers told to the stations; empty: the gateway."));
  table.push_back(list<LanEntry>(
      "dhcp.static_leases", [](auto& entry) -> auto& { return entry.network.dhcp.static_leases; },
      parse_static_lease, print_static_lease, "a list of \"MAC ADDRESS\" or \"MAC ADDRESS NAME\"",
      "Stations that always get the same address."));
  table.push_back(number<LanEntry>(
      "dhcp.leases_per_session", [](auto& entry) -> auto& { return entry.network.dhcp.leases_per_session; },
      1, 4096, "Addresses that one WebSocket may take."));
}

std::vector<LanSetting> make_lan_settings() {
  std::vector<LanSetting> table;
  add_network(table);
  add_dhcp(table);
  table.push_back(ipv6_prefix());
  table.push_back(number<LanEntry>(
      "pace.burst_frames", [](auto& entry) -> auto& { return entry.network.pace.burst_frames; }, 1, 65536,
      "Frames sent at once to a station with a small receive ring, such as an ne2k; 8 full ones fit."));
  table.push_back(duration<LanEntry>(
      "pace.interval", [](auto& entry) -> auto& { return entry.network.pace.interval; }, 0s, 1s,
      "Then one frame per interval; 0s: no pacing."));
  table.push_back(number<LanEntry>(
      "pace.queue_frames", [](auto& entry) -> auto& { return entry.network.pace.queue_frames; }, 8, 65536,
      "Frames that may wait for their turn; beyond, the oldest give way."));
  table.push_back(rules<LanEntry>(
      "egress.allow", [](auto& entry) -> auto& { return entry.egress.allow; },
      "Like egress.allow, for this network only; asked before the global rules."));
  table.push_back(rules<LanEntry>(
      "egress.deny", [](auto& entry) -> auto& { return entry.egress.deny; },
      "Like egress.deny, for this network only."));
  return table;
}

}  // namespace

const std::vector<LanSetting>& lan_settings() {
  static const std::vector<LanSetting> table = make_lan_settings();
  return table;
}

}  // namespace wgr
