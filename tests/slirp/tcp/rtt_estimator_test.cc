#include "slirp/tcp/rtt_estimator.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

TEST(RttEstimatorTest, Rfc6298_FirstSampleSetsAllAndLaterOnesSmooth) {
  RttEstimator rtt{200ms, 60s};
  EXPECT_EQ(rtt.timeout(), 1s);  // (2.1)
  rtt.sample(100ms, Instant{});
  EXPECT_EQ(rtt.smoothed(), 100ms);
  EXPECT_EQ(rtt.variation(), 50ms);
  EXPECT_EQ(rtt.timeout(), 300ms);  // (2.2)
  rtt.sample(200ms, Instant{});
  EXPECT_EQ(rtt.variation(), 62500us);  // 3/4 * 50 + 1/4 * 100
  EXPECT_EQ(rtt.smoothed(), 112500us);  // 7/8 * 100 + 1/8 * 200
  EXPECT_EQ(rtt.timeout(), 362500us);
}

TEST(RttEstimatorTest, Rfc6298_BackOffDoublesUpToTheMaximumAndEnds) {
  RttEstimator rtt{200ms, 60s};
  Duration expected = 1s;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(rtt.timeout(), std::min<Duration>(expected, 60s));
    expected = std::min<Duration>(expected * 2, 60s);
    rtt.back_off();
  }
  rtt.end_back_off();
  EXPECT_EQ(rtt.timeout(), 1s);
}

// smoltcp 476 overflowed here.
TEST(RttEstimatorTest, VeryLongRoundTripsDoNotOverflow) {
  RttEstimator rtt{200ms, 60s};
  for (int i = 0; i < 100; ++i) rtt.sample(120s, Instant{});
  for (int i = 0; i < 100; ++i) rtt.back_off();
  EXPECT_EQ(rtt.timeout(), 60s);
}

TEST(RttEstimatorTest, MinimumForgetsWhatIsLongPast) {
  RttEstimator rtt{200ms, 60s};
  Instant now{};
  rtt.sample(10ms, now);
  for (int i = 0; i < 400; ++i) rtt.sample(50ms, now += 1s);
  EXPECT_EQ(rtt.minimum(), 50ms);
}

}  // namespace
}  // namespace wgr::slirp::tcp
