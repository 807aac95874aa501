// Whole transfers between two ends over bad links: every byte arrives, in both directions, and both ends
// close.
#include <initializer_list>

#include "gtest/gtest.h"

#include "tests/sim/tcp_pair.h"

namespace wgr::sim {
namespace {

using namespace std::chrono_literals;

PairSettings path(Duration rtt, std::uint64_t bits_per_second = 50'000'000) {
  PairSettings settings;
  settings.up.latency = settings.down.latency = rtt / 2;
  settings.up.bits_per_second = settings.down.bits_per_second = bits_per_second;
  settings.up.queue_bytes = settings.down.queue_bytes = 200'000;
  return settings;
}

bool is_over(const TcpPair& pair) {
  return pair.is_closed() && pair.is_transfer_complete() && pair.guest.end_of_stream &&
         pair.router.end_of_stream;
}

// Both directions at once, to the end.
void expect_transfer(TcpPair& pair, std::uint64_t bytes, Duration most) {
  pair.guest.application.to_send = pair.router.application.to_send = bytes;
  pair.start();
  EXPECT_TRUE(pair.run_until([&] { return is_over(pair); }, most));
  EXPECT_FALSE(pair.stuck);
  EXPECT_TRUE(pair.is_intact());
  EXPECT_EQ(pair.guest.received, bytes);
  EXPECT_EQ(pair.router.received, bytes);
  // Nothing stays behind.
  EXPECT_EQ(pair.guest.connection().memory_held(), 0u);
  EXPECT_EQ(pair.router.connection().memory_held(), 0u);
}

class TcpLossTest : public testing::TestWithParam<std::tuple<double, bool>> {};

TEST_P(TcpLossTest, EveryByteArrivesBothWays) {
  const auto [loss, sack] = GetParam();
  PairSettings settings = path(20ms);
  settings.up.loss = settings.down.loss = loss;
  settings.guest.tcp.sack = sack;
  TcpPair pair(settings);
  expect_transfer(pair, loss > 0.1 ? 200'000 : 2'000'000, 1h);
}

INSTANTIATE_TEST_SUITE_P(Loss, TcpLossTest,
                         testing::Combine(testing::Values(0.0, 0.001, 0.01, 0.05, 0.2), testing::Bool()));

TEST(TcpTransfer, SurvivesAllFaultsTogether) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    PairSettings settings = path(30ms);
    settings.seed = seed;
    for (LinkSettings* link : {&settings.up, &settings.down}) {
      link->loss = 0.02;
      link->duplicate = 0.02;
      link->reorder = 0.05;
      link->corrupt = 0.01;
      link->jitter = 2ms;
    }
    TcpPair pair(settings);
    expect_transfer(pair, 1'000'000, 1h);
    EXPECT_GT(pair.guest.bad_checksums + pair.router.bad_checksums, 0u);
  }
}

TEST(TcpTransfer, Ipv6WithSmallMtuOnOneSide) {
  PairSettings settings = path(10ms);
  settings.is_v6 = true;
  settings.guest.mtu = 1280;
  settings.up.mtu = settings.down.mtu = 1280;
  settings.up.queue_bytes = settings.down.queue_bytes = 10'000'000;
  TcpPair pair(settings);
  expect_transfer(pair, 3'000'000, 1min);
  EXPECT_LE(pair.router.largest_packet, 1280u);
  EXPECT_EQ(pair.down.lost(), 0u);
}

TEST(TcpTransfer, TinyWindows) {
  for (const std::size_t window : {1u, 100u, 1500u, 3000u}) {
    SCOPED_TRACE(window);
    PairSettings settings = path(2ms);
    settings.guest.tcp.initial_receive_window = settings.guest.tcp.max_receive_window = window;
    settings.router.tcp.initial_receive_window = settings.router.tcp.max_receive_window = window;
    TcpPair pair(settings);
    expect_transfer(pair, window * 20, 1h);
  }
}

// B2: sequence numbers wrap; here within the first window, and at many offsets around it.
TEST(TcpTransfer, B2_WrapsAtEveryOffset) {
  for (std::uint32_t offset = 0; offset < 3000; offset += 97) {
    SCOPED_TRACE(offset);
    PairSettings settings = path(5ms);
    settings.guest_sequence = settings.router_sequence = 0u - offset;
    settings.up.loss = settings.down.loss = 0.05;
    settings.seed = offset + 1;
    TcpPair pair(settings);
    expect_transfer(pair, 20'000, 10min);
  }
}

// B3 and B4.
TEST(TcpTransfer, B3_GuestClosesAndStillGetsItsAnswer) {
  PairSettings settings = path(50ms);
  settings.up.loss = settings.down.loss = 0.01;
  TcpPair pair(settings);
  pair.guest.application.to_send = 100;
  pair.router.application.to_send = 0;
  pair.router.application.close_after_sending = false;
  pair.start();
  ASSERT_TRUE(pair.run_until([&] { return pair.router.end_of_stream; }, 1min));
  pair.router.application.to_send = 1'000'000;
  pair.router.application.close_after_sending = true;
  pair.router.run_application(pair.now);
  pair.router.flush(pair.down, pair.now);
  EXPECT_TRUE(pair.run_until([&] { return is_over(pair); }, 10min));
  EXPECT_EQ(pair.guest.received, 1'000'000u);
}

TEST(TcpTransfer, B4_UploadContinuesAfterTheServerHasClosed) {
  PairSettings settings = path(50ms);
  settings.up.loss = settings.down.loss = 0.01;
  TcpPair pair(settings);
  pair.router.application.to_send = 10;
  pair.guest.application.to_send = 1'000'000;
  pair.start();
  EXPECT_TRUE(pair.run_until([&] { return is_over(pair); }, 10min));
  EXPECT_EQ(pair.router.received, 1'000'000u);
}

TEST(TcpTransfer, SimultaneousClose) {
  TcpPair pair(path(20ms));
  pair.start();
  EXPECT_TRUE(pair.run_until([&] { return is_over(pair); }, 1min));
  EXPECT_EQ(pair.guest.counters().resets_out.value() + pair.router.counters().resets_out.value(), 0u);
}

TEST(TcpTransfer, StalledReaderStopsTheSenderAndLosesNothing) {
  PairSettings settings = path(20ms);
  TcpPair pair(settings);
  pair.guest.application.stall_at = 500'000;
  pair.guest.application.stall_until = pair.now + 30s;
  pair.router.application.to_send = 20'000'000;
  pair.start();
  pair.run_for(20s);
  EXPECT_LT(pair.router.sent, 12'000'000u) << "the rest waits in the host's kernel";
  EXPECT_TRUE(pair.run_until([&] { return is_over(pair); }, 2min));
  EXPECT_TRUE(pair.is_intact());
}

// B16: the acknowledgement that reopens the window is lost, and nothing else would be sent.
TEST(TcpTransfer, B16_LostWindowUpdateIsFoundByAProbe) {
  PairSettings settings = path(20ms);
  settings.guest.tcp.max_receive_window = 65536;
  TcpPair pair(settings);
  pair.guest.application.stall_at = 100'000;
  pair.guest.application.stall_until = pair.now + 10s;
  pair.router.application.to_send = 1'000'000;
  pair.start();
  pair.run_for(9900ms);
  pair.up.settings().loss = 1.0;
  pair.run_for(500ms);
  pair.up.settings().loss = 0;
  EXPECT_TRUE(pair.run_until([&] { return is_over(pair); }, 2min));
  EXPECT_GT(pair.router.counters().zero_window_probes.value(), 0u);
}

TEST(TcpTransfer, LinkThatIsDownForAMinuteRecovers) {
  TcpPair pair(path(20ms));
  pair.router.application.to_send = 20'000'000;
  pair.start();
  pair.run_for(1s);
  pair.up.settings().loss = pair.down.settings().loss = 1.0;
  pair.run_for(60s);
  pair.up.settings().loss = pair.down.settings().loss = 0;
  EXPECT_TRUE(pair.run_until([&] { return is_over(pair); }, 5min));
  EXPECT_TRUE(pair.is_intact());
}

TEST(TcpTransfer, SuddenDelayIsRecognizedAsSpurious) {
  TcpPair pair(path(20ms));
  pair.router.application.to_send = 20'000'000;
  pair.start();
  pair.run_for(1s);
  pair.down.settings().latency = 1s;
  pair.run_for(1300ms);
  pair.down.settings().latency = 10ms;
  EXPECT_TRUE(pair.run_until([&] { return is_over(pair); }, 5min));
  EXPECT_TRUE(pair.is_intact());
  EXPECT_GT(pair.router.counters().spurious_recoveries.value(), 0u);
}

// Some datagrams take several round trips: probes, reports and timeouts meet in every order.
TEST(TcpTransfer, LongDelaysOfSomeNeverStopAStream) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    PairSettings settings = path(20ms);
    settings.seed = seed;
    settings.up.loss = settings.down.loss = 0.05;
    settings.up.reorder = settings.down.reorder = 0.15;
    settings.up.reorder_delay = settings.down.reorder_delay = std::chrono::milliseconds{30 + 5 * (seed % 20)};
    TcpPair pair(settings);
    expect_transfer(pair, 100'000, 30min);
    if (HasFailure()) break;
  }
}

TEST(TcpTransfer, SmallMemoryBudgetSlowsButNeverLoses) {
  PairSettings settings = path(20ms);
  settings.guest.limits.tcp_memory = settings.router.limits.tcp_memory = 64 * 1024;
  settings.up.loss = settings.down.loss = 0.01;
  TcpPair pair(settings);
  expect_transfer(pair, 500'000, 30min);
  EXPECT_LE(pair.router.most_memory, 64u * 1024);
}

TEST(TcpTransfer, EveryCongestionAlgorithmFinishes) {
  for (const auto algorithm : {slirp::CongestionAlgorithm::kCubic, slirp::CongestionAlgorithm::kNewReno,
                               slirp::CongestionAlgorithm::kOff}) {
    SCOPED_TRACE(static_cast<int>(algorithm));
    PairSettings settings = path(20ms);
    settings.up.loss = settings.down.loss = 0.01;
    settings.guest.tcp.congestion = settings.router.tcp.congestion = algorithm;
    TcpPair pair(settings);
    expect_transfer(pair, 1'000'000, 30min);
  }
}

// Settings and faults drawn from the seed, which is printed when a run fails.
TEST(TcpTransfer, RandomSettingsAndFaults) {
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed * 7919);
    const auto one_of = [&rng](std::initializer_list<std::size_t> values) {
      return *(values.begin() + static_cast<std::ptrdiff_t>(rng.below(values.size())));
    };
    PairSettings settings;
    settings.seed = seed;
    settings.is_v6 = rng.below(2) == 0;
    for (slirp::Config* config : {&settings.guest, &settings.router}) {
      config->tcp.sack = rng.below(4) != 0;
      config->tcp.timestamps = rng.below(3) != 0;
      if (rng.below(3) == 0) config->tcp.congestion = slirp::CongestionAlgorithm::kNewReno;
      config->mtu =
          static_cast<std::uint16_t>(settings.is_v6 ? one_of({1280, 1420}) : one_of({576, 1280, 1420, 1500}));
      config->tcp.initial_receive_window = one_of({500, 2000, 10000, 65536, 65536});
      config->tcp.max_receive_window =
          std::max<std::size_t>(config->tcp.initial_receive_window, one_of({2000, 8u << 20}));
      config->tcp.window_scale = static_cast<std::uint8_t>(one_of({0, 2, 7, 9, 14}));
      config->limits.tcp_memory = one_of({100'000, 64u << 20, 64u << 20});
      config->tcp.max_out_of_order_bytes = one_of({3000, 8u << 20});
    }
    for (LinkSettings* link : {&settings.up, &settings.down}) {
      link->latency = std::chrono::microseconds{one_of({0, 100, 5000, 50000})};
      link->loss = static_cast<double>(one_of({0, 1, 10, 50})) / 1000;
      link->duplicate = static_cast<double>(one_of({0, 0, 20})) / 1000;
      link->reorder = static_cast<double>(one_of({0, 0, 50})) / 1000;
      link->corrupt = static_cast<double>(one_of({0, 0, 10})) / 1000;
      link->bits_per_second = one_of({0, 1'000'000, 100'000'000});
      link->queue_bytes = one_of({20'000, 1'000'000});
    }
    TcpPair pair(settings);
    for (TcpEnd* end : {&pair.guest, &pair.router}) {
      end->application.to_send = one_of({0, 1, 1000, 100'000});
      end->application.write_size = one_of({100, 1000, 65536});
      if (rng.below(4) == 0) {
        end->application.stall_at = one_of({0, 1000, 50000});
        end->application.stall_until = pair.now + 5s;
      }
    }
    pair.start();
    EXPECT_TRUE(pair.run_until([&] { return is_over(pair); }, 1h));
    EXPECT_FALSE(pair.stuck);
    EXPECT_TRUE(pair.is_intact());
  }
}

}  // namespace
}  // namespace wgr::sim
