#include "ws/wireguard/dial_plan.h"

#include "gtest/gtest.h"

#include "tests/ws/frames.h"

namespace wgr::ws::wireguard {
namespace {

using namespace std::chrono_literals;
using State = DialPlan::State;
using Due = DialPlan::Due;

class DialPlanTest : public testing::Test {
 protected:
  Due at_deadline() {
    now_ = plan_.next_deadline();
    return plan_.on_deadline(now_);
  }
  // How long it waits after a failure now.
  Duration wait_after_failure() {
    plan_.ended(now_);
    return plan_.next_deadline() - now_;
  }

  Rng rng_{1};
  Instant now_{1h};
  DialPlan plan_{rng_, now_};
};

TEST_F(DialPlanTest, FirstTryIsDueAtOnce) {
  EXPECT_EQ(plan_.on_deadline(now_ - 1ns), Due::kNothing);
  EXPECT_EQ(plan_.on_deadline(now_), Due::kTry);
  EXPECT_EQ(plan_.state(), State::kTrying);
  EXPECT_EQ(plan_.on_deadline(now_), Due::kNothing);
}

TEST_F(DialPlanTest, WaitsDoubleToAMinute) {
  for (const Duration nominal : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    ASSERT_EQ(at_deadline(), Due::kTry);
    const Duration wait = wait_after_failure();
    EXPECT_GE(wait, nominal * 3 / 4);
    EXPECT_LE(wait, nominal * 5 / 4);
  }
}

TEST_F(DialPlanTest, AttemptThatTakesTooLongIsGivenUp) {
  at_deadline();
  EXPECT_EQ(plan_.next_deadline(), now_ + kAttemptTime);
  EXPECT_EQ(at_deadline(), Due::kGiveUp);
  EXPECT_EQ(plan_.state(), State::kWaiting);
  EXPECT_EQ(at_deadline(), Due::kTry);
}

TEST_F(DialPlanTest, OpenConnectionHasNoDeadline) {
  at_deadline();
  plan_.opened(now_);
  EXPECT_EQ(plan_.next_deadline(), kNever);
}

TEST_F(DialPlanTest, ConnectionThatHeldStartsOver) {
  for (int i = 0; i < 5; ++i) {
    at_deadline();
    wait_after_failure();
  }
  at_deadline();
  plan_.opened(now_);
  now_ += kStableAfter;
  EXPECT_LE(wait_after_failure(), 1250ms);
}

TEST_F(DialPlanTest, ConnectionThatIsThrownOutKeepsBackingOff) {
  for (int i = 0; i < 5; ++i) {
    at_deadline();
    plan_.opened(now_);
    now_ += 1s;
    wait_after_failure();
  }
  at_deadline();
  EXPECT_GE(wait_after_failure(), 24s);
}

TEST_F(DialPlanTest, DatagramsWaitInOrderAndTheOldestGiveWay) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(plan_.hold(bytes_of(std::to_string(i)), now_), i >= 16);
  }
  const auto held = plan_.take_held(now_);
  ASSERT_EQ(held.size(), kMaxHeldDatagrams);
  EXPECT_EQ(text_of(held.front()), "4");
  EXPECT_EQ(text_of(held.back()), "19");
  EXPECT_TRUE(plan_.take_held(now_).empty());
}

TEST_F(DialPlanTest, StaleDatagramsAreNotSent) {
  plan_.hold(bytes_of("old"), now_);
  plan_.hold(bytes_of("new"), now_ + 1ns);
  const auto held = plan_.take_held(now_ + kHeldFor + 1ns);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(text_of(held[0]), "new");
}

}  // namespace
}  // namespace wgr::ws::wireguard
