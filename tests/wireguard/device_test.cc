// Two devices and an eavesdropper: handshakes, data, roaming and configuration, seen from outside.
#include "wireguard/device.h"

#include "gtest/gtest.h"

#include "tests/wireguard/tunnel.h"
#include "wireguard/constants.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;

class DeviceTest : public testing::Test, protected Tunnel {
 protected:
  Endpoint alice_endpoint() const { return bob.status_of(alice_at_bob).endpoint; }
  Endpoint bob_endpoint() const { return alice.status_of(bob_at_alice).endpoint; }
};

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

TEST_F(DeviceTest, PacketsBeyondTheMtuPassAsTheyAre) {
  alice_sends();
  for (const std::size_t size : {1421u, 2840u, 9000u, 65'475u}) {
    bob.packets.clear();
    alice_sends(size);
    ASSERT_EQ(bob.packets.size(), 1u) << size;
    EXPECT_EQ(bob.packets[0], ping(size));
  }
  alice_sends(65'476);  // with header and tag more than a UDP datagram holds
  EXPECT_EQ(alice.dropped(DropReason::kPacketTooBig), 1u);
}

TEST_F(DeviceTest, PingsAreCountedAsWgCountsThem) {
  for (int i = 0; i < 10; ++i) {
    alice_sends();
    bob_sends();
  }
  const auto status = alice.status_of(bob_at_alice);
  EXPECT_EQ(status.received_bytes, 1372u);  // response 92, ten of 128
  EXPECT_TRUE(status.sent_bytes == 1428u || status.sent_bytes == 1460u) << status.sent_bytes;
  EXPECT_EQ(status.last_handshake, Node::wall(wire.now));
  EXPECT_EQ(bob.status_of(alice_at_bob).received_bytes, status.sent_bytes);
  EXPECT_EQ(bob.status_of(alice_at_bob).sent_bytes, status.received_bytes);
  EXPECT_EQ(bob.status_of(alice_at_bob).last_handshake, Node::wall(wire.now));
  EXPECT_EQ(bob.status_of(alice_at_bob).name, "alice");
}

TEST_F(DeviceTest, Ipv6PacketsPass) {
  const IpAddress from = IpAddress::parse("fd00::1").value();
  bob.allow(Prefix::parse("fd00::/64").value(), alice_at_bob);
  const Octets packet = ipv6_packet(from, IpAddress::parse("fd00::2").value(), 77);
  wire.send(alice, bob_at_alice, packet);
  ASSERT_EQ(bob.packets.size(), 1u);
  EXPECT_EQ(bob.packets[0], packet);
}

TEST_F(DeviceTest, InnerLengthThatDoesNotFitIsDropped) {
  alice_sends();
  bob.packets.clear();
  Octets longer = ping(100), shorter = ping(100), other_version = ping(100);
  store_be(longer.data() + 2, std::uint16_t{113});  // the padded packet is 112
  store_be(shorter.data() + 2, std::uint16_t{19});
  other_version[0] = 0x55;
  Octets ipv6 = ipv6_packet(IpAddress::parse("fd00::1").value(), IpAddress::parse("fd00::2").value(), 80);
  store_be(ipv6.data() + 4, std::uint16_t{41});
  const Octets stub(10, 0x45), stub6(39, 0x60);
  for (const Octets& packet : {longer, shorter, other_version, ipv6, stub, stub6})
    wire.send(alice, bob_at_alice, packet);
  EXPECT_TRUE(bob.packets.empty());
  EXPECT_EQ(bob.dropped(DropReason::kPacketMalformed), 6u);
}

// --- the responder's key confirmation ---

TEST_F(DeviceTest, ResponderSendsNothingBeforeTheInitiatorConfirms) {
  // The initiator's confirmation is lost.
  wire.passes = [](const OnWire& datagram) { return !datagram.is(MessageType::kTransport); };
  alice_sends();
  ASSERT_EQ(wire.seen_from(bob, MessageType::kResponse), 1u);
  bob_sends();
  bob_sends();
  EXPECT_EQ(wire.seen_from(bob, MessageType::kTransport), 0u);

  wire.passes = [](const OnWire&) { return true; };
  alice_sends();
  EXPECT_EQ(wire.seen_from(bob, MessageType::kTransport), 2u);  // what was staged
  EXPECT_EQ(alice.packets.size(), 2u);
}

TEST_F(DeviceTest, LateMessagesOfThePreviousKeypairStillArrive) {
  alice_sends();
  wire.passes = [](const OnWire& datagram) { return !datagram.is(MessageType::kTransport); };
  alice_sends(200);
  const Octets late = wire.log.back().bytes;
  wire.passes = [](const OnWire&) { return true; };
  wire.advance(121s);
  alice_sends();  // renews the keys
  alice_sends();
  ASSERT_EQ(wire.seen(MessageType::kInitiation), 2u);
  bob.packets.clear();
  wire.inject(bob, alice.address, late);
  ASSERT_EQ(bob.packets.size(), 1u);
  EXPECT_EQ(bob.packets[0], ping(200));
}

TEST_F(DeviceTest, SimultaneousInitiationsBothSucceed) {
  bob.device->set_endpoint(alice_at_bob, alice.address, EndpointOrigin::kOperator, wire.now);
  alice.device->send(bob_at_alice, ping(), wire.now, alice.out);
  bob.device->send(alice_at_bob, pong(), wire.now, bob.out);
  wire.collect(alice);
  wire.collect(bob);
  wire.deliver();
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 2u);
  EXPECT_EQ(bob.packets.size(), 1u);
  EXPECT_EQ(alice.packets.size(), 1u);
  for (int i = 0; i < 3; ++i) {
    alice_sends();
    bob_sends();
  }
  EXPECT_EQ(bob.packets.size(), 4u);
  EXPECT_EQ(alice.packets.size(), 4u);
  wire.advance(60s);
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 2u);
}

// --- preshared key ---

TEST(DevicePskTest, SamePskOnBothSidesPasses) {
  const PresharedKey psk = PresharedKey::random();
  const auto with_psk = [&](PeerConfig& config) { config.preshared_key = psk; };
  Tunnel tunnel{with_psk, with_psk};
  tunnel.alice_sends();
  EXPECT_EQ(tunnel.bob.packets.size(), 1u);
  EXPECT_TRUE(tunnel.alice.status_of(tunnel.bob_at_alice).has_preshared_key);
}

TEST(DevicePskTest, PskOnOneSideOnlyPassesNothing) {
  for (const bool is_alices : {true, false}) {
    const auto with_psk = [](PeerConfig& config) { config.preshared_key = PresharedKey::random(); };
    const auto without = [](PeerConfig&) {};
    Tunnel tunnel{is_alices ? std::function<void(PeerConfig&)>{with_psk} : without,
                  is_alices ? std::function<void(PeerConfig&)>{without} : with_psk};
    tunnel.alice_sends();
    tunnel.wire.advance(200s);
    EXPECT_TRUE(tunnel.bob.packets.empty());
    EXPECT_EQ(tunnel.wire.seen(MessageType::kTransport), 0u);
    EXPECT_GT(tunnel.alice.dropped(DropReason::kHandshakeInvalid), 0u);
  }
}

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

// --- roaming ---

TEST_F(DeviceTest, EndpointIsLearntFromTheInitiation) {
  EXPECT_FALSE(alice_endpoint());
  alice_sends();
  EXPECT_EQ(alice_endpoint(), alice.address);
}

TEST_F(DeviceTest, AuthenticatedDataMovesTheEndpoint) {
  alice_sends();
  for (const char* text : {"192.0.2.1:9999", "198.51.100.7:1111", "[2001:db8::7]:5000", "192.0.2.1:1111"}) {
    alice.address = udp(text);
    alice_sends();
    EXPECT_EQ(alice_endpoint(), alice.address) << text;
    alice.packets.clear();
    bob_sends();
    EXPECT_EQ(alice.packets.size(), 1u) << text;
  }
  EXPECT_EQ(bob.device->counters().endpoint_changes.value(), 4u);
}

TEST_F(DeviceTest, KeepaliveMovesTheEndpoint) {
  alice_sends();
  bob_sends();
  alice.address = udp("198.51.100.7:1111");
  wire.advance(11s);  // alice owes a keepalive
  EXPECT_EQ(wire.seen_keepalives(), 1u);
  EXPECT_EQ(alice_endpoint(), alice.address);
}

TEST_F(DeviceTest, ResponseMovesTheEndpoint) {
  // Bob answers from elsewhere, as behind a NAT with two ways out.
  wire.passes = [&](const OnWire& datagram) { return !datagram.is(MessageType::kResponse); };
  alice_sends();
  const Endpoint elsewhere = udp("203.0.113.2:7");
  wire.inject(alice, elsewhere, wire.log.back().bytes);
  EXPECT_EQ(bob_endpoint(), elsewhere);
}

TEST_F(DeviceTest, SessionEndpointIsAnEndpointLikeAnother) {
  alice_sends();
  Endpoint session;
  session.kind = Endpoint::Kind::kSession;
  session.session = 77;
  session.remote = alice.address.remote;
  wire.passes = [](const OnWire&) { return false; };
  alice_sends();
  wire.inject(bob, session, wire.log.back().bytes);
  EXPECT_EQ(alice_endpoint(), session);
  bob_sends();
  EXPECT_EQ(wire.log.back().to, session);
}

TEST_F(DeviceTest, ReplayedAndForgedDataMoveNothing) {
  alice_sends();
  Octets message = wire.log.back().bytes;
  const Endpoint eve = udp("203.0.113.66:666");
  wire.inject(bob, eve, message);
  EXPECT_EQ(bob.dropped(DropReason::kReplayed), 1u);
  message[9] ^= 1;
  wire.inject(bob, eve, message);
  EXPECT_EQ(bob.dropped(DropReason::kAuthenticationFailed), 1u);
  EXPECT_EQ(alice_endpoint(), alice.address);
}

TEST_F(DeviceTest, NewAllowedIpsHoldForTheNextPacketOfTheSameSource) {
  alice_sends();
  bob.allow(Prefix::parse("10.1.0.0/16").value(), alice_at_bob);
  bob.packets.clear();
  const auto packet = ipv4_packet(IpAddress::v4(10, 1, 1, 1), bob.inner_address, 60);
  wire.send(alice, bob_at_alice, packet);
  wire.send(alice, bob_at_alice, packet);
  EXPECT_EQ(bob.packets.size(), 2u);

  Node carol{"carol", "192.0.2.3:3333", "10.0.0.3", wire.now};
  bob.allow(Prefix::parse("10.1.1.1/32").value(), bob.add_peer(carol, wire.now));
  wire.send(alice, bob_at_alice, packet);
  EXPECT_EQ(bob.packets.size(), 2u);
  EXPECT_EQ(bob.dropped(DropReason::kSourceNotAllowed), 1u);
}

// A subset prefix that belongs to another: the packet is dropped, but it did come from the peer.
TEST_F(DeviceTest, SourceOfAnotherPeerIsDroppedButTheEndpointMoves) {
  alice_sends();
  Node carol{"carol", "192.0.2.3:3333", "10.0.0.3", wire.now};
  const GuestId carol_at_bob = bob.add_peer(carol, wire.now);
  bob.allow(Prefix::parse("10.1.0.0/16").value(), alice_at_bob);
  bob.allow(Prefix::parse("10.1.2.0/24").value(), carol_at_bob);
  bob.packets.clear();

  wire.send(alice, bob_at_alice, ipv4_packet(IpAddress::v4(10, 1, 1, 1), bob.inner_address, 60));
  EXPECT_EQ(bob.packets.size(), 1u);
  alice.address = udp("198.51.100.7:1111");
  wire.send(alice, bob_at_alice, ipv4_packet(IpAddress::v4(10, 1, 2, 1), bob.inner_address, 60));
  wire.send(alice, bob_at_alice, ipv4_packet(IpAddress::v4(10, 9, 9, 9), bob.inner_address, 60));
  EXPECT_EQ(bob.packets.size(), 1u);
  EXPECT_EQ(bob.dropped(DropReason::kSourceNotAllowed), 2u);
  EXPECT_EQ(alice_endpoint(), alice.address);
}

TEST_F(DeviceTest, ResolvedNameYieldsToAnEndpointInUse) {
  alice_sends();
  const Endpoint resolved = udp("192.0.2.99:2222");
  alice.device->set_endpoint(bob_at_alice, resolved, EndpointOrigin::kResolver, wire.now + 134s);
  EXPECT_EQ(bob_endpoint(), bob.address);
  alice.device->set_endpoint(bob_at_alice, resolved, EndpointOrigin::kResolver, wire.now + 135s);
  EXPECT_EQ(bob_endpoint(), resolved);
  alice.device->set_endpoint(bob_at_alice, bob.address, EndpointOrigin::kOperator, wire.now);
  EXPECT_EQ(bob_endpoint(), bob.address);
}

// --- staged packets ---

TEST_F(DeviceTest, StagedPacketsAreBoundedAndTheOldestGoes) {
  wire.passes = [](const OnWire&) { return false; };
  for (std::size_t i = 0; i < 130; ++i) alice_sends(100 + i);
  EXPECT_EQ(alice.dropped(DropReason::kStagedOverflow), 2u);
  EXPECT_EQ(alice.device->counters().staged_packets.value(), 128);
  wire.passes = [](const OnWire&) { return true; };
  wire.advance(6s);
  ASSERT_EQ(bob.packets.size(), 128u);
  for (std::size_t i = 0; i < 128; ++i) EXPECT_EQ(bob.packets[i], ping(102 + i));
  EXPECT_EQ(alice.device->counters().staged_packets.value(), 0);
}

TEST_F(DeviceTest, PacketsWaitForAPeerWhoseEndpointIsUnknown) {
  bob_sends();  // bob does not know where alice is
  wire.advance(30s);
  EXPECT_TRUE(wire.log.empty());
  alice_sends();
  EXPECT_EQ(alice.packets.size(), 1u);
}

TEST_F(DeviceTest, EndpointThatBecomesKnownStartsWhatWaited) {
  bob_sends();
  bob.device->set_endpoint(alice_at_bob, alice.address, EndpointOrigin::kResolver, wire.now);
  wire.advance(1ms);
  EXPECT_EQ(alice.packets.size(), 1u);
}

TEST_F(DeviceTest, PacketForNobodyIsDropped) {
  alice.device->send(GuestId{0, 4711}, ping(), wire.now, alice.out);
  EXPECT_EQ(alice.dropped(DropReason::kNoRoute), 1u);
  EXPECT_TRUE(alice.batch.empty());
}

// --- restarts and configuration ---

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
