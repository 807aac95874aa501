#include "ws/source_limits.h"

#include <algorithm>
#include <chrono>

#include "gtest/gtest.h"

namespace wgr::ws {
namespace {

using namespace std::chrono_literals;
using Verdict = SourceLimits::Verdict;

const IpAddress kAlice = IpAddress::v4(192, 0, 2, 1);
const IpAddress kBob = IpAddress::v4(192, 0, 2, 2);

Limits small_limits() {
  Limits limits;
  limits.half_open_per_source = 2;
  limits.half_open = 3;
  limits.kept_alive_per_source = 1;
  limits.kept_alive = 2;
  limits.sessions_per_source = 2;
  limits.sessions = 3;
  limits.handshakes_per_second = 10;
  limits.handshake_burst = 5;
  limits.connections_per_proxy = 4;
  return limits;
}

class SourceLimitsTest : public testing::Test {
 protected:
  Verdict connect_briefly(const IpAddress& source) {
    const Verdict verdict = limits_.connection_accepted(source, now_);
    if (verdict == Verdict::kAccepted) limits_.half_open_ended(source);
    return verdict;
  }

  Instant now_{1h};
  SourceLimits limits_{small_limits(), /*max_sources=*/8};
};

TEST_F(SourceLimitsTest, OneSourceMayHaveOnlySoManyHalfOpen) {
  EXPECT_EQ(limits_.connection_accepted(kAlice, now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.connection_accepted(kAlice, now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.connection_accepted(kAlice, now_), Verdict::kTooManyHalfOpen);
  EXPECT_EQ(limits_.connection_accepted(kBob, now_), Verdict::kAccepted);

  limits_.half_open_ended(kAlice);
  EXPECT_EQ(limits_.connection_accepted(kAlice, now_), Verdict::kAccepted);
}

TEST_F(SourceLimitsTest, AllSourcesTogetherMayHaveOnlySoManyHalfOpen) {
  limits_.connection_accepted(kAlice, now_);
  limits_.connection_accepted(kAlice, now_);
  limits_.connection_accepted(kBob, now_);
  EXPECT_EQ(limits_.connection_accepted(kBob, now_), Verdict::kFull);
  EXPECT_EQ(limits_.half_open(), 3u);
}

TEST_F(SourceLimitsTest, KeptConnectionsAreBoundedPerSourceAndInAll) {
  const IpAddress carol = IpAddress::v4(192, 0, 2, 3);
  const auto keep = [&](const IpAddress& source) {
    EXPECT_EQ(limits_.connection_accepted(source, now_), Verdict::kAccepted);
    if (limits_.kept_alive_began(source)) return true;
    limits_.half_open_ended(source);
    return false;
  };
  EXPECT_TRUE(keep(kAlice));
  EXPECT_FALSE(keep(kAlice));
  EXPECT_TRUE(keep(kBob));
  EXPECT_FALSE(keep(carol));
  EXPECT_EQ(limits_.half_open(), 0u);
  EXPECT_EQ(limits_.kept_alive(), 2u);

  limits_.kept_alive_ended(kAlice);
  EXPECT_TRUE(keep(carol));
}

// It brings the connections of many, as fast as they come, and takes nobody else's places.
TEST_F(SourceLimitsTest, AProxyHasABoundOfItsOwn) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(limits_.proxy_connection_accepted(kAlice, now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.proxy_connection_accepted(kAlice, now_), Verdict::kTooManyOfProxy);
  EXPECT_EQ(limits_.proxy_connection_accepted(kBob, now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.connections_of_proxy(kAlice), 4u);
  EXPECT_EQ(limits_.half_open(), 0u);
  for (int i = 0; i < 20; ++i) {
    limits_.proxy_connection_ended(kAlice);
    EXPECT_EQ(limits_.proxy_connection_accepted(kAlice, now_), Verdict::kAccepted);
  }
}

TEST_F(SourceLimitsTest, AProxyIsForgottenWithItsLastConnection) {
  const IpAddress proxy = IpAddress::parse("2001:db8::7").value();
  ASSERT_EQ(limits_.proxy_connection_accepted(proxy, now_), Verdict::kAccepted);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(connect_briefly(kBob), Verdict::kAccepted);
  EXPECT_EQ(limits_.connections_of_proxy(proxy), 1u);
  EXPECT_EQ(limits_.connections_of_proxy(IpAddress::parse("2001:db8::8").value()), 0u);
  limits_.proxy_connection_ended(proxy);
  ASSERT_EQ(connect_briefly(kBob), Verdict::kAccepted);
  EXPECT_EQ(limits_.sources(), 1u);
}

TEST_F(SourceLimitsTest, BurstThenRate) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(connect_briefly(kAlice), Verdict::kAccepted);
  EXPECT_EQ(connect_briefly(kAlice), Verdict::kTooFast);
  EXPECT_EQ(connect_briefly(kBob), Verdict::kAccepted);

  now_ += 99ms;
  EXPECT_EQ(connect_briefly(kAlice), Verdict::kTooFast);
  now_ += 1ms;
  EXPECT_EQ(connect_briefly(kAlice), Verdict::kAccepted);
  EXPECT_EQ(connect_briefly(kAlice), Verdict::kTooFast);
}

// RFC 4291 2.5.4: a customer owns a /64, and all addresses in it.
TEST_F(SourceLimitsTest, AnIpv6SourceIsANetworkOfSixtyFourBits) {
  const auto address = [](const char* text) { return IpAddress::parse(text).value(); };
  EXPECT_EQ(limits_.connection_accepted(address("2001:db8:0:1::1"), now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.connection_accepted(address("2001:db8:0:1:ffff::2"), now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.connection_accepted(address("2001:db8:0:1::3"), now_), Verdict::kTooManyHalfOpen);
  EXPECT_EQ(limits_.connection_accepted(address("2001:db8:0:2::1"), now_), Verdict::kAccepted);
}

TEST_F(SourceLimitsTest, SessionsAreBoundedPerSourceAndInAll) {
  EXPECT_EQ(limits_.session_began(kAlice, now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.session_began(kAlice, now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.session_began(kAlice, now_), Verdict::kTooManySessions);
  EXPECT_EQ(limits_.session_began(kBob, now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.session_began(kBob, now_), Verdict::kFull);
  EXPECT_EQ(limits_.sessions_of(kAlice), 2u);

  limits_.session_ended(kAlice);
  EXPECT_EQ(limits_.session_began(kBob, now_), Verdict::kAccepted);
  EXPECT_EQ(limits_.sessions(), 3u);
}

TEST_F(SourceLimitsTest, SourcesWithNothingOpenAreForgottenAndOthersAreNot) {
  ASSERT_EQ(limits_.session_began(kAlice, now_), Verdict::kAccepted);
  for (std::uint8_t i = 10; i < 17; ++i)
    ASSERT_EQ(connect_briefly(IpAddress::v4(10, 0, 0, i)), Verdict::kAccepted);
  EXPECT_EQ(limits_.sources(), 8u);

  // Their buckets are not full again: forgetting them would give them a new burst.
  EXPECT_EQ(connect_briefly(kBob), Verdict::kFull);
  now_ += 2s;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(connect_briefly(kBob), Verdict::kAccepted);
  EXPECT_EQ(limits_.sources(), 2u);
  EXPECT_EQ(limits_.sessions_of(kAlice), 1u);
}

TEST_F(SourceLimitsTest, WhoHasSomethingOpenIsNotForgotten) {
  ASSERT_EQ(limits_.connection_accepted(kAlice, now_), Verdict::kAccepted);
  ASSERT_TRUE(limits_.kept_alive_began(kAlice));
  ASSERT_EQ(limits_.connection_accepted(kBob, now_), Verdict::kAccepted);
  for (std::uint8_t i = 0; i < 30; ++i) {
    now_ += 1s;
    EXPECT_EQ(connect_briefly(IpAddress::v4(10, 0, 0, i)), Verdict::kAccepted);
  }
  EXPECT_EQ(limits_.kept_alive(), 1u);
  EXPECT_EQ(limits_.half_open(), 1u);
  limits_.kept_alive_ended(kAlice);
  limits_.half_open_ended(kBob);
  now_ += 1s;
  EXPECT_EQ(connect_briefly(kAlice), Verdict::kAccepted);
  EXPECT_EQ(limits_.sources(), 1u);
}

// A spray costs what it has open and the buckets it has not filled again, whatever came before.
TEST_F(SourceLimitsTest, ASprayOfSourcesLeavesNothingBehind) {
  SourceLimits limits{small_limits(), /*max_sources=*/1000};
  std::size_t most = 0;
  for (unsigned i = 0; i < 100'000; ++i) {
    now_ += 1ms;
    const auto source = IpAddress::v4(10, static_cast<std::uint8_t>(i >> 16),
                                      static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i));
    ASSERT_EQ(limits.connection_accepted(source, now_), Verdict::kAccepted) << i;
    limits.half_open_ended(source);
    most = std::max(most, limits.sources());
  }
  EXPECT_LE(most, 110u);  // 100 ms, in which a bucket has its token back
  now_ += 1s;
  for (int i = 0; i < 30; ++i) limits.handshake_began(kAlice, now_);
  EXPECT_EQ(limits.sources(), 1u);
}

// Refused connections leave nothing behind either.
TEST_F(SourceLimitsTest, RefusedSourcesAreForgotten) {
  ASSERT_EQ(limits_.session_began(kBob, now_), Verdict::kAccepted);
  ASSERT_EQ(limits_.session_began(kBob, now_), Verdict::kAccepted);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(limits_.session_began(kBob, now_), Verdict::kTooManySessions);
    EXPECT_EQ(limits_.handshake_began(IpAddress::v4(10, 0, 0, 1), now_),
              i < 5 ? Verdict::kAccepted : Verdict::kTooFast);
  }
  EXPECT_EQ(limits_.sources(), 2u);
  now_ += 1s;
  EXPECT_EQ(limits_.session_began(kBob, now_), Verdict::kTooManySessions);
  EXPECT_EQ(limits_.sources(), 1u);
}

TEST_F(SourceLimitsTest, NewLimitsHoldForWhatComes) {
  ASSERT_EQ(limits_.session_began(kAlice, now_), Verdict::kAccepted);
  Limits fewer = small_limits();
  fewer.sessions_per_source = 1;
  limits_.set_limits(fewer);
  EXPECT_EQ(limits_.session_began(kAlice, now_), Verdict::kTooManySessions);
  EXPECT_EQ(limits_.sessions_of(kAlice), 1u);
}

TEST(CountRefusalTest, EveryReasonHasItsCounter) {
  Counters counters;
  for (const Verdict why : {Verdict::kTooFast, Verdict::kTooManyHalfOpen, Verdict::kTooManySessions,
                            Verdict::kTooManyOfProxy, Verdict::kFull}) {
    count_refusal(why, counters);
  }

  EXPECT_EQ(counters.refused_rate.value(), 1u);
  EXPECT_EQ(counters.refused_half_open.value(), 1u);
  EXPECT_EQ(counters.refused_sessions.value(), 1u);
  EXPECT_EQ(counters.refused_proxy.value(), 1u);
  EXPECT_EQ(counters.refused_full.value(), 1u);
}

}  // namespace
}  // namespace wgr::ws
