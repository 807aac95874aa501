// Where an inner packet goes next: to a WireGuard peer, to a virtual LAN, or out through the stack. An
// immutable snapshot of the addresses of all guests and of who may reach whom.
//
//   from \ to        peer             station of another LAN           the same LAN
//   peer             overlay          the LAN has reach_peers          -
//   station          reach_peers      both LANs have reach_peers       refused: stations of a switch reach
//                                                                      each other without the router
//
// What may not pass is refused where it is a LAN's address, and left to the stack where it is a peer's:
// the egress policy then decides about an address that nobody of ours claims.
//
// Thread: shared by all workers (shared_ptr<const Routes>); a reload builds a new one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cmd/config.h"
#include "core/address.h"
#include "core/guest_id.h"
#include "core/prefix_table.h"
#include "wireguard/allowed_ips.h"

namespace wgr {

// A virtual LAN by its place in the configuration.
using NetworkIndex = std::uint16_t;
inline constexpr NetworkIndex kNoNetwork = 0xffff;  // the source is a WireGuard peer

// What routing knows of one virtual LAN.
struct NetworkRoute {
  WorkerIndex home = 0;
  std::vector<Prefix> prefixes;  // its IPv4 subnet, its IPv6 prefix
  std::uint16_t mtu = 1420;
  bool reach_peers = false;
};

struct NextHop {
  enum class Kind : std::uint8_t { kStack, kPeer, kNetwork, kRefused };

  Kind kind = Kind::kStack;
  GuestId peer;                       // kPeer
  NetworkIndex network = kNoNetwork;  // kNetwork
  WorkerIndex home = 0;               // kNetwork
  std::uint16_t mtu = 0;              // kNetwork

  friend bool operator==(const NextHop&, const NextHop&) = default;
};

class Routes {
 public:
  // `own_addresses` are the router's inner addresses, those of gateways included: always the stack's.
  Routes(std::shared_ptr<const wireguard::AllowedIps> allowed_ips, const OverlayConfig& overlay,
         const std::vector<IpAddress>& own_addresses, std::vector<NetworkRoute> networks = {});

  const std::shared_ptr<const wireguard::AllowedIps>& allowed_ips() const noexcept { return allowed_ips_; }
  // Whether a peer's packet can go anywhere but to the stack.
  bool peers_reach_guests() const noexcept { return peers_reach_guests_; }
  // For a packet of a guest of `from`. A default route (/0) in AllowedIPs says what a guest may send, not
  // that it is everybody's way out.
  NextHop next_hop(NetworkIndex from, const IpAddress& destination) const;

 private:
  struct Target {
    GuestId peer;                       // nobody: a network, or the router itself
    NetworkIndex network = kNoNetwork;  // none: a peer, or the router itself
  };

  NextHop to_network(NetworkIndex from, NetworkIndex to) const;
  bool may_reach_peers(NetworkIndex from) const noexcept {
    return from == kNoNetwork ? has_overlay_ : networks_[from].reach_peers;
  }

  const std::shared_ptr<const wireguard::AllowedIps> allowed_ips_;
  const bool has_overlay_;
  const std::vector<Prefix> excluded_;
  const std::vector<NetworkRoute> networks_;
  bool peers_reach_guests_ = false;
  PrefixTable<Target> targets_;
};

}  // namespace wgr
