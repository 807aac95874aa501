// Two devices and an eavesdropper: handshakes, data and what waits for them, seen from outside.
#include "tests/wireguard/device_fixture.h"
#include "wireguard/constants.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace wgr::wireguard
