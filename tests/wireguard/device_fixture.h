// A tunnel between two devices and where each believes the other to be.
#pragma once

#include "gtest/gtest.h"

#include "tests/wireguard/tunnel.h"

namespace wgr::wireguard {

class DeviceTest : public testing::Test, protected Tunnel {
 protected:
  Endpoint alice_endpoint() const { return bob.status_of(alice_at_bob).endpoint; }
  Endpoint bob_endpoint() const { return alice.status_of(bob_at_alice).endpoint; }
};

}  // namespace wgr::wireguard
