#include "slirp/memory_budget.h"

#include "gtest/gtest.h"

namespace wgr::slirp {
namespace {

// Takes by tens until it is refused.
std::size_t take_all(MemoryBudget& budget) {
  while (budget.take(10)) {
  }
  return budget.used();
}

TEST(MemoryBudgetTest, TakesAllOrNothingUpToItsLimit) {
  MemoryBudget budget{100};
  EXPECT_FALSE(budget.take(101));
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_TRUE(budget.take(100));
  EXPECT_FALSE(budget.take(1));
  budget.give_back(100);
  EXPECT_EQ(budget.available(), 100u);
}

TEST(MemoryBudgetTest, EachLeavesAsMuchAsItHoldsForTheNext) {
  MemoryBudget all{12'000};
  MemoryBudget first{12'000, &all};
  MemoryBudget second{12'000, &all};
  MemoryBudget third{12'000, &all};
  EXPECT_NEAR(static_cast<double>(take_all(first)), 6000, 20);
  EXPECT_NEAR(static_cast<double>(take_all(second)), 3000, 20);
  EXPECT_NEAR(static_cast<double>(take_all(third)), 1500, 20);
  EXPECT_EQ(first.available(), 0u);

  first.give_back(first.used());
  second.give_back(second.used());
  third.give_back(third.used());
  EXPECT_EQ(all.used(), 0u);
}

// What all of them get when all take whenever they may, each giving back a part at times.
TEST(MemoryBudgetTest, SharesBecomeEqual) {
  MemoryBudget all{12'000};
  MemoryBudget first{12'000, &all};
  MemoryBudget second{12'000, &all};
  for (int round = 0; round < 200; ++round) {
    for (MemoryBudget* budget : {&first, &second}) {
      take_all(*budget);
      budget->give_back(budget->used() / 10);
    }
  }
  EXPECT_NEAR(static_cast<double>(first.used()), static_cast<double>(second.used()), 600);
  for (MemoryBudget* budget : {&first, &second}) budget->give_back(budget->used());
}

TEST(MemoryBudgetTest, OwnLimitHoldsWhateverIsFree) {
  MemoryBudget all{12'000};
  MemoryBudget guest{1000, &all};
  EXPECT_EQ(take_all(guest), 1000u);
  EXPECT_EQ(guest.available(), 0u);
  guest.give_back(1000);
}

}  // namespace
}  // namespace wgr::slirp
