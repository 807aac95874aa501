#include "wireguard/keypair.h"

#include "gtest/gtest.h"

#include "tests/wireguard/local_fixture.h"
#include "tests/wireguard/tunnel.h"

namespace wgr::wireguard {
namespace {

class KeypairTest : public LocalFixture {
 protected:
  std::unique_ptr<Keypair> make(Role role, std::uint64_t first_counter = 0) {
    return std::make_unique<Keypair>(keys_, role, local_.indices.take(peer_), /*remote_index=*/99, now_,
                                     first_counter);
  }
  // A message sealed by one keypair and opened by another with the same keys.
  Keypair::Failure pass(Keypair& from, Keypair& to) {
    Octets datagram(kTransportOverhead);
    from.seal({}, 0, datagram.data());
    return to.open(datagram, now_).failure;
  }

  SecretKey key_ = SecretKey::random();
  SessionKeys keys_{key_, key_};
  Instant now_{std::chrono::hours{1}};
};

TEST_F(KeypairTest, IndexNamesTheKeypairWhileItLives) {
  auto keypair = make(Role::kInitiator);
  const std::uint32_t index = keypair->local_index();
  EXPECT_EQ(local_.indices.find(index)->keypair, keypair.get());
  keypair.reset();
  EXPECT_EQ(local_.indices.find(index), nullptr);
}

TEST_F(KeypairTest, CounterIs64BitsAndGrowsWithEveryMessage) {
  auto keypair = make(Role::kInitiator, /*first_counter=*/0xffffffff);
  Octets datagram(kTransportOverhead);
  for (const std::uint64_t expected : {0xffffffffull, 0x100000000ull, 0x100000001ull}) {
    keypair->seal({}, 0, datagram.data());
    EXPECT_EQ(transport_counter(datagram), expected);
  }
}

// 6.2: Reject-After-Messages.
TEST_F(KeypairTest, RefusesToSendFromRejectAfterMessagesOn) {
  auto keypair = make(Role::kInitiator, kRejectAfterMessages - 1);
  EXPECT_TRUE(keypair->may_send(now_));
  Octets datagram(kTransportOverhead);
  keypair->seal({}, 0, datagram.data());
  EXPECT_FALSE(keypair->may_send(now_));
}

TEST_F(KeypairTest, RefusesToReceiveFromRejectAfterMessagesOn) {
  auto sender = make(Role::kInitiator, kRejectAfterMessages - 1);
  auto receiver = make(Role::kResponder);
  EXPECT_EQ(pass(*sender, *receiver), Keypair::Failure::kNone);

  // Authentic but too great: made with the raw key, as no keypair of ours would.
  Octets datagram(kTransportOverhead);
  write_transport_header(datagram.data(), 99, kRejectAfterMessages);
  AeadKey{key_}.seal(kRejectAfterMessages, {}, {}, datagram.data() + kTransportHeaderSize);
  EXPECT_EQ(receiver->open(datagram, now_).failure, Keypair::Failure::kExpired);
}

// 6.2: Rekey-After-Messages, for both sides.
TEST_F(KeypairTest, BothSidesRenewAfterRekeyAfterMessages) {
  for (const Role role : {Role::kInitiator, Role::kResponder}) {
    EXPECT_FALSE(make(role, kRekeyAfterMessages)->is_stale_for_sending(now_));
    EXPECT_TRUE(make(role, kRekeyAfterMessages + 1)->is_stale_for_sending(now_));
  }
}

// 6.2: Rekey-After-Time and its receiving side, for the initiator alone.
TEST_F(KeypairTest, OnlyTheInitiatorRenewsForAge) {
  auto initiator = make(Role::kInitiator);
  auto responder = make(Role::kResponder);
  const auto at = [&](int seconds) { return now_ + std::chrono::seconds{seconds}; };
  EXPECT_FALSE(initiator->is_stale_for_sending(at(120) - Duration{1}));
  EXPECT_TRUE(initiator->is_stale_for_sending(at(120)));
  EXPECT_FALSE(initiator->is_stale_for_receiving(at(165) - Duration{1}));
  EXPECT_TRUE(initiator->is_stale_for_receiving(at(165)));
  EXPECT_FALSE(responder->is_stale_for_sending(at(179)));
  EXPECT_FALSE(responder->is_stale_for_receiving(at(179)));
}

TEST_F(KeypairTest, ExpiresAfterRejectAfterTime) {
  auto keypair = make(Role::kInitiator);
  const Instant last = now_ + kRejectAfterTime - Duration{1};
  EXPECT_TRUE(keypair->may_send(last));
  EXPECT_TRUE(keypair->may_receive(0, last));
  EXPECT_FALSE(keypair->may_send(now_ + kRejectAfterTime));
  EXPECT_FALSE(keypair->may_receive(0, now_ + kRejectAfterTime));
}

TEST_F(KeypairTest, ReplayAndForgeryAreToldApart) {
  auto sender = make(Role::kInitiator);
  auto receiver = make(Role::kResponder);
  Octets datagram(kTransportOverhead);
  sender->seal({}, 0, datagram.data());
  Octets copy = datagram;
  EXPECT_EQ(receiver->open(copy, now_).failure, Keypair::Failure::kNone);
  copy = datagram;
  EXPECT_EQ(receiver->open(copy, now_).failure, Keypair::Failure::kReplayed);
  datagram[20] ^= 1;
  EXPECT_EQ(receiver->open(datagram, now_).failure, Keypair::Failure::kForged);
}

// A forged counter must not move the window.
TEST_F(KeypairTest, ForgeryDoesNotMoveTheReplayWindow) {
  auto sender = make(Role::kInitiator);
  auto receiver = make(Role::kResponder);
  Octets forged(kTransportOverhead);
  write_transport_header(forged.data(), 99, 1'000'000);
  EXPECT_EQ(receiver->open(forged, now_).failure, Keypair::Failure::kForged);
  EXPECT_EQ(pass(*sender, *receiver), Keypair::Failure::kNone);
}

TEST_F(KeypairTest, InitiatorsKeypairServesAtOnce) {
  KeypairSlots slots;
  slots.install(make(Role::kInitiator));
  const Keypair* const first = slots.current();
  slots.install(make(Role::kInitiator));
  EXPECT_EQ(slots.previous(), first);
  EXPECT_NE(slots.current(), first);
  EXPECT_EQ(slots.next(), nullptr);
}

TEST_F(KeypairTest, RespondersKeypairWaitsForConfirmation) {
  KeypairSlots slots;
  slots.install(make(Role::kInitiator));
  const Keypair* const first = slots.current();
  slots.install(make(Role::kResponder));
  EXPECT_EQ(slots.current(), first);
  const Keypair* const second = slots.next();
  ASSERT_NE(second, nullptr);
  EXPECT_FALSE(slots.confirm(*first));
  EXPECT_TRUE(slots.confirm(*second));
  EXPECT_EQ(slots.current(), second);
  EXPECT_EQ(slots.previous(), first);
  EXPECT_EQ(slots.next(), nullptr);
  EXPECT_FALSE(slots.confirm(*second));
}

TEST_F(KeypairTest, UnconfirmedNextIsReplacedByANewerOne) {
  KeypairSlots slots;
  slots.install(make(Role::kResponder));
  const std::uint32_t first = slots.next()->local_index();
  slots.install(make(Role::kResponder));
  EXPECT_EQ(local_.indices.find(first), nullptr);
  EXPECT_EQ(slots.size(), 1u);
}

TEST_F(KeypairTest, UnconfirmedNextBecomesPreviousWhenOurHandshakeWins) {
  KeypairSlots slots;
  slots.install(make(Role::kInitiator));
  slots.install(make(Role::kResponder));
  const Keypair* const next = slots.next();
  slots.install(make(Role::kInitiator));
  EXPECT_EQ(slots.previous(), next);
  EXPECT_EQ(slots.size(), 2u);
}

TEST_F(KeypairTest, ErasedSlotsFreeTheirIndices) {
  const std::size_t before = local_.indices.size();
  KeypairSlots slots;
  slots.install(make(Role::kInitiator));
  slots.install(make(Role::kInitiator));
  slots.install(make(Role::kResponder));
  slots.erase();
  EXPECT_TRUE(slots.empty());
  EXPECT_EQ(local_.indices.size(), before);
}

}  // namespace
}  // namespace wgr::wireguard
