#include "core/io/worker.h"

#include <future>
#include <vector>

#include "gtest/gtest.h"

#include "core/io/mailbox.h"

namespace wgr::io {
namespace {

TEST(WorkerTest, EveryTaskIsFollowedByAnEndOfTurn) {
  Worker worker{0};
  std::promise<void> ended;
  bool has_run = false;
  worker.start([&] {
    if (has_run) {
      has_run = false;
      ended.set_value();
    }
  });
  worker.post([&] { has_run = true; });
  ended.get_future().get();
  worker.stop();
  worker.join();
  EXPECT_GE(worker.turns(), 1u);
}

TEST(MailboxTest, ItemsArriveInOrderAndOnce) {
  Worker worker{0};
  std::vector<int> seen;
  std::promise<void> complete;
  Mailbox<int> mailbox{worker, 1000, [&](std::vector<int>& items) {
                         seen.insert(seen.end(), items.begin(), items.end());
                         if (seen.size() == 1000) complete.set_value();
                       }};
  worker.start([] {});
  for (int i = 0; i < 1000; ++i) {
    while (!mailbox.push(int{i})) {
    }
  }
  complete.get_future().get();
  worker.stop();
  worker.join();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(MailboxTest, RefusesWhatIsBeyondItsCapacity) {
  Worker worker{0};  // not started: nothing is taken out
  Mailbox<int> mailbox{worker, 3, [](std::vector<int>&) {}};

  EXPECT_TRUE(mailbox.push(1, 2));
  EXPECT_FALSE(mailbox.push(2, 2));
  EXPECT_TRUE(mailbox.push(3, 1));
}

TEST(MailboxTest, ReserveIsForThoseWhoNameItAndWithoutWeightThereIsAlwaysRoom) {
  Worker worker{0};
  Mailbox<int> mailbox{worker, 3, [](std::vector<int>&) {}};
  EXPECT_TRUE(mailbox.push(1, /*weight=*/3));

  EXPECT_FALSE(mailbox.push(2, /*weight=*/1));
  EXPECT_TRUE(mailbox.push(3, /*weight=*/2, /*reserve=*/2));
  EXPECT_FALSE(mailbox.push(4, /*weight=*/1, /*reserve=*/2));
  EXPECT_TRUE(mailbox.push(5, /*weight=*/0));
}

}  // namespace
}  // namespace wgr::io
