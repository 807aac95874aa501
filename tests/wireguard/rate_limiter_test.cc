#include "wireguard/rate_limiter.h"

#include "gtest/gtest.h"

#include "wireguard/load_meter.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

// Burst of five, then one per 50 ms: both families side by side, so that they cannot share a bucket.
TEST(RateLimiterTest, AllowsABurstOfFiveAndTwentyASecond) {
  struct Step {
    Duration wait;
    bool is_allowed;
  };
  constexpr Step kSteps[] = {{0ms, true},   {0ms, true},  {0ms, true},  {0ms, true},
                             {0ms, true},   {0ms, false}, {50ms, true}, {0ms, false},
                             {100ms, true}, {0ms, true},  {0ms, false}};
  RateLimiter limiter;
  Instant now{1h};
  int number = 0;
  for (const Step& step : kSteps) {
    now += step.wait;
    ++number;
    EXPECT_EQ(limiter.allow(ip("127.0.0.1"), now), step.is_allowed) << "step " << number;
    EXPECT_EQ(limiter.allow(ip("2001:db8::1"), now), step.is_allowed) << "step " << number;
  }
  EXPECT_TRUE(limiter.allow(ip("127.0.0.2"), now));
  EXPECT_TRUE(limiter.allow(ip("2001:db8:0:1::1"), now));
}

TEST(RateLimiterTest, AddressesOfOneIpv6NetworkShareTheirTokens) {
  RateLimiter limiter;
  const Instant now{1h};
  for (const char* text :
       {"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::5"}) {
    EXPECT_TRUE(limiter.allow(ip(text), now)) << text;
  }
  EXPECT_FALSE(limiter.allow(ip("2001:db8::6"), now));
  EXPECT_TRUE(limiter.allow(ip("2001:db8:0:1::6"), now));
}

TEST(RateLimiterTest, SourceBeyondTheCapIsRefused) {
  constexpr std::size_t kMax = 100;
  RateLimiter limiter{kMax};
  const Instant now{1h};
  for (std::uint32_t i = 0; i < kMax; ++i) EXPECT_TRUE(limiter.allow(IpAddress::v4(0x0a000000 + i), now));
  EXPECT_FALSE(limiter.allow(IpAddress::v4(0x0a000000 + kMax), now));
  EXPECT_TRUE(limiter.allow(IpAddress::v4(0x0a000000), now));  // those who are in are served
}

TEST(RateLimiterTest, IdleSourcesMakeRoom) {
  RateLimiter limiter{1};
  Instant now{1h};
  EXPECT_TRUE(limiter.allow(ip("10.0.0.1"), now));
  EXPECT_FALSE(limiter.allow(ip("10.0.0.2"), now += 500ms));
  EXPECT_TRUE(limiter.allow(ip("10.0.0.2"), now += 1500ms));
  EXPECT_EQ(limiter.size(), 1u);
}

TEST(RateLimiterTest, ClockThatStandsStillGivesNoTokens) {
  RateLimiter limiter;
  const Instant now{1h};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.allow(ip("10.0.0.1"), now));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(limiter.allow(ip("10.0.0.1"), now));
  EXPECT_FALSE(limiter.allow(ip("10.0.0.1"), now - 1s));
}

TEST(LoadMeterTest, IsLoadedBeyondTheLimitAndForASecondAfter) {
  LoadMeter meter{3};
  Instant now{1h};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(meter.count(now));
  EXPECT_TRUE(meter.count(now));
  EXPECT_TRUE(meter.count(now + 999ms));
  // The last excess was at 999 ms.
  EXPECT_TRUE(meter.count(now + 1998ms));
  EXPECT_FALSE(meter.count(now + 1999ms));
}

TEST(LoadMeterTest, AQuietSecondForgets) {
  LoadMeter meter{3};
  Instant now{1h};
  for (int i = 0; i < 30; ++i) EXPECT_FALSE(meter.count(now += 400ms));
}

TEST(ReplyBudgetTest, IsRenewedEverySecond) {
  ReplyBudget budget{2};
  const Instant now{1h};
  EXPECT_TRUE(budget.take(now));
  EXPECT_TRUE(budget.take(now));
  EXPECT_FALSE(budget.take(now + 999ms));
  EXPECT_TRUE(budget.take(now + 1s));
}

}  // namespace
}  // namespace wgr::wireguard
