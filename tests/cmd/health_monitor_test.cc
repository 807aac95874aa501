#include "cmd/health_monitor.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

class HealthMonitorTest : public testing::Test {
 protected:
  std::vector<std::function<void()>> tasks_[2];  // by worker
  boost::asio::io_context context_{1};
  metrics::Health health_{{}, 2};
  egress::Resolver resolver_{[](const std::string&) { return egress::Resolver::Answer{}; }};
  HealthMonitor monitor_{
      context_, metrics::ProbeConfig{}, health_, resolver_,
      [this](WorkerIndex worker, std::function<void()> task) { tasks_[worker].push_back(std::move(task)); }};
};

TEST_F(HealthMonitorTest, EveryWorkerGetsAHeartbeatThatComesBack) {
  monitor_.start();
  ASSERT_EQ(tasks_[0].size(), 1u);
  ASSERT_EQ(tasks_[1].size(), 1u);
  EXPECT_TRUE(health_.watchdog().is_waiting(0));

  tasks_[0].front()();
  context_.poll();
  EXPECT_FALSE(health_.watchdog().is_waiting(0));
  EXPECT_TRUE(health_.watchdog().is_waiting(1));
}

TEST_F(HealthMonitorTest, SilentWorkerIsNotSentAnother) {
  monitor_.start();
  tasks_[0].front()();
  context_.poll();
  monitor_.start();

  EXPECT_EQ(tasks_[0].size(), 2u);
  EXPECT_EQ(tasks_[1].size(), 1u);
}

}  // namespace
}  // namespace wgr
