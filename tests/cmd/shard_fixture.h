// A shard of its own with a virtual LAN and a peer, for tests of the ports around it.
#pragma once

#include <memory>

#include "gtest/gtest.h"

#include "cmd/shard.h"
#include "tests/slirp/lan/lan_frames.h"
#include "tests/support/sim_sockets.h"

namespace wgr {

inline constexpr GuestId kPeer{/*home=*/0, /*serial=*/1};

class ShardTest : public testing::Test {
 protected:
  static constexpr NetworkIndex kLab = 0;

  ShardTest() {
    wireguard::PeerConfig peer;
    peer.public_key.fill(9);
    shard_.device().set_peer(kPeer, peer, now());
  }

  // The ports read the real clock.
  static Instant now() { return Clock::now(); }

  static Shard::Settings settings() {
    LanSettings lab;
    lab.config.name = "lab";
    lab.config.subnet = Prefix{IpAddress::v4(192, 168, 86, 0), 24};
    lab.config.gateway = slirp::lan::test::kGateway;
    lab.config.gateway_mac = slirp::lan::test::kGatewayMac;
    Shard::Settings settings;
    settings.networks = {lab};
    settings.stack.own_addresses = {lab.config.gateway};
    settings.policy = std::make_shared<egress::Policy>(egress::Policy::Settings{});
    const NetworkRoute route{.home = 0, .prefixes = {lab.config.subnet}};
    settings.routes = std::make_shared<Routes>(std::make_shared<wireguard::AllowedIps>(), OverlayConfig{},
                                               settings.stack.own_addresses, std::vector{route});
    settings.directory = std::make_shared<wireguard::PeerDirectory>();
    return settings;
  }

  std::uint64_t unsent() const { return shard_.counters().drops.value(DropReason::kEndpointMissing); }
  Endpoint endpoint_of_peer() const { return shard_.device().status().at(0).endpoint; }

  // Bounds every wait; reached only when something is broken.
  static constexpr std::chrono::seconds kPatience{10};
  template <typename Turn, typename Claim>
  static bool run_until(Turn turn, Claim claim) {
    const Instant deadline = now() + kPatience;
    while (!claim()) {
      if (now() > deadline) return false;
      turn();
    }
    return true;
  }

  sim::Internet internet_;
  sim::SimSockets sockets_{internet_};  // of the stack
  Rng rng_{/*seed=*/1};
  Shard shard_{0, settings(), sockets_, rng_, WallTime{std::chrono::hours{1}}, now()};
};

}  // namespace wgr
