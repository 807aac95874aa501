// What happens when time passes: renewal, retries, keepalives, erasure (whitepaper 6).
#include "gtest/gtest.h"

#include "tests/wireguard/tunnel.h"
#include "wireguard/constants.h"
#include "wireguard/device.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;

class DeviceTimingTest : public testing::Test, protected Tunnel {
 protected:
  void lose_everything() {
    wire.passes = [](const OnWire&) { return false; };
  }
  void lose_nothing() {
    wire.passes = [](const OnWire&) { return true; };
  }
};

// --- renewal ---

TEST_F(DeviceTimingTest, InitiatorRenewsWhenItSendsAfter120Seconds) {
  alice_sends();
  wire.advance(120s - 1ms);
  alice_sends();
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 1u);
  wire.advance(1ms);
  alice_sends();
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 2u);
  EXPECT_EQ(bob.packets.size(), 3u);
}

TEST_F(DeviceTimingTest, ResponderDoesNotRenewForAge) {
  alice_sends();
  // Alice's keepalives and initiations are lost, so that nobody else renews.
  wire.passes = [&](const OnWire& datagram) { return datagram.from == bob.address; };
  wire.advance(120s);
  for (int second = 120; second < 134; ++second) {
    bob_sends();
    wire.advance(1s);
  }
  EXPECT_EQ(wire.seen_from(bob, MessageType::kInitiation), 0u);
  EXPECT_EQ(alice.packets.size(), 14u);
}

TEST_F(DeviceTimingTest, ReceivingInitiatorRenewsAt165Seconds) {
  alice_sends();
  wire.advance(165s - 1ms);
  bob_sends();
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 1u);
  wire.advance(1ms);
  bob_sends();
  EXPECT_EQ(wire.seen_from(alice, MessageType::kInitiation), 2u);
  bob_sends();
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 2u);
  EXPECT_EQ(alice.packets.size(), 3u);
}

TEST_F(DeviceTimingTest, NothingIsSentOrReceivedWithAKeyOf180Seconds) {
  alice_sends();
  lose_everything();
  alice_sends();
  const Octets late = wire.log.back().bytes;
  wire.advance(180s);
  wire.log.clear();
  alice_sends();
  EXPECT_EQ(wire.seen(MessageType::kTransport), 0u);
  bob.packets.clear();
  wire.inject(bob, alice.address, late);
  EXPECT_TRUE(bob.packets.empty());
  EXPECT_EQ(bob.dropped(DropReason::kKeypairExpired), 1u);
}

TEST_F(DeviceTimingTest, LongTransferSurvivesManyRenewals) {
  for (int second = 0; second < 3600; ++second) {
    alice_sends();
    bob_sends();
    wire.advance(1s);
  }
  EXPECT_EQ(bob.packets.size(), 3600u);
  EXPECT_EQ(alice.packets.size(), 3600u);
  EXPECT_NEAR(static_cast<double>(wire.seen(MessageType::kInitiation)), 30.0, 2.0);
  EXPECT_LE(bob.device->counters().keypairs.value(), 3);
}

// --- retries ---

TEST_F(DeviceTimingTest, RetriesFor90SecondsThenDropsWhatWasStaged) {
  lose_everything();
  alice_sends();
  alice_sends();
  wire.advance(90s);
  EXPECT_EQ(alice.device->counters().staged_packets.value(), 2);
  wire.advance(6s);
  EXPECT_EQ(alice.device->counters().handshakes_given_up.value(), 1u);
  EXPECT_EQ(alice.device->counters().staged_packets.value(), 0);
  EXPECT_EQ(alice.dropped(DropReason::kStagedExpired), 2u);
  const std::size_t tries = wire.seen(MessageType::kInitiation);
  EXPECT_GE(tries, 17u);
  EXPECT_LE(tries, 18u);

  wire.advance(1h);
  EXPECT_EQ(wire.seen(MessageType::kInitiation), tries);
  lose_nothing();
  alice_sends();  // a new packet begins anew
  EXPECT_EQ(bob.packets.size(), 1u);
}

TEST_F(DeviceTimingTest, EveryTryIsANewInitiation) {
  lose_everything();
  alice_sends();
  wire.advance(20s);
  ASSERT_GE(wire.log.size(), 3u);
  for (std::size_t i = 1; i < wire.log.size(); ++i) {
    const auto before = read_message<Initiation>(wire.log[i - 1].bytes);
    const auto after = read_message<Initiation>(wire.log[i].bytes);
    EXPECT_NE(before.ephemeral, after.ephemeral);
    EXPECT_NE(before.sender, after.sender);
  }
}

TEST_F(DeviceTimingTest, PacketsDoNotTriggerMoreThanOneInitiationPer5Seconds) {
  lose_everything();
  for (int i = 0; i < 49; ++i) {
    alice_sends();
    wire.advance(100ms);
  }
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 1u);
}

TEST_F(DeviceTimingTest, ResponseToAnEarlierTryIsUnexpected) {
  wire.passes = [](const OnWire& datagram) { return !datagram.is(MessageType::kResponse); };
  alice_sends();
  const Octets first = wire.log.back().bytes;
  wire.advance(6s);
  wire.inject(alice, bob.address, first);
  EXPECT_EQ(alice.dropped(DropReason::kIndexUnknown), 1u);
  EXPECT_EQ(alice.status_of(bob_at_alice).session_since, kNever);
}

TEST_F(DeviceTimingTest, SilenceForgetsTheCachedSourceAddress) {
  Endpoint hit = bob.address;
  hit.local = IpAddress::v4(192, 0, 2, 1);
  hit.interface_index = 3;
  alice_sends();
  bob_sends();
  lose_everything();
  bob_sends();
  wire.inject(alice, hit, wire.log.back().bytes);
  EXPECT_EQ(alice.status_of(bob_at_alice).endpoint.local, hit.local);
  alice_sends();
  EXPECT_EQ(wire.log.back().to, hit);
  wire.advance(15s + kMaxJitter);
  const auto last = std::find_if(wire.log.rbegin(), wire.log.rend(),
                                 [&](const OnWire& datagram) { return datagram.from == alice.address; });
  ASSERT_NE(last, wire.log.rend());
  EXPECT_TRUE(last->is(MessageType::kInitiation));
  EXPECT_EQ(last->to, bob.address);  // no local address, no interface
}

// The other sockets are bound to other addresses; and without its interface fe80::2 is anybody's neighbour.
TEST_F(DeviceTimingTest, SilenceForgetsNeitherTheSocketNorTheScopeOfTheAddress) {
  for (const char* const remote : {"192.0.2.2:2222", "[fe80::2]:2222"}) {
    Endpoint hit = udp(remote);
    hit.socket = 1;
    hit.interface_index = 3;
    lose_nothing();
    bob.address = udp(remote);
    alice.device->set_endpoint(bob_at_alice, bob.address, EndpointOrigin::kOperator, wire.now);
    alice_sends();
    lose_everything();
    bob_sends();
    wire.inject(alice, hit, wire.log.back().bytes);
    alice_sends();
    EXPECT_EQ(wire.log.back().to, hit);
    wire.advance(15s + kMaxJitter);

    const auto last = std::find_if(wire.log.rbegin(), wire.log.rend(),
                                   [&](const OnWire& datagram) { return datagram.from == alice.address; });
    ASSERT_NE(last, wire.log.rend());
    EXPECT_TRUE(last->is(MessageType::kInitiation));
    EXPECT_EQ(last->to.socket, 1u);
    EXPECT_EQ(last->to.interface_index, hit.remote.ip.is_link_local() ? 3u : 0u) << remote;
  }
}

// --- keepalives ---

TEST_F(DeviceTimingTest, ReceivedDataIsAnsweredWithinTenSeconds) {
  alice_sends();
  wire.advance(10s - 1ms);
  EXPECT_EQ(wire.seen_keepalives(), 0u);
  wire.advance(1ms);
  EXPECT_EQ(wire.seen_keepalives(), 1u);
  EXPECT_EQ(wire.log.back().from, bob.address);
  EXPECT_EQ(wire.log.back().bytes.size(), 32u);
}

TEST_F(DeviceTimingTest, KeepalivesAreNotAnsweredByKeepalives) {
  alice_sends();
  wire.advance(10min);
  EXPECT_EQ(wire.seen_keepalives(), 1u);
  EXPECT_EQ(wire.seen(MessageType::kInitiation), 1u);
  EXPECT_EQ(alice.device->counters().keepalives_received.value(), 1u);
}

TEST_F(DeviceTimingTest, IdleTunnelIsSilent) {
  alice_sends();
  bob_sends();
  wire.advance(11s);
  const std::size_t seen = wire.log.size();
  wire.advance(24h);
  EXPECT_EQ(wire.log.size(), seen);
}

TEST(DevicePersistentKeepaliveTest, OpensTheTunnelAndKeepsIt) {
  Tunnel tunnel{[](PeerConfig& config) { config.persistent_keepalive = 25s; }};
  tunnel.wire.advance(1ms);
  EXPECT_EQ(tunnel.wire.seen(MessageType::kInitiation), 1u);
  EXPECT_EQ(tunnel.wire.seen_keepalives(), 1u);  // confirms the keys
  tunnel.wire.advance(100s);
  EXPECT_EQ(tunnel.wire.seen_keepalives(), 5u);
  tunnel.bob_sends();  // bob can reach alice at any time
  EXPECT_EQ(tunnel.alice.packets.size(), 1u);
}

TEST(DevicePersistentKeepaliveTest, IsNotSentWhileTheTunnelIsBusy) {
  Tunnel tunnel{[](PeerConfig& config) { config.persistent_keepalive = 5s; }};
  tunnel.wire.advance(1ms);
  const std::size_t seen = tunnel.wire.seen_keepalives();
  for (int i = 0; i < 60; ++i) {
    tunnel.alice_sends();
    tunnel.wire.advance(1s);
    tunnel.bob_sends();
  }
  EXPECT_EQ(tunnel.wire.seen_keepalives(), seen);
}

TEST(DevicePersistentKeepaliveTest, ComesBackAfterTheOtherSideWasGoneForAnHour) {
  Tunnel tunnel{[](PeerConfig& config) { config.persistent_keepalive = 25s; }};
  tunnel.wire.advance(30s);
  tunnel.wire.passes = [](const OnWire&) { return false; };
  tunnel.wire.advance(1h);
  tunnel.wire.passes = [](const OnWire&) { return true; };
  tunnel.wire.advance(60s);
  tunnel.bob_sends();
  EXPECT_EQ(tunnel.alice.packets.size(), 1u);
}

TEST(DevicePersistentKeepaliveTest, PeerThatNobodyCanReachIsNotTriedInBetween) {
  Tunnel tunnel{{}, [](PeerConfig& config) { config.persistent_keepalive = 25s; }};
  tunnel.wire.advance(1ms);  // bob does not know where alice is
  EXPECT_GT(tunnel.bob.device->next_deadline(), tunnel.wire.now + 24s);
  tunnel.wire.advance(10min);
  EXPECT_TRUE(tunnel.wire.log.empty());
  EXPECT_EQ(tunnel.bob.device->counters().handshakes_given_up.value(), 0u);
}

TEST_F(DeviceTimingTest, PacketsForAnUnknownEndpointExpire) {
  bob_sends();
  wire.advance(96s);
  EXPECT_EQ(bob.dropped(DropReason::kStagedExpired), 1u);
  EXPECT_EQ(bob.device->counters().staged_packets.value(), 0);
}

// --- erasure ---

TEST_F(DeviceTimingTest, KeysAreErased540SecondsAfterTheLastSession) {
  alice_sends();
  EXPECT_EQ(alice.device->counters().keypairs.value(), 1);
  wire.advance(540s - 1ms);
  EXPECT_EQ(alice.device->counters().keypairs.value(), 1);
  EXPECT_EQ(bob.device->counters().keypairs.value(), 1);
  wire.advance(1ms);
  EXPECT_EQ(alice.device->counters().keypairs.value(), 0);
  EXPECT_EQ(bob.device->counters().keypairs.value(), 0);
  EXPECT_EQ(alice.status_of(bob_at_alice).session_since, kNever);

  const Octets old = wire.log.back().bytes;
  wire.inject(alice, bob.address, old);
  EXPECT_EQ(alice.dropped(DropReason::kIndexUnknown), 1u);
}

TEST_F(DeviceTimingTest, HandshakeGivenUpArmsTheErasureOfItsState) {
  lose_everything();
  alice_sends();
  wire.advance(96s);
  wire.advance(540s);
  EXPECT_EQ(alice.device->next_deadline(), kNever);
}

TEST_F(DeviceTimingTest, DeadlineAskedTooEarlyIsHarmless) {
  alice_sends();
  for (int i = 0; i < 1000; ++i) {
    alice.device->on_deadline(wire.now, alice.out);
    bob.device->on_deadline(wire.now, bob.out);
  }
  EXPECT_TRUE(alice.batch.empty());
  EXPECT_TRUE(bob.batch.empty());
}

// A new private key makes every peer due at once, with three Diffie-Hellmans each.
TEST_F(DeviceTimingTest, ManyThatAreDueAtOnceTakeTurns) {
  constexpr std::uint32_t kPeers = 150;
  for (std::uint32_t i = 0; i < kPeers; ++i) {
    PeerConfig config;
    config.public_key = public_key_of(generate_private_key());
    config.persistent_keepalive = 25s;
    const GuestId id{0, ++alice.serial};
    alice.device->set_peer(id, config, wire.now);
    alice.device->set_endpoint(id, udp("203.0.113.9:9"), EndpointOrigin::kOperator, wire.now);
  }
  for (const std::size_t sent : {64u, 128u, 150u}) {
    EXPECT_LE(alice.device->next_deadline(), wire.now);
    alice.device->on_deadline(wire.now, alice.out);
    wire.collect(alice);
    EXPECT_EQ(wire.seen(MessageType::kInitiation), sent);
  }
  EXPECT_GT(alice.device->next_deadline(), wire.now);
}

// --- a bad line ---

TEST(DeviceLossTest, TunnelSurvivesLossReorderingAndDuplication) {
  for (const std::uint64_t seed : {21u, 22u, 23u, 24u}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng{seed};
    Tunnel tunnel{[](PeerConfig& config) { config.persistent_keepalive = 10s; }};
    std::deque<OnWire> held;
    tunnel.wire.passes = [&](const OnWire& datagram) {
      if (rng.below(10) < 3) {
        if (rng.below(2) == 0) held.push_back(datagram);  // late, perhaps twice
        return false;
      }
      return true;
    };
    std::size_t sent = 0;
    for (int step = 0; step < 20'000; ++step) {
      tunnel.alice_sends(40 + rng.below(1300));
      tunnel.bob_sends(40 + rng.below(1300));
      ++sent;
      tunnel.wire.advance(Duration{static_cast<Duration::rep>(rng.below(200'000'000))});
      while (!held.empty() && rng.below(2) == 0) {
        const OnWire late = held.front();
        if (rng.below(3) != 0) held.pop_front();
        Node& to = late.to.remote == tunnel.alice.address.remote ? tunnel.alice : tunnel.bob;
        tunnel.wire.inject(to, late.from, late.bytes);
      }
      tunnel.wire.log.clear();
    }
    // Nothing twice, nothing changed, and most of what a line with 30 % loss lets through.
    EXPECT_LE(tunnel.bob.packets.size(), sent);
    EXPECT_GT(tunnel.bob.packets.size(), sent * 6 / 10);
    EXPECT_GT(tunnel.alice.packets.size(), sent * 6 / 10);
    for (const Octets& packet : tunnel.bob.packets) ASSERT_EQ(packet, tunnel.ping(packet.size()));
    EXPECT_EQ(tunnel.bob.dropped(DropReason::kAuthenticationFailed), 0u);
    EXPECT_EQ(tunnel.bob.dropped(DropReason::kPacketMalformed), 0u);
  }
}

}  // namespace
}  // namespace wgr::wireguard
