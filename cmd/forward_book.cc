#include "cmd/forward_book.h"

#include <algorithm>
#include <string_view>

#include "core/text.h"

namespace wgr {
namespace {

struct Place {
  WorkerIndex home = 0;
  std::optional<slirp::ForwardTarget> target;
};

std::optional<IpAddress> own_address(const NetworkConfig& network, Family family) {
  for (const InterfaceAddress& address : network.addresses) {
    if (address.ip.family() == family) return address.ip;
  }
  return std::nullopt;
}

// Of a peer, at one of its addresses.
Place place_of(GuestId peer, const IpAddress& address, const NetworkConfig& network) {
  const auto own = own_address(network, address.family());
  if (!own) return {peer.home(), std::nullopt};
  return {peer.home(), slirp::ForwardTarget{peer, address, *own}};
}

// A station of the network that has the address, or the name. One without its session is absent: who comes
// new is told so, and what it has goes on if it comes back.
template <typename Matches>
Place station_place(const LanBook& lan, NetworkIndex network, std::size_t workers, Matches matches) {
  Place place{network_home(network, workers), std::nullopt};
  const IpAddress& gateway = lan.settings()[network].config.gateway;
  for (const LanBook::StationStatus& station : lan.stations(network)) {
    if (!station.session) continue;
    for (const IpAddress& address : station.addresses) {
      if (address.family() != gateway.family() || !matches(station, address)) continue;
      place.target = slirp::ForwardTarget{station.guest, address, gateway};
      return place;
    }
  }
  return place;
}

Place place_of_address(const IpAddress& address, const PeerBook& peers, const LanBook& lan,
                       const NetworkConfig& network, std::size_t workers) {
  for (std::size_t i = 0; i < lan.size(); ++i) {
    if (!lan.settings()[i].config.subnet.contains(address)) continue;
    return station_place(lan, static_cast<NetworkIndex>(i), workers,
                         [&address](const auto&, const IpAddress& has) { return has == address; });
  }
  const auto allowed_ips = peers.allowed_ips();
  const GuestId* const peer = allowed_ips->lookup(address);
  return peer == nullptr ? Place{} : place_of(*peer, address, network);
}

// A peer's address is that of its AllowedIPs which is one host, IPv4 before IPv6.
std::optional<IpAddress> host_address(const wireguard::PeerConfig& peer) {
  std::optional<IpAddress> found;
  for (const Prefix& prefix : peer.allowed_ips) {
    const bool is_host = prefix.length() == prefix.address().bit_length();
    if (is_host && (!found || (!found->is_v4() && prefix.address().is_v4()))) found = prefix.address();
  }
  return found;
}

bool is_name_of(const std::string& wanted, const std::string& host_name,
                const slirp::lan::NetworkConfig& network) {
  if (host_name.empty() || !wanted.starts_with(to_lower(host_name))) return false;
  const std::string_view rest = std::string_view{wanted}.substr(host_name.size());
  return rest.empty() || rest == "." + to_lower(network.dhcp.domain) || rest == "." + network.name;
}

// Stations choose their names: only what the configuration says decides between networks.
std::optional<NetworkIndex> network_of_name(const std::string& name, const LanBook& lan) {
  std::vector<NetworkIndex> configured;
  std::vector<NetworkIndex> said;
  for (std::size_t i = 0; i < lan.size(); ++i) {
    const slirp::lan::NetworkConfig& network = lan.settings()[i].config;
    const auto is_meant = [&](const auto& named) { return is_name_of(name, named.host_name, network); };
    const auto index = static_cast<NetworkIndex>(i);
    if (std::ranges::any_of(network.dhcp.static_leases, is_meant)) configured.push_back(index);
    if (std::ranges::any_of(lan.stations(index), is_meant)) said.push_back(index);
  }
  const std::vector<NetworkIndex>& found = configured.empty() ? said : configured;
  return found.size() == 1 ? std::optional{found.front()} : std::nullopt;
}

Place place_of_name(const std::string& name, const PeerBook& peers, const LanBook& lan,
                    const NetworkConfig& network, std::size_t workers) {
  for (const auto& [key, entry] : peers.entries()) {
    if (entry.config.name != name) continue;
    const auto address = host_address(entry.config);
    return address ? place_of(entry.id, *address, network) : Place{entry.id.home(), std::nullopt};
  }
  const std::string wanted = to_lower(name);
  const std::optional<NetworkIndex> at = network_of_name(wanted, lan);
  if (!at) return {};
  return station_place(lan, *at, workers, [&](const auto& station, const IpAddress&) {
    return is_name_of(wanted, station.host_name, lan.settings()[*at].config);
  });
}

}  // namespace

std::vector<std::vector<PlannedForward>> plan_forwards(std::span<const ForwardEntry> forwards,
                                                       const PeerBook& peers, const LanBook& lan,
                                                       const NetworkConfig& network, std::size_t workers) {
  std::vector<std::vector<PlannedForward>> plan(workers);
  for (const ForwardEntry& entry : forwards) {
    const auto address = IpAddress::parse(entry.target);
    const Place place = address ? place_of_address(*address, peers, lan, network, workers)
                                : place_of_name(entry.target, peers, lan, network, workers);
    const unsigned count = entry.last_port - entry.first_port + 1u;
    for (unsigned i = 0; i < count; ++i) {
      slirp::ForwardConfig config{.protocol = entry.protocol,
                                  .listen_addresses = entry.listen_addresses,
                                  .listen_port = static_cast<std::uint16_t>(entry.first_port + i),
                                  .guest_port = static_cast<std::uint16_t>(entry.first_guest_port + i),
                                  .allowed_sources = entry.allowed_sources,
                                  .proxy_protocol = entry.proxy_protocol};
      plan[place.home].push_back({std::move(config), place.target});
    }
  }
  return plan;
}

}  // namespace wgr
