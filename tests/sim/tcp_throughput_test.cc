// How fast TCP is at simulated time, against what CUBIC may reach. Prints what it measures.
#include <cmath>
#include <cstdio>

#include "gtest/gtest.h"

#include "tests/sim/tcp_pair.h"

namespace wgr::sim {
namespace {

using namespace std::chrono_literals;

// RFC 9438 5.1: the average window of CUBIC in segments, which is that of Reno (the Reno-friendly region of
// 4.3) where Reno's is larger.
double cubic_window(double rtt_seconds, double loss) {
  const double cubic = 1.054 * std::pow(rtt_seconds, 0.75) / std::pow(loss, 0.75);
  const double reno = std::sqrt(1.5 / loss);
  return std::max(cubic, reno);
}

// Bytes per second that arrive at the guest within `time`, after `warm_up`.
double download_rate(const PairSettings& settings, Duration warm_up, Duration time,
                     TcpPair** used = nullptr) {
  static std::unique_ptr<TcpPair> pair;
  pair = std::make_unique<TcpPair>(settings);
  pair->router.application.to_send = UINT64_MAX / 2;
  pair->start();
  pair->run_for(warm_up);
  const std::uint64_t before = pair->guest.received;
  pair->run_for(time);
  EXPECT_TRUE(pair->is_intact());
  if (used != nullptr) *used = pair.get();
  return static_cast<double>(pair->guest.received - before) / std::chrono::duration<double>(time).count();
}

PairSettings path(Duration rtt, double loss, std::uint64_t bits_per_second, std::uint64_t seed) {
  PairSettings settings;
  settings.seed = seed;
  settings.up.latency = settings.down.latency = rtt / 2;
  settings.up.bits_per_second = settings.down.bits_per_second = bits_per_second;
  settings.down.loss = loss;
  const double bdp = static_cast<double>(bits_per_second) / 8 * std::chrono::duration<double>(rtt).count();
  settings.up.queue_bytes = settings.down.queue_bytes = static_cast<std::size_t>(std::max(bdp, 100000.0));
  settings.guest.tcp.max_receive_window = 32 * 1024 * 1024;
  return settings;
}

TEST(TcpThroughput, Rtt100msLoss01PercentReaches80PercentOfCubic) {
  const double loss = 0.001;
  double sum = 0;
  const int runs = 5;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    sum += download_rate(path(100ms, loss, 100'000'000, seed), 20s, 180s);
  }
  const double rate = sum / runs;
  const double possible = cubic_window(0.1, loss) * 1368 / 0.1;
  std::printf("100 ms, 0.1 %% loss: %.3f Mbit/s, CUBIC may reach %.3f Mbit/s: %.0f %%\n", rate * 8e-6,
              possible * 8e-6, 100 * rate / possible);
  EXPECT_GE(rate, 0.8 * possible);
}

TEST(TcpThroughput, Rtt20msLoss001PercentReaches90PercentOfTheLossFreeRate) {
  // A line that CUBIC can fill at this loss at all: its average window is 122 segments, 67 Mbit/s.
  const std::uint64_t line = 50'000'000;
  ASSERT_GT(cubic_window(0.02, 0.0001) * 1368 * 8 / 0.02, static_cast<double>(line));
  const double free_rate = download_rate(path(20ms, 0, line, 1), 2s, 20s);
  double rate = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    rate += download_rate(path(20ms, 0.0001, line, seed), 2s, 20s) / 3;
  std::printf("20 ms, 0.01 %% loss: %.1f Mbit/s of %.1f without loss: %.0f %%\n", rate * 8e-6,
              free_rate * 8e-6, 100 * rate / free_rate);
  EXPECT_GE(rate, 0.9 * free_rate);
}

TEST(TcpThroughput, LossFreeGigabitIsFilled) {
  TcpPair* pair = nullptr;
  const double rate = download_rate(path(20ms, 0, 1'000'000'000, 1), 3s, 3s, &pair);
  std::printf("20 ms, 1 Gbit/s, no loss: %.1f Mbit/s of payload\n", rate * 8e-6);
  EXPECT_GE(rate * 8, 0.9 * 1e9 * 1368 / 1420);
}

TEST(TcpThroughput, EightMebibytesAndMoreInFlight) {
  PairSettings settings = path(100ms, 0, 2'000'000'000, 1);
  settings.down.queue_bytes = 50'000'000;
  TcpPair* pair = nullptr;
  const double rate = download_rate(settings, 4s, 1s, &pair);
  std::printf("100 ms, 2 Gbit/s: %.1f Mbit/s, at most %.1f MiB held\n", rate * 8e-6,
              static_cast<double>(pair->router.most_memory) / 1048576);
  EXPECT_GE(rate * 0.1, 8.0 * 1024 * 1024);
}

// The receive window opens by itself.
TEST(TcpThroughput, UploadFillsALongPath) {
  PairSettings settings = path(100ms, 0, 400'000'000, 1);
  TcpPair pair(settings);
  pair.guest.application.to_send = UINT64_MAX / 2;
  pair.start();
  pair.run_for(5s);
  const std::uint64_t before = pair.router.received;
  pair.run_for(3s);
  const double rate = static_cast<double>(pair.router.received - before) / 3;
  std::printf("100 ms, 400 Mbit/s upload: %.1f Mbit/s\n", rate * 8e-6);
  EXPECT_GE(rate * 8, 0.9 * 400e6 * 1368 / 1420);
  EXPECT_TRUE(pair.is_intact());
}

TEST(TcpThroughput, WithoutSackLossIsSurvivedAtHalfTheRate) {
  PairSettings settings = path(20ms, 0.001, 100'000'000, 1);
  const double with_sack = download_rate(settings, 2s, 20s);
  settings.guest.tcp.sack = false;
  const double rate = download_rate(settings, 2s, 20s);
  std::printf("20 ms, 0.1 %% loss without SACK: %.1f Mbit/s, with %.1f\n", rate * 8e-6, with_sack * 8e-6);
  EXPECT_GE(rate, 0.5 * with_sack);
}

// Slow start leaves before it has lost a window.
TEST(TcpThroughput, Rfc9406_SlowStartLosesLittleOnADeepQueue) {
  PairSettings settings = path(50ms, 0, 100'000'000, 1);
  settings.down.queue_bytes = 1'250'000;
  TcpPair pair(settings);
  pair.router.application.to_send = 40'000'000;
  pair.start();
  pair.run_for(3s);
  std::printf("slow start on 100 Mbit/s, 50 ms, queue of two BDP: %lu lost of %lu\n",
              static_cast<unsigned long>(pair.down.lost()), static_cast<unsigned long>(pair.down.sent()));
  EXPECT_LE(pair.down.lost() * 50, pair.down.sent());
}

TEST(TcpThroughput, ReorderingDoesNotHalveTheRate) {
  PairSettings settings = path(40ms, 0, 100'000'000, 1);
  const double in_order = download_rate(settings, 3s, 10s);
  settings.down.reorder = 0.02;
  settings.down.reorder_delay = 4ms;
  const double rate = download_rate(settings, 3s, 10s);
  std::printf("40 ms, 2 %% reordered by 4 ms: %.1f Mbit/s of %.1f\n", rate * 8e-6, in_order * 8e-6);
  EXPECT_GE(rate, 0.8 * in_order);
}

}  // namespace
}  // namespace wgr::sim
