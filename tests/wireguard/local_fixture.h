// A worker's side of the tunnel with two peers, for tests below the device.
#pragma once

#include "gtest/gtest.h"

#include "core/rng.h"
#include "wireguard/peer.h"

namespace wgr::wireguard {

class LocalFixture : public testing::Test {
 protected:
  static PeerConfig new_peer() {
    PeerConfig config;
    config.public_key = public_key_of(generate_private_key());
    return config;
  }

  Rng rng_{1};
  Local local_{.identity = Identity{generate_private_key()},
               .mtu = 1420,
               .max_staged_packets = 128,
               .clock = WallClock{{}, {}},
               .rng = rng_,
               .indices = IndexTable{0},
               .counters = {}};
  Peer peer_{GuestId{0, 1}, new_peer(), local_, Instant{}};
  Peer other_{GuestId{0, 2}, new_peer(), local_, Instant{}};
};

}  // namespace wgr::wireguard
