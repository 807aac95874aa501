#include "core/deadline_queue.h"

#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"

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

TEST(DeadlineQueueTest, EarlierDeadlineIsTakenFirst) {
  DeadlineQueue<int> queue;
  Instant queued = kNever;
  queue.arm(1, Instant{50ms}, queued);
  queue.arm(1, Instant{10ms}, queued);
  EXPECT_EQ(queued, Instant{10ms});
  EXPECT_EQ(queue.next(), Instant{10ms});
}

TEST(DeadlineQueueTest, NeverIsNotQueued) {
  DeadlineQueue<int> queue;
  Instant queued = kNever;
  queue.arm(1, kNever, queued);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(DeadlineQueueTest, DiscardedKeysDoNotComeUp) {
  DeadlineQueue<int> queue;
  for (int key = 0; key < 10; ++key) {
    Instant queued = kNever;
    queue.arm(key, Instant{1ms * (10 - key)}, queued);
  }
  queue.discard_if([](int key) { return key % 2 == 0; });
  for (const int key : {9, 7, 5, 3, 1}) EXPECT_EQ(queue.take_due(Instant{1s}), key);
  EXPECT_EQ(queue.take_due(Instant{1s}), std::nullopt);
}

// An object with a distant deadline and one that comes and goes: idle time-out and delayed acknowledgement.
TEST(DeadlineQueueTest, ShortDeadlinesBesideALongOneDoNotPileUp) {
  DeadlineQueue<int> queue;
  constexpr int kObjects = 10;
  Instant queued[kObjects];
  std::fill(std::begin(queued), std::end(queued), kNever);
  Instant now{};
  for (int round = 0; round < 10'000; ++round) {
    for (int key = 0; key < kObjects; ++key) queue.arm(key, now + 10ms, queued[key]);
    now += 10ms;
    while (const std::optional<int> key = queue.take_due(now)) {
      queued[*key] = kNever;
      queue.arm(*key, Instant{24h}, queued[*key]);
    }
    ASSERT_LE(queue.size(), 3u * kObjects + 64) << round;
  }
}

// Against a model without a heap: every object is asked no later than its deadline.
TEST(DeadlineQueueTest, NobodyIsAskedLate) {
  constexpr std::uint64_t kSeed = 8;
  SCOPED_TRACE("seed 8");
  Rng rng{kSeed};
  constexpr std::size_t kObjects = 40;
  struct Object {
    Instant deadline = kNever;
    Instant queued = kNever;
  };
  std::vector<Object> objects(kObjects);
  DeadlineQueue<std::size_t> queue;
  Instant now{};
  const auto some_ms = [&](std::uint64_t below) { return std::chrono::milliseconds{rng.below(below)}; };
  for (int round = 0; round < 50'000; ++round) {
    Object& object = objects[rng.below(kObjects)];
    const auto key = static_cast<std::size_t>(&object - objects.data());
    object.deadline = rng.below(10) == 0 ? kNever : now + 1ms + some_ms(rng.below(2) == 0 ? 20 : 5000);
    queue.arm(key, object.deadline, object.queued);

    now += some_ms(3);
    while (const std::optional<std::size_t> due = queue.take_due(now)) {
      objects[*due].queued = kNever;
      if (objects[*due].deadline <= now) objects[*due].deadline = kNever;
      queue.arm(*due, objects[*due].deadline, objects[*due].queued);
    }
    Instant earliest = kNever;
    for (const Object& each : objects) earliest = std::min(earliest, each.deadline);
    ASSERT_GT(earliest, now) << round;
    ASSERT_LE(queue.next(), earliest) << round;
    ASSERT_LE(queue.size(), 3 * kObjects + 64) << round;
  }
}

}  // namespace
}  // namespace wgr
