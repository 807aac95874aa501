#include "wireguard/timers.h"

#include "gtest/gtest.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;
using Due = Timers::Due;

constexpr Due kNothing{};
constexpr Due kSendInitiation{.send_initiation = true};
constexpr Due kSendKeepalive{.send_keepalive = true};

// Time stands still until a test moves it.
class TimersTest : public testing::Test {
 protected:
  Due advance(Duration by) { return timers_.on_deadline(now_ += by); }
  void data_sent() {
    timers_.data_sent(now_);
    timers_.authenticated_sent(now_);
  }
  void data_received() {
    timers_.data_received(now_);
    timers_.authenticated_received(now_);
  }

  Rng rng_{/*seed=*/1};
  Instant now_{1h};
  Timers timers_{rng_};
};

TEST_F(TimersTest, IdlePeerHasNoDeadline) {
  EXPECT_EQ(timers_.next_deadline(), kNever);
  EXPECT_EQ(advance(24h), kNothing);
}

// 6.4: an unanswered initiation is retried after Rekey-Timeout, with jitter.
TEST_F(TimersTest, RetriesUnansweredInitiation) {
  timers_.initiation_sent(now_);
  EXPECT_EQ(advance(kRekeyTimeout - 1ns), kNothing);
  EXPECT_EQ(advance(kMaxJitter + 1ns), kSendInitiation);
}

TEST_F(TimersTest, RetriesAreSpread) {
  std::vector<Duration> waits;
  for (int i = 0; i < 100; ++i) {
    timers_.initiation_sent(now_);
    const Duration wait = timers_.next_deadline() - now_;
    EXPECT_GE(wait, kRekeyTimeout);
    EXPECT_LT(wait, kRekeyTimeout + kMaxJitter);
    waits.push_back(wait);
  }
  std::sort(waits.begin(), waits.end());
  EXPECT_GT(waits.back() - waits.front(), kMaxJitter / 2);
}

// 6.4: the retries end after Rekey-Attempt-Time and take the staged packets with them.
TEST_F(TimersTest, GivesUpAfterRekeyAttemptTime) {
  const Instant began = now_;
  int tries = 0;
  Due due = kSendInitiation;
  while (due == kSendInitiation) {
    timers_.initiation_sent(now_);
    ++tries;
    now_ = timers_.next_deadline();
    due = timers_.on_deadline(now_);
  }
  EXPECT_EQ(due, Due{.give_up = true});
  EXPECT_GE(now_ - began, kRekeyAttemptTime);
  EXPECT_LT(now_ - began, kRekeyAttemptTime + kRekeyTimeout + kMaxJitter);
  EXPECT_GE(tries, 17);
  EXPECT_LE(tries, 18);
  // Old keys do not outlive a peer that is gone.
  EXPECT_EQ(timers_.next_deadline(), now_ + kEraseKeysAfterTime);
}

// 6.4: a packet that waits restarts the patience.
TEST_F(TimersTest, StagedPacketsKeepTheRetriesGoing) {
  for (int i = 0; i < 100; ++i) {
    timers_.packet_staged(now_);
    timers_.initiation_sent(now_);
    ASSERT_EQ(advance(kRekeyTimeout + kMaxJitter), kSendInitiation) << i;
  }
}

TEST_F(TimersTest, CompletedHandshakeEndsTheRetries) {
  timers_.initiation_sent(now_);
  timers_.handshake_completed();
  EXPECT_EQ(timers_.next_deadline(), kNever);
}

// 6.5: data received and nothing sent for Keepalive-Timeout.
TEST_F(TimersTest, ReceivedDataIsAnsweredByAKeepaliveAfterTenSeconds) {
  data_received();
  EXPECT_EQ(advance(kKeepaliveTimeout - 1ns), kNothing);
  EXPECT_EQ(advance(1ns), kSendKeepalive);
  timers_.keepalive_sent(now_);
  EXPECT_EQ(timers_.next_deadline(), kNever);
}

TEST_F(TimersTest, ReceivedKeepaliveIsNotAnswered) {
  timers_.authenticated_received(now_);
  EXPECT_EQ(timers_.next_deadline(), kNever);
}

TEST_F(TimersTest, SendingCancelsPassiveKeepalive) {
  data_received();
  now_ += 1s;
  timers_.authenticated_sent(now_);
  EXPECT_EQ(advance(kKeepaliveTimeout), kNothing);
}

TEST_F(TimersTest, DataBehindTheFirstOwesAnotherKeepalive) {
  data_received();
  now_ += 5s;
  data_received();
  EXPECT_EQ(advance(5s), kSendKeepalive);
  timers_.keepalive_sent(now_);
  EXPECT_EQ(advance(kKeepaliveTimeout - 1ns), kNothing);
  EXPECT_EQ(advance(1ns), kSendKeepalive);
  timers_.keepalive_sent(now_);
  EXPECT_EQ(timers_.next_deadline(), kNever);
}

TEST_F(TimersTest, DataSentPaysWhatIsOwed) {
  data_received();
  data_received();
  data_sent();
  timers_.authenticated_received(now_);
  EXPECT_EQ(timers_.next_deadline(), kNever);
}

// 6.5: the timer counts from the first data received, not from the last sent.
TEST_F(TimersTest, PassiveKeepaliveIsNotPutOffByMoreData) {
  data_received();
  for (int i = 0; i < 9; ++i) {
    now_ += 1s;
    data_received();
  }
  EXPECT_EQ(advance(1s), kSendKeepalive);
}

// 6.5: data sent and nothing received for Keepalive-Timeout + Rekey-Timeout.
TEST_F(TimersTest, SilenceAfterDataSentCallsForANewHandshake) {
  data_sent();
  EXPECT_EQ(advance(15s - 1ns), kNothing);
  EXPECT_EQ(advance(kMaxJitter + 1ns), kSendInitiation);
}

TEST_F(TimersTest, MoreDataSentDoesNotPutTheNewHandshakeOff) {
  data_sent();
  const Instant due = timers_.next_deadline();
  for (int i = 0; i < 14; ++i) {
    now_ += 1s;
    data_sent();
  }
  EXPECT_EQ(timers_.next_deadline(), due);
}

TEST_F(TimersTest, AnythingReceivedCallsOffTheNewHandshake) {
  data_sent();
  timers_.authenticated_received(now_ + 10s);
  EXPECT_EQ(timers_.next_deadline(), kNever);
}

TEST_F(TimersTest, KeysAreErasedAfter540Seconds) {
  timers_.session_derived(now_);
  EXPECT_EQ(advance(540s - 1ns), kNothing);
  EXPECT_EQ(advance(1ns), Due{.erase_keys = true});
}

TEST_F(TimersTest, PersistentKeepaliveBeginsAtOnceAndIsMovedByTraffic) {
  timers_.persistent_keepalive_set(25s, now_);
  EXPECT_EQ(timers_.on_deadline(now_), kSendKeepalive);
  timers_.keepalive_sent(now_);
  now_ += 20s;
  timers_.authenticated_received(now_);
  EXPECT_EQ(advance(25s - 1ns), kNothing);
  EXPECT_EQ(advance(1ns), kSendKeepalive);
}

TEST_F(TimersTest, PersistentKeepaliveGoesOnWithNowhereToSendTo) {
  timers_.persistent_keepalive_set(25s, now_);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(timers_.on_deadline(now_), kSendKeepalive);
    now_ += 25s;
  }
}

TEST_F(TimersTest, PersistentKeepaliveCanBeTurnedOff) {
  timers_.persistent_keepalive_set(25s, now_);
  timers_.persistent_keepalive_set(0s, now_);
  EXPECT_EQ(timers_.next_deadline(), kNever);
  timers_.authenticated_sent(now_);
  EXPECT_EQ(timers_.next_deadline(), kNever);
}

// A clock that steps back freezes the timers and breaks nothing.
TEST_F(TimersTest, ClockThatStepsBackFreezesTheTimers) {
  timers_.initiation_sent(now_);
  const Instant due = timers_.next_deadline();
  EXPECT_EQ(timers_.on_deadline(now_ - 10min), kNothing);
  EXPECT_EQ(timers_.next_deadline(), due);
}

TEST_F(TimersTest, PostponedInitiationComesUpOnce) {
  timers_.initiation_postponed(now_ + 3s);
  EXPECT_EQ(advance(3s + kMaxJitter), kSendInitiation);
  timers_.initiation_sent(now_);
  const Instant retry = timers_.next_deadline();
  timers_.initiation_postponed(now_ + 1s);  // the retry is armed already
  EXPECT_EQ(timers_.next_deadline(), retry);
}

}  // namespace
}  // namespace wgr::wireguard
