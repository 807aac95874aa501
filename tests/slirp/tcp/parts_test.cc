// The parts of a connection, each alone: numbers, containers, estimators, congestion windows.
#include <cmath>
#include <deque>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/rng.h"
#include "slirp/tcp/congestion.h"
#include "slirp/tcp/rack.h"
#include "slirp/tcp/reassembly.h"
#include "slirp/tcp/receive_window.h"
#include "slirp/tcp/ring.h"
#include "slirp/tcp/rtt_estimator.h"
#include "slirp/tcp/scoreboard.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(SeqNumberTest, ComparesAcrossTheWrap) {
  const SeqNumber before{0xfffffff0};
  const SeqNumber after = before + 0x20;
  EXPECT_EQ(after.value(), 0x10u);
  EXPECT_TRUE(before < after);
  EXPECT_TRUE(after > before);
  EXPECT_FALSE(after <= before);
  EXPECT_EQ(SeqNumber::distance(before, after), 0x20u);
  EXPECT_EQ(max(before, after), after);
  EXPECT_EQ(min(before, after), before);
  EXPECT_EQ(after - 0x20, before);
}

TEST(RingTest, BehavesLikeADeque) {
  const std::uint64_t seed = 42;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  Ring<std::string> ring;
  std::deque<std::string> model;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t action = rng.below(8);
    if (action < 3) {
      ring.push_back(std::to_string(i));
      model.push_back(std::to_string(i));
    } else if (action == 3) {
      const std::size_t at = rng.below(model.size() + 1);
      ring.insert(at, std::to_string(i));
      model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), std::to_string(i));
    } else if (!model.empty() && action < 7) {
      ring.pop_front();
      model.pop_front();
    } else if (!model.empty()) {
      ring.pop_back();
      model.pop_back();
    }
    ASSERT_EQ(ring.size(), model.size());
    if (model.empty()) continue;
    const std::size_t at = rng.below(model.size());
    ASSERT_EQ(ring[at], model[at]);
    ASSERT_EQ(ring.at(ring.position(at)), model[at]);
    ASSERT_EQ(ring.index_of(ring.position(at)), at);
  }
}

TEST(RttEstimatorTest, Rfc6298_FirstSampleSetsAllAndLaterOnesSmooth) {
  RttEstimator rtt{200ms, 60s};
  EXPECT_EQ(rtt.timeout(), 1s);  // (2.1)
  rtt.sample(100ms, Instant{});
  EXPECT_EQ(rtt.smoothed(), 100ms);
  EXPECT_EQ(rtt.variation(), 50ms);
  EXPECT_EQ(rtt.timeout(), 300ms);  // (2.2)
  rtt.sample(200ms, Instant{});
  EXPECT_EQ(rtt.variation(), 62500us);  // 3/4 * 50 + 1/4 * 100
  EXPECT_EQ(rtt.smoothed(), 112500us);  // 7/8 * 100 + 1/8 * 200
  EXPECT_EQ(rtt.timeout(), 362500us);
}

TEST(RttEstimatorTest, Rfc6298_BackOffDoublesUpToTheMaximumAndEnds) {
  RttEstimator rtt{200ms, 60s};
  Duration expected = 1s;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(rtt.timeout(), std::min<Duration>(expected, 60s));
    expected = std::min<Duration>(expected * 2, 60s);
    rtt.back_off();
  }
  rtt.end_back_off();
  EXPECT_EQ(rtt.timeout(), 1s);
}

// smoltcp 476 overflowed here.
TEST(RttEstimatorTest, VeryLongRoundTripsDoNotOverflow) {
  RttEstimator rtt{200ms, 60s};
  for (int i = 0; i < 100; ++i) rtt.sample(120s, Instant{});
  for (int i = 0; i < 100; ++i) rtt.back_off();
  EXPECT_EQ(rtt.timeout(), 60s);
}

TEST(RttEstimatorTest, MinimumForgetsWhatIsLongPast) {
  RttEstimator rtt{200ms, 60s};
  Instant now{};
  rtt.sample(10ms, now);
  for (int i = 0; i < 400; ++i) rtt.sample(50ms, now += 1s);
  EXPECT_EQ(rtt.minimum(), 50ms);
}

TEST(ScoreboardTest, JoinsWhatTouchesAndNamesTheNews) {
  Scoreboard board;
  const auto range = [](std::uint32_t a, std::uint32_t b) { return SeqRange{SeqNumber{a}, SeqNumber{b}}; };
  board.add(range(0xfffffff0, 0xfffffff8));
  board.add(range(8, 16));
  EXPECT_TRUE(board.add(range(8, 12)).news.is_empty());
  const auto added = board.add(range(0xfffffff0, 16));
  EXPECT_EQ(added.whole, range(0xfffffff0, 16));
  EXPECT_EQ(added.news, range(0xfffffff8, 8));
  EXPECT_THAT(board.ranges(), ElementsAre(range(0xfffffff0, 16)));
  board.advance(SeqNumber{4});
  EXPECT_THAT(board.ranges(), ElementsAre(range(4, 16)));
}

TEST(ScoreboardTest, AgreesWithASetOfNumbers) {
  const std::uint64_t seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  Scoreboard board;
  std::set<std::uint32_t> model;  // relative to the start
  const SeqNumber start{0xffffff80};
  std::uint32_t una = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto begin = una + static_cast<std::uint32_t>(rng.below(300));
    const auto end = begin + 1 + static_cast<std::uint32_t>(rng.below(20));
    const auto added = board.add({start + begin, start + end});
    for (std::uint32_t n = begin; n < end; ++n) {
      const bool is_news = added.news.begin <= start + n && start + n < added.news.end;
      EXPECT_TRUE(model.count(n) == 1 || is_news) << n;
      model.insert(n);
    }
    if (rng.below(4) == 0) {
      una += static_cast<std::uint32_t>(rng.below(40));
      board.advance(start + una);
      model.erase(model.begin(), model.lower_bound(una));
    }
    std::size_t total = 0;
    for (const SeqRange& held : board.ranges()) total += held.size();
    ASSERT_EQ(total, model.size());
  }
}

TEST(ReassemblyQueueTest, AgreesWithASetOfBytes) {
  const std::uint64_t seed = 11;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  const Config config;
  PacketPool pool{100, 4096};
  Counters counters;
  MemoryBudget memory{1 << 20};
  Environment environment{config, pool, counters, memory};
  {
    Reassembly queue{environment};
    const SeqNumber start{0xfffffe00};
    std::set<std::uint32_t> model;
    std::uint32_t next = 0;
    for (int i = 0; i < 5000; ++i) {
      const auto begin = next + 1 + static_cast<std::uint32_t>(rng.below(800));
      std::vector<std::uint8_t> bytes(1 + rng.below(150));
      for (std::size_t j = 0; j < bytes.size(); ++j) bytes[j] = static_cast<std::uint8_t>(begin + j);
      bool is_new = false;
      for (std::size_t j = 0; j < bytes.size(); ++j) {
        is_new |= model.insert(begin + static_cast<std::uint32_t>(j)).second;
      }
      EXPECT_EQ(queue.insert(start + begin, bytes),
                is_new ? Reassembly::Outcome::kStored : Reassembly::Outcome::kDuplicate);
      const SeqRange newest = queue.reports().empty() ? SeqRange{} : queue.reports().front();
      if (is_new) {
        EXPECT_TRUE(newest.begin <= start + begin && start + begin + bytes.size() <= newest.end);
      }
      if (rng.below(6) != 0) continue;
      next = *model.begin() + static_cast<std::uint32_t>(rng.below(3));
      while (!queue.empty() && queue.front().begin <= start + next) {
        const SeqNumber at = queue.front().begin;
        PacketBuffer slot = queue.take_front();
        for (std::size_t j = 0; j < slot.size(); ++j) {
          const auto number =
              static_cast<std::uint32_t>(SeqNumber::distance(start, at)) + static_cast<std::uint32_t>(j);
          EXPECT_EQ(slot.data()[j], static_cast<std::uint8_t>(number));
          EXPECT_EQ(model.erase(number), 1u);
        }
        environment.return_slot(slot);
      }
      queue.advance(start + next);
      EXPECT_TRUE(model.empty() || *model.begin() >= next);
    }
  }
  EXPECT_EQ(memory.used(), 0u);
  EXPECT_EQ(pool.slots_in_use(), 0u);
  pool.end_turn();
}

// RFC 9438 4.2: from W_max the window falls to beta, stays, and is back after K seconds.
TEST(CubicTest, Rfc9438_FollowsTheCubicFunction) {
  constexpr std::size_t kMss = 1000;
  Cubic cubic;
  double window = 1000.0 * kMss;
  window = static_cast<double>(
      cubic.reduce(static_cast<std::size_t>(window), static_cast<std::size_t>(window), kMss));
  EXPECT_EQ(window, 700.0 * kMss);
  const double k = std::cbrt(1000 * 0.3 / 0.4);
  Instant now{};
  const Duration rtt = 100ms;
  for (double t = 0; t < 2 * k; t += 0.1) {
    for (int i = 0; i < 10; ++i) {
      window += cubic.growth(static_cast<std::size_t>(window), static_cast<std::size_t>(window / 10), kMss,
                             rtt, now);
    }
    now += rtt;
    const double expected = 0.4 * std::pow(t + 0.1 - k, 3) + 1000;
    EXPECT_NEAR(window / kMss, expected, 0.02 * expected) << "t=" << t;
  }
}

// RFC 9438 4.3: where Reno would be faster, CUBIC is as fast.
TEST(CubicTest, Rfc9438_IsNoSlowerThanRenoOnShortPaths) {
  constexpr std::size_t kMss = 1000;
  Cubic cubic;
  double window = static_cast<double>(cubic.reduce(20 * kMss, 20 * kMss, kMss));
  Instant now{};
  for (int round = 0; round < 100; ++round) {
    window +=
        cubic.growth(static_cast<std::size_t>(window), static_cast<std::size_t>(window), kMss, 5ms, now);
    now += 5ms;
  }
  // alpha = 0.53 up to the old window, then one segment per round trip.
  EXPECT_GE(window / kMss, 14 + 6 + (100 - 6 / 0.53) - 3);
}

TEST(CubicTest, Rfc9438_FastConvergenceMakesRoom) {
  constexpr std::size_t kMss = 1000;
  Cubic slow;
  Cubic fast;
  fast.reduce(200 * kMss, 200 * kMss, kMss);  // had been higher
  fast.reduce(100 * kMss, 100 * kMss, kMss);
  slow.reduce(100 * kMss, 100 * kMss, kMss);
  double a = 70.0 * kMss;
  double b = 70.0 * kMss;
  Instant now{};
  for (int i = 0; i < 30; ++i, now += 100ms) {
    a += slow.growth(static_cast<std::size_t>(a), static_cast<std::size_t>(a), kMss, 100ms, now);
    b += fast.growth(static_cast<std::size_t>(b), static_cast<std::size_t>(b), kMss, 100ms, now);
  }
  EXPECT_LT(b, a);
}

TEST(CubicTest, AcknowledgementsNeverReduceTheWindow) {
  const std::uint64_t seed = 3;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  Cubic cubic;
  Instant now{};
  std::size_t window = 10000;
  for (int i = 0; i < 10000; ++i) {
    now += std::chrono::microseconds{rng.below(100000)};
    if (rng.below(50) == 0) {
      window = cubic.reduce(window, window, 1000);
    } else if (rng.below(20) == 0) {
      cubic.application_limited(now);
    } else {
      const double growth =
          cubic.growth(window, rng.below(5000), 1000, Duration{rng.below(200'000'000)}, now);
      ASSERT_GE(growth, 0.0);
      ASSERT_TRUE(std::isfinite(growth));
      window = std::min<std::size_t>(window + static_cast<std::size_t>(growth), 1 << 24);
    }
  }
}

Congestion::Acknowledged acked(std::size_t bytes, std::size_t peak) {
  return {
      .bytes = bytes, .una = SeqNumber{1}, .next = SeqNumber{1000000}, .peak = peak, .smoothed_rtt = 50ms};
}

TEST(CongestionTest, SlowStartDoublesAndUnusedWindowDoesNotGrow) {
  Congestion congestion{CongestionAlgorithm::kCubic, 1 << 24};
  congestion.start(1000, 10, SeqNumber{1});
  EXPECT_EQ(congestion.window(), 10000u);
  congestion.acknowledged(acked(10000, 10000), Instant{});
  EXPECT_EQ(congestion.window(), 20000u);
  congestion.acknowledged(acked(1000, 1000), Instant{});
  EXPECT_EQ(congestion.window(), 20000u);
}

TEST(CongestionTest, Rfc5681_NewRenoHalvesAndGrowsByOneSegmentPerWindow) {
  Congestion congestion{CongestionAlgorithm::kNewReno, 1 << 24};
  congestion.start(1000, 40, SeqNumber{1});
  congestion.reduce(40000);
  congestion.set_window(congestion.threshold());
  EXPECT_EQ(congestion.window(), 20000u);
  for (int i = 0; i < 20; ++i) congestion.acknowledged(acked(1000, 20000), Instant{});
  EXPECT_NEAR(static_cast<double>(congestion.window()), 21000, 60);
}

TEST(CongestionTest, UndoBringsWindowAndThresholdBack) {
  Congestion congestion{CongestionAlgorithm::kCubic, 1 << 24};
  congestion.start(1000, 40, SeqNumber{1});
  congestion.reduce(40000);
  congestion.collapse();
  EXPECT_EQ(congestion.window(), 1000u);
  congestion.undo();
  EXPECT_EQ(congestion.window(), 40000u);
  EXPECT_TRUE(congestion.in_slow_start());
}

TEST(CongestionTest, OffMeansTheLimit) {
  Congestion congestion{CongestionAlgorithm::kOff, 1 << 20};
  congestion.start(1000, 10, SeqNumber{1});
  congestion.reduce(1000);
  congestion.collapse();
  congestion.set_window(5000);
  EXPECT_EQ(congestion.window(), 1u << 20);
}

TEST(HyStartTest, Rfc9406_GrowingRoundTripsSlowThenEndSlowStart) {
  HyStart hystart;
  hystart.restart(SeqNumber{100});
  std::uint32_t una = 0;
  const auto round = [&](Duration rtt) {
    for (int i = 0; i < 10; ++i) una += 10, hystart.acknowledged(SeqNumber{una}, SeqNumber{una + 100}, rtt);
    return hystart.phase();
  };
  EXPECT_EQ(round(40ms), HyStart::Phase::kSlowStart);
  EXPECT_EQ(round(41ms), HyStart::Phase::kSlowStart);
  round(60ms);
  EXPECT_EQ(round(60ms), HyStart::Phase::kConservative);
  for (int i = 0; i < 6; ++i) round(70ms);
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kDone);
}

TEST(HyStartTest, Rfc9406_NoiseReturnsToSlowStart) {
  HyStart hystart;
  hystart.restart(SeqNumber{100});
  std::uint32_t una = 0;
  const auto round = [&](Duration rtt) {
    for (int i = 0; i < 10; ++i) una += 10, hystart.acknowledged(SeqNumber{una}, SeqNumber{una + 100}, rtt);
  };
  round(40ms);
  round(40ms);
  round(60ms);
  round(60ms);
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kConservative);
  round(41ms);
  round(41ms);
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kSlowStart);
}

TEST(RackTest, Rfc8985_ReorderWindowGrowsWithDuplicatesAndShrinksAgain) {
  Rack rack;
  const Instant t{1s};
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 0ms);
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/false, 40ms, 50ms), 10ms);
  rack.delivered({SeqNumber{20}, t, false, false}, 40ms, t + 40ms);
  rack.delivered({SeqNumber{10}, t, false, false}, 40ms, t + 41ms);
  EXPECT_TRUE(rack.has_seen_reordering());
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 10ms);
  rack.duplicate_reported(SeqNumber{20}, SeqNumber{100});
  rack.duplicate_reported(SeqNumber{30}, SeqNumber{100});  // the same round trip
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 20ms);
  for (std::uint32_t i = 2; i < 20; ++i)
    rack.duplicate_reported(SeqNumber{i * 100}, SeqNumber{i * 100 + 100});
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 50ms)
      << "never beyond the smoothed round trip";
  for (int i = 0; i < 16; ++i) rack.recovery_ended();
  EXPECT_EQ(rack.reorder_window(/*expects_order=*/true, 40ms, 50ms), 10ms);
}

TEST(ReceiveWindowTest, EdgeNeverMovesLeftWhateverTheScale) {
  const std::uint64_t seed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  for (std::uint8_t scale = 0; scale <= 14; ++scale) {
    ReceiveWindow window{100000, 1 << 23};
    SeqNumber next{0xfffff000};
    window.start(next, 65535);
    window.set_scale(scale);
    SeqNumber edge = window.edge();
    for (int i = 0; i < 2000; ++i) {
      const auto offer = window.offer(next, rng.below(120000), rng.below(4) == 0 ? 0 : 1 << 24, 1000);
      const SeqNumber told = next + (std::size_t{offer.field} << scale);
      ASSERT_TRUE(told >= edge);
      ASSERT_EQ(told, offer.edge);
      window.offered(offer);
      edge = told;
      next += rng.below(std::min<std::size_t>(SeqNumber::distance(next, edge), 3000) + 1);
    }
  }
}

}  // namespace
}  // namespace wgr::slirp::tcp
