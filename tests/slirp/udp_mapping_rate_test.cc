// How fast one guest may open UDP mappings.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::kGuest;
using sim::kOtherGuest;
using sim::StackWorld;
using sim::udp_packet;

class UdpMappingRateTest : public testing::Test {
 protected:
  static Config config() {
    Config config = StackWorld::default_config();
    config.limits.udp_mappings_per_second = 10;
    config.limits.udp_mapping_burst = 5;
    return config;
  }

  // A datagram from a port of the guest that nobody has used before.
  void send_from_new_port(GuestId guest = kGuest) {
    world_.send(udp_packet({guest == kGuest ? kGuestIp : kOtherIp, ++port_}, kRemote, "x"), guest);
  }
  std::size_t received() const { return peer_.received().size(); }
  std::uint64_t refused() { return world_.drops(DropReason::kFlowRateLimited); }

  static inline const IpAddress kGuestIp = IpAddress::v4(10, 0, 0, 2);
  static inline const IpAddress kOtherIp = IpAddress::v4(10, 0, 0, 3);
  static inline const SocketAddress kRemote{IpAddress::v4(93, 184, 216, 1), 9000};
  StackWorld world_{config()};
  sim::UdpRemote& peer_ = world_.internet.bind_udp(kRemote);
  std::uint16_t port_ = 5000;
};

TEST_F(UdpMappingRateTest, ABurstThenTheRate) {
  for (int i = 0; i < 8; ++i) send_from_new_port();
  EXPECT_EQ(received(), 5u);
  EXPECT_EQ(refused(), 3u);

  world_.advance(99ms);
  send_from_new_port();
  EXPECT_EQ(received(), 5u);
  world_.advance(1ms);
  send_from_new_port();
  EXPECT_EQ(received(), 6u);
  send_from_new_port();
  EXPECT_EQ(received(), 6u);
  EXPECT_EQ(refused(), 5u);
}

TEST_F(UdpMappingRateTest, ARefusedDatagramIsToldByIcmp) {
  for (int i = 0; i < 5; ++i) send_from_new_port();
  send_from_new_port();
  sim::GuestPacket error = world_.take_one();
  EXPECT_EQ(error.icmp().type(), 3);
  EXPECT_EQ(error.icmp().code(), 13);
}

TEST_F(UdpMappingRateTest, MappingsThatAreThereCarryOnWhateverTheBucketHolds) {
  for (int i = 0; i < 8; ++i) send_from_new_port();
  for (int i = 0; i < 50; ++i) world_.send(udp_packet({kGuestIp, 5001}, kRemote, std::to_string(i)));
  EXPECT_EQ(received(), 55u);
}

TEST_F(UdpMappingRateTest, AnotherGuestHasABucketOfItsOwn) {
  for (int i = 0; i < 8; ++i) send_from_new_port();
  for (int i = 0; i < 5; ++i) send_from_new_port(kOtherGuest);
  EXPECT_EQ(received(), 10u);
  EXPECT_EQ(refused(), 3u);
}

// What the policy forbids opens nothing, and takes no token.
TEST_F(UdpMappingRateTest, ForbiddenDestinationsCostNoToken) {
  for (int i = 0; i < 20; ++i) {
    world_.send(udp_packet({kGuestIp, ++port_}, {IpAddress::v4(127, 0, 0, 1), 9000}, "x"));
  }
  EXPECT_EQ(refused(), 0u);
  for (int i = 0; i < 5; ++i) send_from_new_port();
  EXPECT_EQ(received(), 5u);
}

// A guest that churns through ports must not be able to use up the host's at the speed of its link.
TEST_F(UdpMappingRateTest, AChurnOfPortsIsHeldToTheRate) {
  const Instant end = world_.now + 2s;
  while (world_.now < end) {
    send_from_new_port();
    world_.advance(1ms);
  }
  EXPECT_GE(received(), 24u);
  EXPECT_LE(received(), 26u);  // the burst and two seconds of the rate
}

}  // namespace
}  // namespace wgr::slirp
