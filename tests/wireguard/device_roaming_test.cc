// Two devices and an eavesdropper: what moves a peer's endpoint, and what does not.
#include "tests/wireguard/device_fixture.h"
#include "wireguard/constants.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;

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

// Told every few seconds, it must not begin a handshake anew each time.
TEST_F(DeviceTest, EndpointThatIsKnownAlreadyIsNoNews) {
  wire.passes = [](const OnWire&) { return false; };
  alice_sends();
  for (int i = 0; i < 4; ++i) {
    wire.now += 1s;
    alice.device->set_endpoint(bob_at_alice, bob.address, EndpointOrigin::kResolver, wire.now);
    wire.advance(0s);
  }
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 1u);
}

// What is told has no way of ours: the socket that heard the peer stays the one that answers.
TEST_F(DeviceTest, NameThatStillLeadsToTheSamePlaceKeepsTheSocket) {
  alice_sends();
  bob.address.socket = 1;
  bob_sends();
  ASSERT_EQ(bob_endpoint(), bob.address);
  wire.now += 140s;
  alice.device->set_endpoint(bob_at_alice, Endpoint::udp(bob.address.remote), EndpointOrigin::kResolver,
                             wire.now);
  EXPECT_EQ(bob_endpoint(), bob.address);
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

}  // namespace
}  // namespace wgr::wireguard
