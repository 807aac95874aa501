#include "cmd/routes.h"

#include <algorithm>
#include <utility>

namespace wgr {

Routes::Routes(std::shared_ptr<const wireguard::AllowedIps> allowed_ips, const OverlayConfig& overlay,
               const std::vector<IpAddress>& own_addresses, std::vector<NetworkRoute> networks)
    : allowed_ips_(std::move(allowed_ips)),
      has_overlay_(overlay.enabled),
      excluded_(overlay.exclude),
      networks_(std::move(networks)) {
  const bool lan_reaches_peers = std::any_of(networks_.begin(), networks_.end(),
                                             [](const NetworkRoute& network) { return network.reach_peers; });
  peers_reach_guests_ = has_overlay_ || lan_reaches_peers;
  if (peers_reach_guests_) {
    allowed_ips_->for_each([this](const Prefix& prefix, GuestId guest) {
      if (prefix.length() > 0) targets_.insert(prefix, Target{.peer = guest});
    });
  }
  for (std::size_t i = 0; i < networks_.size(); ++i) {
    for (const Prefix& prefix : networks_[i].prefixes) {
      targets_.insert(prefix, Target{.peer = {}, .network = static_cast<NetworkIndex>(i)});
    }
  }
  for (const IpAddress& own : own_addresses) targets_.insert(Prefix{own, own.bit_length()}, Target{});
}

NextHop Routes::next_hop(NetworkIndex from, const IpAddress& destination) const {
  const Target* const target = targets_.lookup(destination);
  if (target == nullptr) return {};
  if (target->network != kNoNetwork) return to_network(from, target->network);
  if (!target->peer || !may_reach_peers(from)) return {};
  for (const Prefix& excluded : excluded_) {
    if (excluded.contains(destination)) return {};
  }
  NextHop hop;
  hop.kind = NextHop::Kind::kPeer;
  hop.peer = target->peer;
  return hop;
}

NextHop Routes::to_network(NetworkIndex from, NetworkIndex to) const {
  const bool passes =
      from != to && networks_[to].reach_peers && (from == kNoNetwork || networks_[from].reach_peers);
  return {.kind = passes ? NextHop::Kind::kNetwork : NextHop::Kind::kRefused,
          .peer = {},
          .network = to,
          .home = networks_[to].home,
          .mtu = networks_[to].mtu};
}

}  // namespace wgr
