#include "core/deadline_queue.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;

TEST(DeadlineQueueTest, GivesKeysInOrderOfTheirDeadlines) {
  DeadlineQueue<int> queue;
  Instant queued_a = kNever, queued_b = kNever;
  queue.arm(1, Instant{20ms}, queued_a);
  queue.arm(2, Instant{10ms}, queued_b);

  EXPECT_EQ(queue.next(), Instant{10ms});
  EXPECT_EQ(queue.take_due(Instant{9ms}), std::nullopt);
  EXPECT_EQ(queue.take_due(Instant{20ms}), 2);
  EXPECT_EQ(queue.take_due(Instant{20ms}), 1);
  EXPECT_EQ(queue.next(), kNever);
}

TEST(DeadlineQueueTest, LaterDeadlineKeepsTheEarlyEntry) {
  DeadlineQueue<int> queue;
  Instant queued = kNever;
  queue.arm(1, Instant{10ms}, queued);
  queue.arm(1, Instant{50ms}, queued);

  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.next(), Instant{10ms});
}

}  // namespace
}  // namespace wgr
