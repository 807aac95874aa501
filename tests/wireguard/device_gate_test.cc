// What reaches the device from those who should get nothing out of it: garbage, replays, floods,
// strangers. And the one answer there is: a cookie reply under load.
#include "gtest/gtest.h"

#include "tests/wireguard/hex.h"
#include "tests/wireguard/low_order_points.h"
#include "tests/wireguard/tunnel.h"
#include "wireguard/constants.h"
#include "wireguard/device.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;

class DeviceGateTest : public testing::Test, protected Tunnel {
 protected:
  // What `node` would send now, without letting it arrive anywhere.
  Octets take_message(Node& from, GuestId to, Bytes packet) {
    const auto passes = wire.passes;
    wire.passes = [](const OnWire&) { return false; };
    wire.send(from, to, packet);
    wire.passes = passes;
    return wire.log.back().bytes;
  }
  // Floods bob with initiations of strangers who know his public key, until he is under load.
  void put_bob_under_load(std::size_t count) {
    Node stranger{"stranger", "203.0.113.5:5", "10.0.0.5", wire.now};
    const GuestId bob_there = stranger.add_peer(bob, wire.now);
    stranger.device->set_endpoint(bob_there, bob.address, EndpointOrigin::kOperator, wire.now);
    const Octets initiation = take_message(stranger, bob_there, ping());
    for (std::size_t i = 0; i < count; ++i) wire.inject(bob, stranger.address, initiation);
  }

  const Endpoint eve = udp("203.0.113.66:666");
};

// --- silence ---

TEST_F(DeviceGateTest, EveryTypeAndLengthOfZerosIsDroppedQuietly) {
  alice_sends();
  wire.log.clear();
  std::uint64_t injected = 0;
  for (unsigned type = 0; type < 256; ++type) {
    for (std::size_t size = 0; size <= 200; ++size) {
      Octets bytes(size);
      if (size > 0) bytes[0] = static_cast<std::uint8_t>(type);
      wire.inject(bob, eve, bytes);
      ++injected;
    }
  }
  EXPECT_TRUE(wire.log.empty());
  EXPECT_EQ(bob.device->counters().drops.total() + bob.device->counters().stray_datagrams.value(), injected);
}

TEST_F(DeviceGateTest, RandomDatagramsAreDroppedQuietly) {
  constexpr std::uint64_t kSeed = 31;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  Rng rng{kSeed};
  alice_sends();
  const std::vector<OnWire> true_ones = wire.log;
  wire.log.clear();
  for (int i = 0; i < 20'000; ++i) {
    Octets bytes = true_ones[rng.below(true_ones.size())].bytes;
    bytes.resize(rng.below(4) == 0 ? rng.below(1600) : bytes.size());
    for (std::uint64_t n = rng.below(4) + 1; n > 0 && !bytes.empty(); --n) {
      bytes[rng.below(bytes.size())] = static_cast<std::uint8_t>(rng.next());
    }
    wire.inject(rng.below(2) == 0 ? alice : bob, eve, bytes);
  }
  for (const OnWire& datagram : wire.log) EXPECT_NE(datagram.to, eve);
  EXPECT_EQ(bob.status_of(alice_at_bob).endpoint, alice.address);
  bob.packets.clear();
  alice_sends();
  EXPECT_EQ(bob.packets.size(), 1u);
}

TEST_F(DeviceGateTest, ReservedBytesMustBeZero) {
  for (const std::size_t at : {1u, 2u, 3u}) {
    Octets initiation = take_message(alice, bob_at_alice, ping());
    initiation[at] = 1;
    wire.inject(bob, alice.address, initiation);
    wire.advance(6s);
  }
  EXPECT_GE(bob.dropped(DropReason::kDatagramMalformed), 3u);
}

TEST_F(DeviceGateTest, SourcePortZeroIsDropped) {
  const Octets initiation = take_message(alice, bob_at_alice, ping());
  wire.inject(bob, udp("192.0.2.1:0"), initiation);
  EXPECT_EQ(bob.dropped(DropReason::kDatagramMalformed), 1u);
}

TEST_F(DeviceGateTest, UnknownPeerGetsNoAnswer) {
  Node carol{"carol", "192.0.2.3:3333", "10.0.0.3", wire.now};
  wire.attach(carol);
  const GuestId bob_at_carol = carol.add_peer(bob, wire.now);
  carol.device->set_endpoint(bob_at_carol, bob.address, EndpointOrigin::kOperator, wire.now);
  wire.send(carol, bob_at_carol, ping());
  EXPECT_EQ(bob.dropped(DropReason::kHandshakeUnknownPeer), 1u);
  EXPECT_EQ(wire.log.size(), 1u);
}

TEST_F(DeviceGateTest, InitiationForAnotherKeyHasAWrongMac1) {
  Node carol{"carol", "192.0.2.3:3333", "10.0.0.3", wire.now};
  const Octets initiation = take_message(alice, bob_at_alice, ping());
  carol.add_peer(alice, wire.now);
  wire.inject(carol, alice.address, initiation);
  EXPECT_EQ(carol.dropped(DropReason::kMac1Invalid), 1u);
}

TEST_F(DeviceGateTest, LowOrderPointsAreNoPeersAnyoneTalksTo) {
  for (const std::string_view text : kLowOrderPoints) {
    PeerConfig config;
    config.public_key = array_from_hex<32>(text);
    config.persistent_keepalive = 1s;
    const GuestId id{0, ++alice.serial};
    alice.device->set_peer(id, config, wire.now);
    alice.device->set_endpoint(id, eve, EndpointOrigin::kOperator, wire.now);
    alice.device->send(id, ping(), wire.now, alice.out);
  }
  EXPECT_EQ(alice.device->counters().staged_packets.value(), 0);
  EXPECT_EQ(alice.dropped(DropReason::kStagedExpired), std::size(kLowOrderPoints));
  wire.collect(alice);
  wire.advance(10min);
  EXPECT_TRUE(wire.log.empty());
}

// --- replays and floods ---

TEST_F(DeviceGateTest, ReplayedInitiationIsDropped) {
  const Octets initiation = take_message(alice, bob_at_alice, ping());
  wire.inject(bob, alice.address, initiation);
  EXPECT_EQ(wire.seen(MessageType::kResponse), 1u);
  wire.advance(1s);
  wire.inject(bob, eve, initiation);
  EXPECT_EQ(bob.dropped(DropReason::kHandshakeReplayed), 1u);
  EXPECT_EQ(wire.seen(MessageType::kResponse), 1u);
  EXPECT_EQ(bob.status_of(alice_at_bob).endpoint, alice.address);
}

TEST_F(DeviceGateTest, OlderInitiationIsDropped) {
  const Octets older = take_message(alice, bob_at_alice, ping());
  wire.advance(6s);
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 2u);
  wire.inject(bob, eve, older);
  EXPECT_EQ(bob.dropped(DropReason::kHandshakeReplayed), 1u);
}

// At most fifty initiations a second are answered, per peer.
TEST_F(DeviceGateTest, SecondInitiationWithin20MillisecondsIsDropped) {
  std::vector<Octets> initiations;
  for (int i = 0; i < 3; ++i) {
    wire.passes = [](const OnWire&) { return false; };
    wire.advance(6s);
    alice_sends();
    initiations.push_back(wire.log.back().bytes);
  }
  wire.passes = [&](const OnWire& datagram) { return datagram.from != bob.address; };
  wire.inject(bob, alice.address, initiations[0]);
  wire.now += 20ms - 1ns;
  wire.inject(bob, alice.address, initiations[1]);
  EXPECT_EQ(bob.dropped(DropReason::kHandshakeFlood), 1u);
  wire.now += 1ns;
  wire.inject(bob, alice.address, initiations[2]);
  EXPECT_EQ(bob.dropped(DropReason::kHandshakeFlood), 1u);
  EXPECT_EQ(wire.seen(MessageType::kResponse), 2u);
}

TEST_F(DeviceGateTest, ReplayedResponseIsDropped) {
  alice_sends();
  const Octets response = wire.log[1].bytes;
  wire.inject(alice, eve, response);
  EXPECT_EQ(alice.dropped(DropReason::kHandshakeUnexpected), 1u);
  EXPECT_EQ(alice.status_of(bob_at_alice).endpoint, bob.address);
}

TEST_F(DeviceGateTest, CounterOfRejectAfterMessagesIsDroppedBeforeDecryption) {
  alice_sends();
  Octets message = wire.log.back().bytes;
  store_le(message.data() + 8, kRejectAfterMessages);
  wire.inject(bob, eve, message);
  EXPECT_EQ(bob.dropped(DropReason::kKeypairExpired), 1u);
  store_le(message.data() + 8, kRejectAfterMessages - 1);
  wire.inject(bob, eve, message);
  EXPECT_EQ(bob.dropped(DropReason::kAuthenticationFailed), 1u);
}

TEST_F(DeviceGateTest, TransportMessageForAHandshakesIndexIsDropped) {
  const Octets initiation = take_message(alice, bob_at_alice, ping());
  Octets message(kTransportOverhead);
  write_transport_header(message.data(), load_le<std::uint32_t>(initiation.data() + 4), 0);
  wire.inject(alice, eve, message);
  EXPECT_EQ(alice.dropped(DropReason::kIndexUnknown), 1u);
}

// --- cookies ---

class DeviceCookieTest : public DeviceGateTest {
 protected:
  DeviceCookieTest() {
    bob.config.handshake_queue = 20;
    bob.restart(wire.now);
    alice_at_bob = bob.add_peer(alice, wire.now);
  }
};

TEST_F(DeviceCookieTest, NoCookieIsAskedForWithoutLoad) {
  put_bob_under_load(20);
  EXPECT_EQ(wire.seen(MessageType::kCookieReply), 0u);
  alice_sends();
  EXPECT_EQ(wire.seen(MessageType::kCookieReply), 1u);  // the 21st within the second
}

TEST_F(DeviceCookieTest, InitiatorComesThroughWithTheCookieOnItsNextTry) {
  put_bob_under_load(21);
  alice_sends();
  EXPECT_EQ(wire.seen_from(bob, MessageType::kResponse), 0u);
  EXPECT_EQ(alice.device->counters().cookie_replies_received.value(), 1u);
  wire.advance(4900ms);
  put_bob_under_load(21);
  wire.advance(500ms);
  EXPECT_EQ(wire.seen_from(bob, MessageType::kResponse), 1u);
  EXPECT_EQ(bob.packets.size(), 1u);
}

TEST_F(DeviceCookieTest, CookieReplyDoesNotMoveTheEndpoint) {
  put_bob_under_load(21);
  wire.passes = [&](const OnWire& datagram) { return !datagram.is(MessageType::kCookieReply); };
  alice_sends();
  ASSERT_TRUE(wire.log.back().is(MessageType::kCookieReply));
  wire.inject(alice, eve, wire.log.back().bytes);
  EXPECT_EQ(alice.device->counters().cookie_replies_received.value(), 1u);
  EXPECT_EQ(alice.status_of(bob_at_alice).endpoint, bob.address);
}

TEST_F(DeviceCookieTest, CookieReplyIsSmallerThanWhatItAnswersAndGoesToTheSource) {
  put_bob_under_load(21);
  alice_sends();
  ASSERT_TRUE(wire.log.back().is(MessageType::kCookieReply));
  EXPECT_EQ(wire.log.back().bytes.size(), 64u);
  EXPECT_EQ(wire.log.back().to, alice.address);
}

TEST_F(DeviceCookieTest, WrongMac1GetsNoCookieEvenUnderLoad) {
  put_bob_under_load(21);
  Octets initiation = take_message(alice, bob_at_alice, ping());
  initiation[120] ^= 1;  // in mac1
  wire.log.clear();
  wire.inject(bob, alice.address, initiation);
  EXPECT_TRUE(wire.log.empty());
  EXPECT_EQ(bob.dropped(DropReason::kMac1Invalid), 1u);
}

TEST_F(DeviceCookieTest, WrongMac1DoesNotMakeLoad) {
  Octets initiation = take_message(alice, bob_at_alice, ping());
  initiation[120] ^= 1;
  for (int i = 0; i < 1000; ++i) wire.inject(bob, eve, initiation);
  wire.log.clear();
  wire.advance(6s);
  EXPECT_EQ(wire.seen(MessageType::kCookieReply), 0u);
  EXPECT_EQ(bob.packets.size(), 1u);
}

TEST_F(DeviceCookieTest, LoadEndsASecondAfterTheFlood) {
  put_bob_under_load(40);
  wire.advance(2s);
  alice_sends();
  EXPECT_EQ(bob.packets.size(), 1u);
}

TEST_F(DeviceCookieTest, CookieHolderIsRateLimitedPerSource) {
  put_bob_under_load(21);
  alice_sends();  // gets the cookie
  const auto with_mac2 = [&] {
    wire.now += 1us;
    wire.passes = [](const OnWire&) { return false; };
    wire.advance(6s);
    return wire.log.back().bytes;
  };
  const Octets initiation = with_mac2();
  wire.passes = [](const OnWire&) { return true; };
  put_bob_under_load(21);
  for (int i = 0; i < 8; ++i) wire.inject(bob, alice.address, initiation);
  EXPECT_EQ(bob.dropped(DropReason::kHandshakeRateLimited), 3u);  // five at once
  // Someone else's tokens are his own: the cookie is asked for, not the rate.
  Node carol{"carol", "192.0.2.3:3333", "10.0.0.3", wire.now};
  wire.attach(carol);
  bob.add_peer(carol, wire.now);
  const GuestId bob_at_carol = carol.add_peer(bob, wire.now);
  carol.device->set_endpoint(bob_at_carol, bob.address, EndpointOrigin::kOperator, wire.now);
  wire.send(carol, bob_at_carol, ipv4_packet(carol.inner_address, bob.inner_address, 84));
  wire.advance(4900ms);
  put_bob_under_load(21);
  bob.packets.clear();
  wire.advance(500ms);
  EXPECT_EQ(bob.dropped(DropReason::kHandshakeRateLimited), 3u);
  EXPECT_EQ(bob.packets.size(), 1u);
}

// All that we dial have the same address: none.
TEST_F(DeviceCookieTest, SessionThatWeDialedIsNotLimitedByItsAddress) {
  const Endpoint dialed = Endpoint::of_session(SessionId{0, 7}, SocketAddress{});
  put_bob_under_load(21);
  wire.inject(bob, dialed, take_message(alice, bob_at_alice, ping()));
  ASSERT_TRUE(wire.log.back().is(MessageType::kCookieReply));
  wire.inject(alice, bob.address, wire.log.back().bytes);
  wire.passes = [](const OnWire&) { return false; };
  wire.advance(6s);
  const Octets with_cookie = wire.log.back().bytes;
  put_bob_under_load(21);
  for (int i = 0; i < 30; ++i) wire.inject(bob, dialed, with_cookie);

  EXPECT_EQ(bob.dropped(DropReason::kHandshakeRateLimited), 0u);
  EXPECT_EQ(bob.device->counters().initiations_received.value(), 1u);
}

TEST_F(DeviceCookieTest, DataPassesUnderLoad) {
  alice_sends();
  put_bob_under_load(100);
  alice_sends();
  bob_sends();
  EXPECT_EQ(bob.packets.size(), 2u);
  EXPECT_EQ(alice.packets.size(), 1u);
}

TEST_F(DeviceGateTest, ForgedCookieReplyIsDropped) {
  const Octets initiation = take_message(alice, bob_at_alice, ping());
  CookieReply reply;
  std::copy_n(initiation.begin() + 4, 4, reply.receiver.begin());
  wire.inject(alice, bob.address, octets(bytes_of(reply)));
  EXPECT_EQ(alice.dropped(DropReason::kCookieInvalid), 1u);
}

}  // namespace
}  // namespace wgr::wireguard
