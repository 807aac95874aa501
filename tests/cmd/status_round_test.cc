#include "cmd/status_round.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;

ShardStatus status_of(const char* name) {
  ShardStatus status;
  status.peers.emplace_back().name = name;
  return status;
}

class StatusRoundTest : public testing::Test {
 protected:
  StatusRound make(Duration patience = 1h) {
    return StatusRound{context_, 2, [this](WorkerIndex worker) { asked_.push_back(worker); }, patience};
  }
  StatusRound::Done note() {
    return [this](const StatusByWorker& known) { told_.push_back(known); };
  }

  boost::asio::io_context context_{1};
  std::vector<WorkerIndex> asked_;
  std::vector<StatusByWorker> told_;
};

TEST_F(StatusRoundTest, EndsWhenEveryWorkerHasAnswered) {
  StatusRound round = make();
  round.take(note());
  EXPECT_EQ(asked_, (std::vector<WorkerIndex>{0, 1}));
  round.answered(1, status_of("b"));
  EXPECT_TRUE(told_.empty());

  round.answered(0, status_of("a"));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_.front().at(0).peers.front().name, "a");
  EXPECT_EQ(told_.front().at(1).peers.front().name, "b");
}

TEST_F(StatusRoundTest, WhoComesMeanwhileJoins) {
  StatusRound round = make();
  round.take(note());
  round.take(note());
  round.answered(0, {});
  round.answered(1, {});

  EXPECT_EQ(asked_.size(), 2u);
  EXPECT_EQ(told_.size(), 2u);
}

TEST_F(StatusRoundTest, NextRoundAsksAgain) {
  StatusRound round = make();
  for (int i = 0; i < 2; ++i) {
    round.take(note());
    round.answered(0, {});
    round.answered(1, {});
  }

  EXPECT_EQ(asked_.size(), 4u);
  EXPECT_EQ(told_.size(), 2u);
  context_.run();  // no timer is left
  EXPECT_EQ(told_.size(), 2u);
}

TEST_F(StatusRoundTest, SilentWorkerIsToldAsItWas) {
  StatusRound round = make(0s);
  round.answered(1, status_of("former"));
  round.take(note());
  round.answered(0, status_of("a"));
  EXPECT_TRUE(told_.empty());

  context_.run();
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_.front().at(1).peers.front().name, "former");
}

TEST_F(StatusRoundTest, LateAnswerIsKept) {
  StatusRound round = make(0s);
  round.take(note());
  context_.run();
  round.answered(1, status_of("late"));

  EXPECT_EQ(told_.size(), 1u);
  EXPECT_EQ(round.known().at(1).peers.front().name, "late");
}

TEST_F(StatusRoundTest, TooManyAreToldAtOnce) {
  StatusRound round = make();
  for (std::size_t i = 0; i <= StatusRound::kMaxWaiting; ++i) round.take(note());

  EXPECT_EQ(told_.size(), 1u);
}

}  // namespace
}  // namespace wgr
