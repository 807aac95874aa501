#include "slirp/tcp/rack.h"

#include "gtest/gtest.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

TEST(RackTest, Rfc8985_ReorderWindowGrowsWithDuplicatesAndShrinksAgain) {
  Rack rack;
  const Instant t{1s};
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 0ms);
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/false, 40ms, 50ms), 10ms);
  rack.delivered({SeqNumber{20}, t, false, false}, 40ms, t + 40ms);
  rack.delivered({SeqNumber{10}, t, false, false}, 40ms, t + 41ms);
  EXPECT_TRUE(rack.has_seen_reordering());
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 10ms);
  rack.duplicate_reported(SeqNumber{20}, SeqNumber{100});
  rack.duplicate_reported(SeqNumber{30}, SeqNumber{100});  // the same round trip
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 20ms);
  for (std::uint32_t i = 2; i < 20; ++i)
    rack.duplicate_reported(SeqNumber{i * 100}, SeqNumber{i * 100 + 100});
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 50ms)
      << "never beyond the smoothed round trip";
  for (int i = 0; i < 16; ++i) rack.recovery_ended();
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 10ms);
}

}  // namespace
}  // namespace wgr::slirp::tcp
