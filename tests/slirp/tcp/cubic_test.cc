#include "slirp/tcp/cubic.h"

#include <algorithm>
#include <cmath>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

// RFC 9438 4.2: from W_max the window falls to beta, stays, and is back after K seconds.
TEST(CubicTest, Rfc9438_FollowsTheCubicFunction) {
  constexpr std::size_t kMss = 1000;
  Cubic cubic;
  double window = 1000.0 * kMss;
  window = static_cast<double>(
      cubic.reduce(static_cast<std::size_t>(window), static_cast<std::size_t>(window), kMss));
  EXPECT_EQ(window, 700.0 * kMss);
  const double k = std::cbrt(1000 * 0.3 / 0.4);
  Instant now{};
  const Duration rtt = 100ms;
  for (double t = 0; t < 2 * k; t += 0.1) {
    for (int i = 0; i < 10; ++i) {
      window += cubic.growth(static_cast<std::size_t>(window), static_cast<std::size_t>(window / 10), kMss,
                             rtt, now);
    }
    now += rtt;
    const double expected = 0.4 * std::pow(t + 0.1 - k, 3) + 1000;
    EXPECT_NEAR(window / kMss, expected, 0.02 * expected) << "t=" << t;
  }
}

// RFC 9438 4.3: where Reno would be faster, CUBIC is as fast.
TEST(CubicTest, Rfc9438_IsNoSlowerThanRenoOnShortPaths) {
  constexpr std::size_t kMss = 1000;
  Cubic cubic;
  double window = static_cast<double>(cubic.reduce(20 * kMss, 20 * kMss, kMss));
  Instant now{};
  for (int round = 0; round < 100; ++round) {
    window +=
        cubic.growth(static_cast<std::size_t>(window), static_cast<std::size_t>(window), kMss, 5ms, now);
    now += 5ms;
  }
  // alpha = 0.53 up to the old window, then one segment per round trip.
  EXPECT_GE(window / kMss, 14 + 6 + (100 - 6 / 0.53) - 3);
}

TEST(CubicTest, Rfc9438_FastConvergenceMakesRoom) {
  constexpr std::size_t kMss = 1000;
  Cubic slow;
  Cubic fast;
  fast.reduce(200 * kMss, 200 * kMss, kMss);  // had been higher
  fast.reduce(100 * kMss, 100 * kMss, kMss);
  slow.reduce(100 * kMss, 100 * kMss, kMss);
  double a = 70.0 * kMss;
  double b = 70.0 * kMss;
  Instant now{};
  for (int i = 0; i < 30; ++i, now += 100ms) {
    a += slow.growth(static_cast<std::size_t>(a), static_cast<std::size_t>(a), kMss, 100ms, now);
    b += fast.growth(static_cast<std::size_t>(b), static_cast<std::size_t>(b), kMss, 100ms, now);
  }
  EXPECT_LT(b, a);
}

TEST(CubicTest, AcknowledgementsNeverReduceTheWindow) {
  const std::uint64_t seed = 3;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  Cubic cubic;
  Instant now{};
  std::size_t window = 10000;
  for (int i = 0; i < 10000; ++i) {
    now += std::chrono::microseconds{rng.below(100000)};
    if (rng.below(50) == 0) {
      window = cubic.reduce(window, window, 1000);
    } else if (rng.below(20) == 0) {
      cubic.application_limited(now);
    } else {
      const double growth =
          cubic.growth(window, rng.below(5000), 1000, Duration{rng.below(200'000'000)}, now);
      ASSERT_GE(growth, 0.0);
      ASSERT_TRUE(std::isfinite(growth));
      window = std::min<std::size_t>(window + static_cast<std::size_t>(growth), 1 << 24);
    }
  }
}

}  // namespace
}  // namespace wgr::slirp::tcp
