#include "slirp/tcp/hystart.h"

#include "gtest/gtest.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

TEST(HyStartTest, Rfc9406_GrowingRoundTripsSlowThenEndSlowStart) {
  HyStart hystart;
  hystart.restart(SeqNumber{100});
  std::uint32_t una = 0;
  const auto round = [&](Duration rtt) {
    for (int i = 0; i < 10; ++i) una += 10, hystart.acknowledged(SeqNumber{una}, SeqNumber{una + 100}, rtt);
    return hystart.phase();
  };
  EXPECT_EQ(round(40ms), HyStart::Phase::kSlowStart);
  EXPECT_EQ(round(41ms), HyStart::Phase::kSlowStart);
  round(60ms);
  EXPECT_EQ(round(60ms), HyStart::Phase::kConservative);
  for (int i = 0; i < 6; ++i) round(70ms);
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kDone);
}

TEST(HyStartTest, Rfc9406_NoiseReturnsToSlowStart) {
  HyStart hystart;
  hystart.restart(SeqNumber{100});
  std::uint32_t una = 0;
  const auto round = [&](Duration rtt) {
    for (int i = 0; i < 10; ++i) una += 10, hystart.acknowledged(SeqNumber{una}, SeqNumber{una + 100}, rtt);
  };
  round(40ms);
  round(40ms);
  round(60ms);
  round(60ms);
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kConservative);
  round(41ms);
  round(41ms);
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kSlowStart);
}

}  // namespace
}  // namespace wgr::slirp::tcp
