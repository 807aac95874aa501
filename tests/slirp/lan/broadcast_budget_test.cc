#include "slirp/lan/broadcast_budget.h"

#include <gtest/gtest.h>

#include <vector>

namespace wgr::slirp::lan {
namespace {

using namespace std::chrono_literals;

using Share = BroadcastBudget::Share;

class BroadcastBudgetTest : public testing::Test {
 protected:
  bool send(Share& share, std::uint64_t copies) {
    if (!budget_.may_send(share, now_)) return false;
    budget_.sent(share, copies);
    return true;
  }
  // Copies of a second in which every one of `senders` sends all it may.
  std::uint64_t second_of(std::vector<Share>& senders, std::uint64_t copies) {
    std::uint64_t sum = 0;
    for (int i = 0; i < 1000; ++i, now_ += 1ms) {
      for (Share& share : senders) sum += send(share, copies) ? copies : 0;
    }
    return sum;
  }

  BroadcastBudget budget_;
  Instant now_{24h};
};

TEST_F(BroadcastBudgetTest, OneSenderHasHalfOfAll) {
  std::vector<Share> one(1);
  second_of(one, 999);
  const std::uint64_t copies = second_of(one, 999);
  EXPECT_GE(copies, 10 * BroadcastBudget::kCopies / 2 - 999);
  EXPECT_LE(copies, 10 * BroadcastBudget::kCopies / 2 + 999);
}

TEST_F(BroadcastBudgetTest, WhoSendsAllItCanDoesNotSilenceOthers) {
  Share loud;
  Share quiet;
  for (int i = 0; i < 5000; ++i, now_ += 1ms) {
    send(loud, 999);
    if (i % 250 != 0) continue;
    EXPECT_TRUE(send(quiet, 999)) << i;
  }
}

TEST_F(BroadcastBudgetTest, AllTogetherKeepWithinTheBudget) {
  constexpr std::uint64_t kOthers = 4095;
  std::vector<Share> senders(100);
  second_of(senders, kOthers);
  EXPECT_LE(second_of(senders, kOthers), 10 * BroadcastBudget::kCopies + kOthers);
}

// Each has its turn though a single frame is more than the part of one.
TEST_F(BroadcastBudgetTest, FramesToManyAreSharedOverTime) {
  constexpr std::uint64_t kOthers = 4095;
  std::vector<Share> senders(20);
  std::vector<int> sent(senders.size());
  for (int i = 0; i < 60'000; i += 10, now_ += 10ms) {
    for (std::size_t s = 0; s < senders.size(); ++s) sent[s] += send(senders[s], kOthers) ? 1 : 0;
  }
  for (std::size_t s = 0; s < senders.size(); ++s) EXPECT_GE(sent[s], 10) << s;
}

TEST_F(BroadcastBudgetTest, SilenceForgives) {
  Share share;
  while (send(share, 5000)) {
  }
  EXPECT_FALSE(send(share, 1));
  now_ += 1h;
  EXPECT_TRUE(send(share, 5000));
}

}  // namespace
}  // namespace wgr::slirp::lan
