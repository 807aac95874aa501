#include "cmd/config_lan.h"

#include <algorithm>
#include <map>

#include "cmd/config_draft.h"

namespace wgr {
namespace {

constexpr std::string_view kDefault = "default";
constexpr std::uint16_t kLeastIpv6Mtu = 1280;  // RFC 8200, 5

bool overlap(const Prefix& a, const Prefix& b) {
  return a.family() == b.family() && (a.contains(b.address()) || b.contains(a.address()));
}

std::string path_of(const LanEntry& entry, std::string_view key) {
  return "lan.networks." + entry.network.name + "." + std::string{key};
}

// The beginning of a message about one key of a network.
std::string where(const ConfigDraft& draft, const LanEntry& entry, std::string_view key) {
  const std::string path = path_of(entry, key);
  if (draft.origin(path) != nullptr || entry.origin.empty()) return draft.where(path);
  return entry.origin + ": " + path;
}

std::uint32_t first_of(const Prefix& subnet) { return subnet.address().to_v4(); }
std::uint32_t last_of(const Prefix& subnet) {
  return first_of(subnet) | static_cast<std::uint32_t>((std::uint64_t{1} << (32 - subnet.length())) - 1);
}

// Of the subnet, and neither its network nor its broadcast address.
bool is_station_address(const Prefix& subnet, const IpAddress& ip) {
  return subnet.contains(ip) && ip.to_v4() != first_of(subnet) && ip.to_v4() != last_of(subnet);
}

// Who has addresses of `prefix` already; empty: nobody. Peers may have what is around it.
std::string holder_of(const ConfigDraft& draft, const Prefix& prefix, const LanEntry& self) {
  for (const InterfaceAddress& address : draft.config.network.addresses) {
    if (overlap(prefix, Prefix{address.ip, address.length})) return "network.addresses";
  }
  for (const PeerEntry& peer : draft.config.wireguard.peers) {
    for (const Prefix& allowed : peer.peer.allowed_ips) {
      const bool is_within = allowed.family() == prefix.family() && allowed.length() >= prefix.length() &&
                             prefix.contains(allowed.address());
      if (peer.is_enabled && is_within) return "allowed_ips of " + peer.origin;
    }
  }
  for (const LanEntry& other : draft.config.lan.networks) {
    if (&other == &self) continue;
    const slirp::lan::NetworkConfig& network = other.network;
    if (network.subnet.length() != 0 && overlap(prefix, network.subnet)) return path_of(other, "subnet");
    if (network.ipv6.prefix && overlap(prefix, *network.ipv6.prefix)) return path_of(other, "ipv6.prefix");
  }
  return {};
}

// False when the network must not be: its subnet, which nobody chose, is taken.
bool choose_default_subnet(ConfigDraft& draft, LanEntry& entry) {
  const Prefix subnet{IpAddress::v4(192, 168, 86, 0), 24};
  const std::string holder = holder_of(draft, subnet, entry);
  if (!holder.empty()) {
    draft.notice(log::Level::kWarn, "no virtual LAN `default`: its subnet " + subnet.to_string() +
                                        " belongs to " + holder + "; choose lan.networks.default.subnet");
    return false;
  }
  entry.network.subnet = subnet;
  return true;
}

void choose_default_ipv6(ConfigDraft& draft, LanEntry& entry) {
  const Prefix prefix = *Prefix::parse("fd86:0:0:1::/64");
  if (entry.network.mtu < kLeastIpv6Mtu || !draft.config.network.ipv6) return;
  if (holder_of(draft, prefix, entry).empty()) entry.network.ipv6.prefix = prefix;
}

void fill(LanEntry& entry) {
  slirp::lan::NetworkConfig& network = entry.network;
  if (network.subnet.length() != 0 && network.gateway.is_unspecified()) {
    network.gateway = IpAddress::v4(first_of(network.subnet) + 1);
  }
  if (network.gateway_mac.is_none()) network.gateway_mac = gateway_mac_of(network.name);
}

void check_addresses(ConfigDraft& draft, const LanEntry& entry) {
  const slirp::lan::NetworkConfig& network = entry.network;
  const auto check = [&](std::string_view key, const IpAddress& ip) {
    if (ip.is_unspecified() || is_station_address(network.subnet, ip)) return;
    draft.problem(where(draft, entry, key), ip.to_string() + " is no address for a station of the subnet",
                  "one of " + network.subnet.to_string() + ", not its first or last");
  };
  check("gateway", network.gateway);
  check("dhcp.first", network.dhcp.first);
  check("dhcp.last", network.dhcp.last);
  const bool has_range = !network.dhcp.first.is_unspecified() && !network.dhcp.last.is_unspecified();
  if (has_range && network.dhcp.last < network.dhcp.first) {
    draft.problem(where(draft, entry, "dhcp.first"), "dhcp.first is above dhcp.last");
  }
  std::map<IpAddress, const slirp::lan::StaticLease*> by_address;
  std::map<MacAddress, const slirp::lan::StaticLease*> by_mac;
  for (const slirp::lan::StaticLease& lease : network.dhcp.static_leases) {
    check("dhcp.static_leases", lease.address);
    const bool is_own = lease.address == network.gateway;
    const bool is_new = by_address.emplace(lease.address, &lease).second;
    if (is_own || !is_new) {
      draft.problem(where(draft, entry, "dhcp.static_leases"),
                    lease.address.to_string() + (is_own ? " is the gateway's" : " is given to two stations"));
    }
    if (!by_mac.emplace(lease.mac, &lease).second) {
      draft.problem(where(draft, entry, "dhcp.static_leases"), lease.mac.to_string() + " is listed twice");
    }
  }
}

void check_ipv6(ConfigDraft& draft, const LanEntry& entry) {
  if (!entry.network.ipv6.prefix) return;
  if (!draft.config.network.ipv6) {
    draft.problem(where(draft, entry, "ipv6.prefix"), "network.ipv6 is false", "ipv6.prefix: off");
  }
  if (entry.network.mtu < kLeastIpv6Mtu) {
    draft.problem(where(draft, entry, "mtu"), "is too small for IPv6", "1280 at least, or ipv6.prefix: off");
  }
  if (const std::string holder = holder_of(draft, *entry.network.ipv6.prefix, entry); !holder.empty()) {
    draft.problem(where(draft, entry, "ipv6.prefix"), "overlaps with " + holder, "a /64 of its own");
  }
}

}  // namespace

void derive_networks(ConfigDraft& draft) {
  LanConfig& lan = draft.config.lan;
  if (!lan.enabled) {
    if (!lan.networks.empty()) {
      draft.notice(log::Level::kWarn, "lan.enabled is false: the networks of lan.networks are not opened");
    }
    lan.networks.clear();
    return;
  }
  LanEntry& chosen = draft.network(kDefault, "");
  if (chosen.network.subnet.length() == 0 && !choose_default_subnet(draft, chosen)) {
    std::erase_if(lan.networks, [](const LanEntry& entry) { return entry.network.name == kDefault; });
  }
  for (LanEntry& entry : lan.networks) {
    if (entry.network.name == kDefault && !entry.has_ipv6_choice) choose_default_ipv6(draft, entry);
    entry.has_ipv6_choice = true;
    fill(entry);
  }
  const auto first = std::find_if(lan.networks.begin(), lan.networks.end(),
                                  [](const LanEntry& entry) { return entry.network.name == kDefault; });
  if (first != lan.networks.end()) std::rotate(lan.networks.begin(), first, first + 1);
}

void check_networks(ConfigDraft& draft) {
  constexpr std::size_t kMostNetworks = 256;
  const std::vector<LanEntry>& networks = draft.config.lan.networks;
  if (networks.size() > kMostNetworks) draft.problem("lan.networks", "there are too many", "256 at most");
  for (const LanEntry& entry : networks) {
    if (entry.network.subnet.length() == 0) {
      draft.problem(where(draft, entry, "subnet"), "is missing", "an IPv4 prefix like 192.168.87.0/24");
      continue;
    }
    if (const std::string holder = holder_of(draft, entry.network.subnet, entry); !holder.empty()) {
      draft.problem(where(draft, entry, "subnet"),
                    entry.network.subnet.to_string() + " overlaps with " + holder, "a subnet of its own");
    }
    check_addresses(draft, entry);
    check_ipv6(draft, entry);
  }
}

MacAddress gateway_mac_of(std::string_view network_name) {
  // FNV-1a, whose low bits are good for short names once folded.
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : network_name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  hash ^= hash >> 32;
  std::array<std::uint8_t, MacAddress::kSize> bytes{0x02, 0x86};  // locally administered
  for (std::size_t i = 2; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(hash >> (8 * (5 - i)));
  return MacAddress{bytes};
}

}  // namespace wgr
