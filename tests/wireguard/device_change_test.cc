// Two devices that restart, or whose peers and keys change while they run.
#include "tests/wireguard/device_fixture.h"
#include "wireguard/constants.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;

TEST_F(DeviceTest, ChangedPskServesFromTheNextHandshakeOn) {
  alice_sends();
  PeerConfig config;
  config.public_key = alice.public_key();
  config.preshared_key = PresharedKey::random();
  bob.device->set_peer(alice_at_bob, config, wire.now);
  alice_sends();
  bob_sends();
  EXPECT_EQ(bob.packets.size(), 2u);
  EXPECT_EQ(alice.packets.size(), 1u);

  wire.advance(181s);
  alice_sends();
  wire.advance(10s);
  EXPECT_EQ(bob.packets.size(), 2u);

  config.public_key = bob.public_key();
  alice.device->set_peer(bob_at_alice, config, wire.now);
  wire.advance(10s);
  EXPECT_EQ(bob.packets.size(), 3u);  // the staged one
}

TEST_F(DeviceTest, RestartedInitiatorComesBackByItself) {
  alice_sends();
  wire.advance(30s);
  alice.restart(wire.now);
  bob_at_alice = alice.add_peer(bob, wire.now);
  alice.device->set_endpoint(bob_at_alice, bob.address, EndpointOrigin::kOperator, wire.now);
  bob.packets.clear();
  alice_sends();
  bob_sends();
  EXPECT_EQ(bob.packets.size(), 1u);
  EXPECT_EQ(alice.packets.size(), 1u);
}

TEST_F(DeviceTest, RestartOfTheOtherSideIsNoticedAfter15Seconds) {
  alice_sends();
  bob.restart(wire.now);
  alice_at_bob = bob.add_peer(alice, wire.now);
  bob.packets.clear();
  alice_sends();
  EXPECT_TRUE(bob.packets.empty());
  EXPECT_EQ(bob.dropped(DropReason::kIndexUnknown), 1u);
  wire.advance(15s + kMaxJitter);
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 2u);
  alice_sends();
  EXPECT_EQ(bob.packets.size(), 1u);
}

TEST_F(DeviceTest, HandshakesGoOnWhenTheWallClockStepsBack) {
  alice_sends();
  alice.device->set_wall_clock(Node::wall(wire.now) - 1h, wire.now);
  wire.advance(181s);
  bob.packets.clear();
  alice_sends();
  EXPECT_EQ(bob.packets.size(), 1u);
  EXPECT_EQ(bob.dropped(DropReason::kHandshakeReplayed), 0u);
}

TEST_F(DeviceTest, StampFarAheadIsServedAndCounted) {
  alice.device->set_wall_clock(Node::wall(wire.now) + 25h, wire.now);
  alice_sends();
  EXPECT_EQ(bob.packets.size(), 1u);
  EXPECT_EQ(bob.device->counters().future_timestamps.value(), 1u);
}

TEST_F(DeviceTest, RemovedPeerIsAStranger) {
  alice_sends();
  bob.device->remove_peer(alice_at_bob);
  bob.packets.clear();
  alice_sends();
  EXPECT_TRUE(bob.packets.empty());
  EXPECT_EQ(bob.dropped(DropReason::kIndexUnknown), 1u);
  wire.advance(30s);
  EXPECT_GT(bob.dropped(DropReason::kHandshakeUnknownPeer), 0u);
  EXPECT_EQ(bob.device->counters().peers.value(), 0);
  EXPECT_EQ(bob.device->counters().keypairs.value(), 0);
  EXPECT_EQ(wire.seen(MessageType::kResponse), 1u);
  EXPECT_TRUE(bob.device->status().empty());
}

TEST_F(DeviceTest, PeersComeAndGoWithoutATrace) {
  for (int i = 0; i < 1000; ++i) {
    bob.device->set_endpoint(alice_at_bob, alice.address, EndpointOrigin::kOperator, wire.now);
    bob.device->send(alice_at_bob, pong(), wire.now, bob.out);
    bob.device->remove_peer(alice_at_bob);
    bob.batch.clear();
    PeerConfig config;
    config.public_key = alice.public_key();
    alice_at_bob = GuestId{0, ++bob.serial};
    bob.device->set_peer(alice_at_bob, config, wire.now);
  }
  EXPECT_EQ(bob.device->counters().staged_packets.value(), 0);
  EXPECT_EQ(bob.device->counters().peers.value(), 1);
  wire.advance(24h);  // what was queued for the departed finds nobody
}

TEST_F(DeviceTest, OwnPublicKeyIsNoPeer) {
  Node mirror{"mirror", "192.0.2.9:9", "10.0.0.9", wire.now};
  mirror.private_key = alice.private_key;
  const GuestId id = alice.add_peer(mirror, wire.now);
  EXPECT_EQ(alice.status_of(id).id, GuestId{});
  EXPECT_EQ(alice.device->status().size(), 1u);
}

TEST_F(DeviceTest, NewPrivateKeyThatIsAPeersRemovesThePeer) {
  alice.device->set_private_key(bob.private_key, wire.now);
  EXPECT_TRUE(alice.device->status().empty());
  EXPECT_EQ(alice.device->public_key(), bob.public_key());
}

TEST_F(DeviceTest, NewPrivateKeyEndsSessionsAndShakesHandsAtOnce) {
  alice_sends();
  const PrivateKey key = generate_private_key();
  alice.private_key = key;
  bob.add_peer(alice, wire.now);  // under the new key
  alice.device->set_private_key(key, wire.now);
  EXPECT_EQ(alice.status_of(bob_at_alice).session_since, kNever);
  wire.advance(1ms);
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 2u);
  EXPECT_EQ(wire.seen(MessageType::kResponse), 2u);
  bob.packets.clear();
  alice_sends();
  EXPECT_EQ(bob.packets.size(), 1u);
}

}  // namespace
}  // namespace wgr::wireguard
