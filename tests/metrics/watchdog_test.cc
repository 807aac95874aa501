#include "metrics/watchdog.h"

#include "gtest/gtest.h"

namespace wgr::metrics {
namespace {

using namespace std::chrono_literals;

class WatchdogTest : public testing::Test {
 protected:
  Instant now_ = Instant{} + 100s;
  Watchdog watchdog_{/*workers=*/2, /*stuck_after=*/10s};
};

TEST_F(WatchdogTest, WorkerThatWasNeverAskedIsNotStuck) {
  EXPECT_FALSE(watchdog_.is_stuck(0, now_ + 1h));
  EXPECT_EQ(watchdog_.delay(0, now_ + 1h), 0s);
}

TEST_F(WatchdogTest, SilentWorkerIsStuckAfterTheTimeAndNotBefore) {
  watchdog_.heartbeat_sent(0, now_);

  EXPECT_FALSE(watchdog_.is_stuck(0, now_ + 10s - 1ns));
  EXPECT_TRUE(watchdog_.is_stuck(0, now_ + 10s));
  EXPECT_FALSE(watchdog_.is_stuck(1, now_ + 10s));
}

TEST_F(WatchdogTest, LateAnswerEndsIt) {
  watchdog_.heartbeat_sent(0, now_);
  watchdog_.heartbeat_answered(0, now_ + 30s);

  EXPECT_FALSE(watchdog_.is_stuck(0, now_ + 30s));
  EXPECT_FALSE(watchdog_.is_waiting(0));
  EXPECT_EQ(watchdog_.delay(0, now_ + 60s), 30s);
}

TEST_F(WatchdogTest, DelayOfAHeartbeatUnderWayGrows) {
  watchdog_.heartbeat_sent(0, now_);
  watchdog_.heartbeat_answered(0, now_ + 2s);
  watchdog_.heartbeat_sent(0, now_ + 3s);

  EXPECT_EQ(watchdog_.delay(0, now_ + 4s), 2s);
  EXPECT_EQ(watchdog_.delay(0, now_ + 8s), 5s);
}

TEST_F(WatchdogTest, AnswerToNothingIsIgnored) {
  watchdog_.heartbeat_answered(1, now_);

  EXPECT_EQ(watchdog_.delay(1, now_), 0s);
}

}  // namespace
}  // namespace wgr::metrics
