// Two devices and an eavesdropper: what the protocol promises, seen from outside.
#include "wireguard/device.h"

#include "gtest/gtest.h"

#include "tests/wireguard/tunnel.h"
#include "wireguard/constants.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;

class DeviceTest : public testing::Test, protected Tunnel {};

// --- handshake and data ---

TEST_F(DeviceTest, OneHandshakeCarriesTheFirstPacket) {
  alice_sends();

  ASSERT_EQ(bob.packets.size(), 1u);
  EXPECT_EQ(bob.packets[0], ping());
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 1u);
  EXPECT_EQ(wire.seen(MessageType::kResponse), 1u);
  EXPECT_EQ(wire.seen(MessageType::kTransport), 1u);  // the staged packet confirms: no keepalive besides

  bob_sends();
  ASSERT_EQ(alice.packets.size(), 1u);
  EXPECT_EQ(alice.packets[0], pong());
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 1u);
  EXPECT_EQ(alice.device->counters().drops.total(), 0u);
  EXPECT_EQ(bob.device->counters().drops.total(), 0u);
}

TEST_F(DeviceTest, EndpointIsLearntFromTheInitiation) {
  EXPECT_FALSE(bob.status_of(alice_at_bob).endpoint);
  alice_sends();
  EXPECT_EQ(bob.status_of(alice_at_bob).endpoint, alice.address);
}

TEST_F(DeviceTest, DataIsPaddedTo16ButNeverPastTheMtu) {
  alice_sends();
  wire.log.clear();
  for (std::size_t size = 20; size <= 1420; ++size) alice_sends(size);
  ASSERT_EQ(wire.log.size(), 1401u);
  for (std::size_t i = 0; i < wire.log.size(); ++i) {
    const std::size_t body = wire.log[i].bytes.size() - kTransportOverhead;
    EXPECT_EQ(body, std::min<std::size_t>((20 + i + 15) / 16 * 16, 1420)) << "packet of " << 20 + i;
  }
  ASSERT_EQ(bob.packets.size(), 1402u);
  for (std::size_t i = 1; i < bob.packets.size(); ++i) ASSERT_EQ(bob.packets[i], ping(19 + i));
}

}  // namespace
}  // namespace wgr::wireguard
