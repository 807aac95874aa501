#include "wireguard/replay_window.h"

#include <set>

#include "gtest/gtest.h"

#include "core/rng.h"
#include "wireguard/constants.h"

namespace wgr::wireguard {
namespace {

constexpr std::uint64_t kWindow = ReplayWindow::kUsable;
constexpr std::uint64_t kL = kWindow + 1;
constexpr std::uint64_t kReject = kRejectAfterMessages;

struct Step {
  int number;
  std::uint64_t counter;
  bool is_accepted;
};

TEST(ReplayWindowTest, AcceptsEachCounterOnceWithinTheWindow) {
  constexpr Step kSteps[] = {
      {1, 0, true},
      {2, 1, true},
      {3, 1, false},
      {4, 9, true},
      {5, 8, true},
      {6, 7, true},
      {7, 7, false},
      {8, kL, true},
      {9, kL - 1, true},
      {10, kL - 1, false},
      {11, kL - 2, true},
      {12, 2, true},
      {13, 2, false},
      {14, kL + 16, true},
      {15, 3, false},
      {16, kL + 16, false},
      {17, kL * 4, true},
      {18, kL * 4 - (kL - 1), true},
      {19, 10, false},
      {20, kL * 4 - kL, false},
      {21, kL * 4 - (kL + 1), false},
      {22, kL * 4 - (kL - 2), true},
      {23, kL * 4 + 1 - kL, false},
      {24, 0, false},
      {25, kReject - 1, true},
      {26, kReject - 1, false},
      {27, kReject - 2, true},
      {28, kReject - 2, false},
      {29, kReject - 3, true},
      {30, 0, false},
  };
  ReplayWindow window;
  for (const Step& step : kSteps)
    EXPECT_EQ(window.accept(step.counter), step.is_accepted) << "step " << step.number;
}

TEST(ReplayWindowTest, Bulk1_ZeroIsWithinReachOfTheWindowsSize) {
  ReplayWindow window;
  for (std::uint64_t i = 1; i <= kWindow; ++i) ASSERT_TRUE(window.accept(i));
  EXPECT_TRUE(window.accept(0));
  EXPECT_FALSE(window.accept(0));
}

TEST(ReplayWindowTest, Bulk2_OneIsWithinReachAndZeroIsNot) {
  ReplayWindow window;
  for (std::uint64_t i = 2; i <= kWindow + 1; ++i) ASSERT_TRUE(window.accept(i));
  EXPECT_TRUE(window.accept(1));
  EXPECT_FALSE(window.accept(0));
}

TEST(ReplayWindowTest, Bulk3_DescendingFromTheWindowsSize) {
  ReplayWindow window;
  for (std::uint64_t i = kWindow + 1; i-- > 0;) ASSERT_TRUE(window.accept(i)) << i;
}

TEST(ReplayWindowTest, Bulk4_DescendingLeavesZeroBehind) {
  ReplayWindow window;
  for (std::uint64_t i = kWindow + 2; i-- > 1;) ASSERT_TRUE(window.accept(i)) << i;
  EXPECT_FALSE(window.accept(0));
}

TEST(ReplayWindowTest, Bulk5_AStepUpLeavesZeroBehind) {
  ReplayWindow window;
  for (std::uint64_t i = kWindow; i > 0; --i) ASSERT_TRUE(window.accept(i));
  EXPECT_TRUE(window.accept(kWindow + 1));
  EXPECT_FALSE(window.accept(0));
}

TEST(ReplayWindowTest, Bulk6_ZeroBeforeTheStepUp) {
  ReplayWindow window;
  for (std::uint64_t i = kWindow; i > 0; --i) ASSERT_TRUE(window.accept(i));
  EXPECT_TRUE(window.accept(0));
  EXPECT_TRUE(window.accept(kWindow + 1));
}

TEST(ReplayWindowTest, AgreesWithASetOfAllSeen) {
  for (const std::uint64_t seed : {11u, 12u, 13u}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng{seed};
    ReplayWindow window;
    std::set<std::uint64_t> seen;
    std::uint64_t greatest = 0;
    for (int step = 0; step < 60'000; ++step) {
      const std::uint64_t jump = rng.below(1000) == 0 ? 20'000 : 40;
      const std::uint64_t base = greatest > 9000 ? greatest - rng.below(3) * 4500 : greatest;
      const std::uint64_t counter = base + rng.below(jump);
      const bool is_reachable = counter > greatest || greatest - counter <= kWindow;
      ASSERT_EQ(window.accept(counter), is_reachable && seen.insert(counter).second) << counter;
      greatest = std::max(greatest, counter);
    }
  }
}

}  // namespace
}  // namespace wgr::wireguard
