// One SourceLimits for all workers, in as many threads. What it limits is tested in tests/ws.
#include "ws/source_limits.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace wgr::ws {
namespace {

using namespace std::chrono_literals;
using Verdict = SourceLimits::Verdict;

constexpr unsigned kWorkers = 4;
constexpr Instant kNow{1h};
const IpAddress kAlice = IpAddress::v4(192, 0, 2, 1);

Limits limits_of_one_source(std::size_t most) {
  Limits limits;
  limits.half_open_per_source = most;
  limits.sessions_per_source = most;
  limits.handshakes_per_second = 1;
  limits.handshake_burst = static_cast<std::uint32_t>(2 * most);
  return limits;
}

// How often `attempt(worker)` succeeds when every worker makes it `attempts` times.
std::size_t count_successes(unsigned attempts, const std::function<bool(unsigned worker)>& attempt) {
  std::atomic<std::size_t> successes = 0;
  std::vector<std::thread> workers;
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      for (unsigned i = 0; i < attempts; ++i) successes += attempt(worker) ? 1 : 0;
    });
  }
  for (std::thread& worker : workers) worker.join();
  return successes;
}

TEST(SharedSourceLimitsTest, ASourceHasItsHalfOpenConnectionsOnceWhateverTheWorkers) {
  SourceLimits limits{limits_of_one_source(32)};
  EXPECT_EQ(
      count_successes(
          100, [&](unsigned) { return limits.connection_accepted(kAlice, kNow) == Verdict::kAccepted; }),
      32u);
  EXPECT_EQ(limits.half_open(), 32u);
}

TEST(SharedSourceLimitsTest, ASourceHasItsSessionsOnceWhateverTheWorkers) {
  SourceLimits limits{limits_of_one_source(16)};
  EXPECT_EQ(count_successes(
                100, [&](unsigned) { return limits.session_began(kAlice, kNow) == Verdict::kAccepted; }),
            16u);
  EXPECT_EQ(limits.sessions_of(kAlice), 16u);
}

TEST(SharedSourceLimitsTest, ASourceHasItsHandshakesOnceWhateverTheWorkers) {
  SourceLimits limits{limits_of_one_source(10)};
  EXPECT_EQ(count_successes(
                100, [&](unsigned) { return limits.handshake_began(kAlice, kNow) == Verdict::kAccepted; }),
            20u);
}

TEST(SharedSourceLimitsTest, WhatComesAndGoesInAllWorkersAddsUpToNothing) {
  Limits limits_config;
  limits_config.handshakes_per_second = 0;
  SourceLimits limits{limits_config};
  const std::size_t lived = count_successes(1000, [&](unsigned worker) {
    const IpAddress own = IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(worker));
    for (const IpAddress& source : {kAlice, own}) {
      if (limits.connection_accepted(source, kNow) != Verdict::kAccepted) return false;
      const bool is_session = limits.session_began(source, kNow) == Verdict::kAccepted;
      limits.half_open_ended(source);
      if (!is_session) return false;
      limits.session_ended(source);
    }
    limits.set_limits(limits_config);
    return true;
  });

  EXPECT_EQ(lived, 1000u * kWorkers);
  EXPECT_EQ(limits.half_open(), 0u);
  EXPECT_EQ(limits.sessions(), 0u);
  EXPECT_EQ(limits.connection_accepted(kAlice, kNow), Verdict::kAccepted);
  EXPECT_LE(limits.sources(), 1u + kWorkers);
}

}  // namespace
}  // namespace wgr::ws
