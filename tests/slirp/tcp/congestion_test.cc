#include "slirp/tcp/congestion.h"

#include "gtest/gtest.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

Congestion::Acknowledged acked(std::size_t bytes, std::size_t peak) {
  return {
      .bytes = bytes, .una = SeqNumber{1}, .next = SeqNumber{1000000}, .peak = peak, .smoothed_rtt = 50ms};
}

TEST(CongestionTest, SlowStartDoublesAndUnusedWindowDoesNotGrow) {
  Congestion congestion{CongestionAlgorithm::kCubic, 1 << 24};
  congestion.start(1000, 10, SeqNumber{1});
  EXPECT_EQ(congestion.window(), 10000u);
  congestion.acknowledged(acked(10000, 10000), Instant{});
  EXPECT_EQ(congestion.window(), 20000u);
  congestion.acknowledged(acked(1000, 1000), Instant{});
  EXPECT_EQ(congestion.window(), 20000u);
}

TEST(CongestionTest, Rfc5681_NewRenoHalvesAndGrowsByOneSegmentPerWindow) {
  Congestion congestion{CongestionAlgorithm::kNewReno, 1 << 24};
  congestion.start(1000, 40, SeqNumber{1});
  congestion.reduce(40000);
  congestion.set_window(congestion.threshold());
  EXPECT_EQ(congestion.window(), 20000u);
  for (int i = 0; i < 20; ++i) congestion.acknowledged(acked(1000, 20000), Instant{});
  EXPECT_NEAR(static_cast<double>(congestion.window()), 21000, 60);
}

TEST(CongestionTest, UndoBringsWindowAndThresholdBack) {
  Congestion congestion{CongestionAlgorithm::kCubic, 1 << 24};
  congestion.start(1000, 40, SeqNumber{1});
  congestion.reduce(40000);
  congestion.collapse();
  EXPECT_EQ(congestion.window(), 1000u);
  congestion.undo();
  EXPECT_EQ(congestion.window(), 40000u);
  EXPECT_TRUE(congestion.in_slow_start());
}

TEST(CongestionTest, OffMeansTheLimit) {
  Congestion congestion{CongestionAlgorithm::kOff, 1 << 20};
  congestion.start(1000, 10, SeqNumber{1});
  congestion.reduce(1000);
  congestion.collapse();
  congestion.set_window(5000);
  EXPECT_EQ(congestion.window(), 1u << 20);
}

}  // namespace
}  // namespace wgr::slirp::tcp
