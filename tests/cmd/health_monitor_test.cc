#include "cmd/health_monitor.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

class HealthMonitorTest : public testing::Test {
 protected:
  std::vector<HealthMonitor::Answer> asked_[2];  // by worker
  boost::asio::io_context context_{1};
  metrics::Health health_{{}, 2};
  egress::Resolver resolver_{[](const std::string&) { return egress::Resolver::Answer{}; }};
  HealthMonitor monitor_{context_, metrics::ProbeConfig{}, health_, resolver_,
                         [this](WorkerIndex worker, HealthMonitor::Answer answer) {
                           asked_[worker].push_back(std::move(answer));
                         }};
};

TEST_F(HealthMonitorTest, EveryWorkerGetsAHeartbeatThatComesBack) {
  monitor_.start();
  ASSERT_EQ(asked_[0].size(), 1u);
  ASSERT_EQ(asked_[1].size(), 1u);
  EXPECT_TRUE(health_.watchdog().is_waiting(0));

  asked_[0].front()({});
  context_.poll();
  EXPECT_FALSE(health_.watchdog().is_waiting(0));
  EXPECT_TRUE(health_.watchdog().is_waiting(1));
}

TEST_F(HealthMonitorTest, SilentWorkerIsNotSentAnother) {
  monitor_.start();
  asked_[0].front()({});
  context_.poll();
  monitor_.start();

  EXPECT_EQ(asked_[0].size(), 2u);
  EXPECT_EQ(asked_[1].size(), 1u);
}

TEST_F(HealthMonitorTest, LostPortTurnsReadinessBadUntilItIsBack) {
  health_.facts().is_configured = true;
  const auto answer = [this](WorkerIndex worker, metrics::UnboundPorts unbound) {
    monitor_.start();
    asked_[worker].back()(std::move(unbound));
    context_.poll();
  };
  const auto readiness = [this] { return health_.answer("/readyz", "", "", Clock::now())->body; };
  answer(0, {});
  EXPECT_EQ(readiness(), "udp_listening: worker 1 has not told yet\n");
  answer(1, {});
  EXPECT_EQ(readiness(), "ok\n");

  answer(1, {.udp = {"udp 0.0.0.0:51820"}, .listeners = {}, .forwards = {}});
  EXPECT_EQ(readiness(), "udp_listening: not open: udp 0.0.0.0:51820\n");

  answer(1, {});
  EXPECT_EQ(readiness(), "ok\n");
}

}  // namespace
}  // namespace wgr
