// Host to guest: segmentation, windows, retransmission. RFC 9293 3.8, RFC 5681, 6298, 6582, 6675, 8985.
#include "tests/slirp/tcp/scripted_guest.h"

namespace wgr::slirp::tcp {
namespace {

class TcpSendTest : public ScriptedGuest {
 protected:
  // Established, with `count` full segments of 1000 bytes in flight.
  void in_flight(std::size_t count) {
    config_.tcp.initial_window_segments = count;
    established();
    ASSERT_EQ(give(letters(count * 1000)), count * 1000);
    ASSERT_EQ(said().size(), count);
  }
  static std::uint32_t at(std::uint32_t index) { return kOurData + index * 1000; }
  static std::vector<std::uint32_t> numbers(const std::vector<Said>& segments) {
    std::vector<std::uint32_t> result;
    for (const Said& what : segments) {
      if (!what.data.empty()) result.push_back((what.seq - kOurData) / 1000);
    }
    return result;
  }
};

TEST_F(TcpSendTest, Rfc6928_TenSegmentsAtFirst) {
  established();
  EXPECT_EQ(give(letters(50000)), 10000u);
  const auto sent = said();
  ASSERT_EQ(sent.size(), 10u);
  std::string all;
  for (const Said& what : sent) {
    EXPECT_EQ(what.seq, kOurData + static_cast<std::uint32_t>(all.size()));
    all += what.data;
  }
  EXPECT_EQ(all, letters(10000));
  EXPECT_FALSE(connection_->wants_host_data());
}

TEST_F(TcpSendTest, HostIsReadOnlyAsFarAsTheGuestsWindowAllows) {
  guest_window_ = 3500;
  established();
  EXPECT_EQ(give(letters(50000)), 3000u);
  EXPECT_FALSE(connection_->wants_host_data());
  say({.ack = kOurData + 1000, .window = 3500});
  EXPECT_TRUE(connection_->wants_host_data());
}

TEST_F(TcpSendTest, AcknowledgedSlotsReturnToThePool) {
  in_flight(10);
  EXPECT_EQ(pool_.slots_in_use(), 10u);
  say({.ack = at(7)});
  EXPECT_EQ(pool_.slots_in_use(), 3u);
  EXPECT_EQ(memory_.used(), connection_->memory_held());
}

TEST_F(TcpSendTest, UnusedRoomIsGivenBack) {
  established();
  iovec pieces[64];
  ASSERT_GT(connection_->prepare(pieces, 65536), 1u);
  connection_->commit(0, now_, out_);
  EXPECT_EQ(pool_.slots_in_use(), 0u);
  expect_silence();
  EXPECT_EQ(give("abc"), 3u);
  EXPECT_EQ(pool_.slots_in_use(), 1u);
}

TEST_F(TcpSendTest, SmallReadsThatMustWaitShareASegment) {
  established();
  say({.window = 0});
  said();
  EXPECT_EQ(give("one "), 4u);
  EXPECT_FALSE(connection_->wants_host_data()) << "the rest waits in the kernel";
  say({.window = 65535});
  EXPECT_EQ(said_one().data, "one ");
}

// Nagle is the host's business: what it wrote is sent.
TEST_F(TcpSendTest, SmallSegmentsDoNotWaitForAcknowledgements) {
  established();
  give("a");
  give("b");
  EXPECT_EQ(said().size(), 2u);
}

TEST_F(TcpSendTest, PushMarksTheEndOfWhatTheHostGave) {
  established();
  give(letters(2500));
  const auto sent = said();
  EXPECT_FALSE(sent[0].flags.psh());
  EXPECT_TRUE(sent[2].flags.psh());
}

TEST_F(TcpSendTest, Rfc6298_LoneSegmentIsProbedThenTimesOutWithBackoff) {
  in_flight(1);
  const Instant began = now_;
  std::vector<Duration> at;
  while (now_ - began < 20s) {
    now_ = connection_->next_deadline();
    connection_->on_deadline(now_, out_);
    if (!said().empty()) at.push_back(now_ - began);
  }
  ASSERT_GE(at.size(), 5u);
  for (std::size_t i = 3; i < at.size(); ++i) {
    const double ratio = std::chrono::duration<double>(at[i] - at[i - 1]) /
                         std::chrono::duration<double>(at[i - 1] - at[i - 2]);
    EXPECT_NEAR(ratio, 2.0, 0.01);
  }
}

TEST_F(TcpSendTest, Rfc9293_R2_GivesUpAfterNoProgress) {
  in_flight(1);
  advance(config_.tcp.give_up - 1s);
  EXPECT_EQ(connection_->state(), State::kEstablished);
  advance(2min);
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_TRUE(connection_->was_reset());
  EXPECT_EQ(said().back().flags, kTcpRst | kTcpAck);
}

TEST_F(TcpSendTest, Rfc8985_HoleIsRetransmittedOnceAndOnlyIt) {
  in_flight(10);
  now_ += 50ms;
  for (std::uint32_t i = 2; i <= 10; ++i) say({.ack = at(1), .options = sack({{at(2), at(i)}})});
  say({.ack = at(1), .options = sack({{at(2), at(10)}})});
  EXPECT_EQ(numbers(said()), std::vector<std::uint32_t>{1}) << "B12: each duplicate sent the hole again";
  EXPECT_EQ(counters_.fast_recoveries.value(), 1u);
  say({.ack = at(10)});
  EXPECT_EQ(counters_.retransmits.value(), 1u);
}

TEST_F(TcpSendTest, Rfc8985_LostRetransmissionIsFoundWithoutATimeout) {
  in_flight(20);
  guest_window_ = 65535;
  now_ += 50ms;
  say({.ack = at(0), .options = sack({{at(1), at(10)}})});
  const auto first = numbers(said());
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(first.front(), 0u);
  now_ += 50ms;
  // What was sent after the retransmission arrives; the retransmission does not.
  say({.ack = at(0), .options = sack({{at(1), at(20)}})});
  give(letters(1000));
  said();
  now_ += 50ms;
  say({.ack = at(0), .options = sack({{at(1), at(21)}})});
  const auto again = numbers(said());
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again.front(), 0u);
  EXPECT_EQ(counters_.retransmission_timeouts.value(), 0u);
}

TEST_F(TcpSendTest, Rfc8985_ReorderingWithinAQuarterRoundTripIsNoLoss) {
  established();
  give(letters(4000));
  said();
  now_ += 100ms;
  say({.ack = at(4)});
  give(letters(3000));
  said();
  now_ += 100ms;
  say({.ack = at(4), .options = sack({{at(5), at(6)}})});  // one segment overtook another
  expect_silence();
  now_ += 5ms;
  say({.ack = at(7)});
  EXPECT_EQ(counters_.retransmits.value(), 0u);
}

TEST_F(TcpSendTest, Rfc8985_TailLossIsProbedBeforeTheTimeout) {
  established();
  give(letters(1000));
  now_ += 50ms;
  say({.ack = at(1)});
  said();
  give(letters(3000));
  said();
  advance(150ms);  // two round trips
  EXPECT_EQ(numbers(said()), std::vector<std::uint32_t>{3});
  EXPECT_EQ(counters_.tail_loss_probes.value(), 1u);
  EXPECT_EQ(counters_.retransmission_timeouts.value(), 0u);
}

TEST_F(TcpSendTest, Rfc6582_WithoutSackThreeDuplicatesRetransmit) {
  guest_options_.sack_permitted = false;
  in_flight(10);
  now_ += 50ms;
  say({.ack = at(2)});
  said();
  for (int i = 0; i < 2; ++i) say({.ack = at(2)});
  EXPECT_TRUE(numbers(said()).empty());
  say({.ack = at(2)});
  EXPECT_EQ(numbers(said()), std::vector<std::uint32_t>{2});
  say({.ack = at(5)});  // a partial acknowledgement shows the next hole
  EXPECT_EQ(numbers(said()).front(), 5u);
  EXPECT_EQ(counters_.fast_recoveries.value(), 1u);
}

TEST_F(TcpSendTest, B12_WindowIsReducedOncePerRecovery) {
  config_.tcp.initial_window_segments = 20;
  in_flight(20);
  now_ += 50ms;
  for (std::uint32_t i = 2; i <= 20; ++i) say({.ack = at(0), .options = sack({{at(1), at(i)}})});
  say({.ack = at(20)});
  said();
  EXPECT_EQ(give(letters(50000)), 14000u) << "0.7 of 20 segments";
}

TEST_F(TcpSendTest, Rfc3522_TimeoutThatWasSpuriousIsUndone) {
  config_.tcp.timestamps = true;
  guest_options_.timestamps = wire::Timestamps{1, 0};
  config_.tcp.initial_window_segments = 8;
  syn_ack_sent();
  wire::TcpOptions options;
  options.timestamps = wire::Timestamps{2, said_one().options.timestamps->value};
  say({.options = options});
  give(letters(8000));
  const auto sent = said();
  options.timestamps->echo = sent.front().options.timestamps->value;
  advance(3s);
  said();
  EXPECT_GE(counters_.retransmission_timeouts.value(), 1u);
  say({.ack = kOurData + static_cast<std::uint32_t>(sent.front().data.size()), .options = options});
  EXPECT_EQ(counters_.spurious_recoveries.value(), 1u);
  said();
  EXPECT_TRUE(connection_->wants_host_data()) << "the window is open again";
}

TEST_F(TcpSendTest, SackOfWhatWasNeverSentIsIgnored) {
  in_flight(3);
  say({.options = sack({{at(5), at(9)}, {at(2), at(1)}, {at(1), at(1)}, {kOurData - 5000, at(100)}})});
  EXPECT_EQ(counters_.retransmits.value(), 0u);
  say({.ack = at(3)});
  EXPECT_EQ(pool_.slots_in_use(), 0u);
}

TEST_F(TcpSendTest, Rfc2018_RenegingGuestGetsEverythingAgain) {
  in_flight(4);
  now_ += 50ms;
  say({.options = sack({{at(0), at(3)}})});  // reported from the front, never acknowledged
  said();
  advance(10s);
  const auto again = numbers(said());
  EXPECT_NE(std::find(again.begin(), again.end(), 0u), again.end());
  say({.ack = at(4)});
  EXPECT_EQ(pool_.slots_in_use(), 0u);
}

TEST_F(TcpSendTest, PartialAcknowledgementOfASegmentIsProgress) {
  in_flight(2);
  say({.ack = kOurData + 500});
  say({.ack = kOurData + 1500});
  EXPECT_EQ(pool_.slots_in_use(), 1u);
  say({.ack = kOurData + 2000});
  EXPECT_EQ(pool_.slots_in_use(), 0u);
  EXPECT_EQ(connection_->state(), State::kEstablished);
}

TEST_F(TcpSendTest, B16_Rfc9293_Must36_ClosedWindowIsProbedForEver) {
  established();
  say({.window = 0});
  said();
  EXPECT_GT(give(letters(1000)), 0u) << "something to probe with";
  expect_silence();
  for (int i = 0; i < 50; ++i) {
    now_ = connection_->next_deadline();
    connection_->on_deadline(now_, out_);
    const auto probes = said();
    if (probes.empty()) continue;
    EXPECT_EQ(probes.front().seq, kOurData);
    EXPECT_EQ(probes.front().data.size(), 1u);
    say({.window = 0});
  }
  EXPECT_EQ(connection_->state(), State::kEstablished);
  EXPECT_GT(now_ - Instant{1000s}, 20min);
  say({.window = 65535});
  EXPECT_EQ(said_one().data.size(), 1000u);
}

TEST_F(TcpSendTest, ProbeThatIsAcceptedCountsAsSent) {
  established();
  say({.window = 0});
  give("abc");
  said();
  advance(2s);
  said();
  say({.ack = kOurData + 1, .window = 10000});
  const Said rest = said_one();
  EXPECT_EQ(rest.seq, kOurData + 1);
  EXPECT_EQ(rest.data, "bc");
  say({.ack = kOurData + 3});
  EXPECT_EQ(pool_.slots_in_use(), 0u);
}

// Whatever a comparison of numbers would say half way around their space from where the connection began.
TEST_F(TcpSendTest, AcknowledgementOfUnsentDataIsRefusedAfterGigabytes) {
  config_.mtu = 65500;
  guest_options_.mss = 65400;
  guest_options_.window_scale = 8;
  PacketPool pool{config_.mtu, 1024};
  Environment environment{config_, pool, counters_, memory_};
  const auto syn = segment({.seq = kGuestSequence, .flags = kTcpSyn, .options = guest_options_});
  connection_ =
      std::make_unique<Connection>(environment, key_, syn, InitialNumbers{kOurSequence, 0x80000000}, now_);
  connection_->accept(now_, out_);
  say({});
  const std::string bytes = letters(4 * 1024 * 1024);
  std::uint64_t given = 0;
  while (given <= std::uint64_t{1} << 31) {
    given += give(bytes);
    out_.clear();
    pool.end_turn();
    said();
    say({.ack = kOurData + static_cast<std::uint32_t>(given)});
  }
  said();
  const std::uint32_t next = kOurData + static_cast<std::uint32_t>(given);
  const std::uint64_t refused = counters_.drops.value(DropReason::kTcpInvalid);
  say({.ack = next + 1});
  EXPECT_EQ(counters_.drops.value(DropReason::kTcpInvalid), refused + 1);
  EXPECT_EQ(said_one().seq, next) << "challenged";
  give("on");
  EXPECT_EQ(said_one().seq, next);
  connection_.reset();
  out_.clear();
  pool.end_turn();
}

TEST_F(TcpSendTest, UnansweredProbesGiveUp) {
  established();
  say({.window = 0});
  give("abc");
  advance(10min);
  EXPECT_EQ(connection_->state(), State::kClosed);
}

TEST_F(TcpSendTest, Rfc9293_Must34_WindowThatShrinksIsSurvived) {
  in_flight(10);
  say({.ack = at(2), .window = 0});
  const auto at_once = said();
  advance(5s);
  say({.ack = at(10), .window = 0});
  said();
  EXPECT_GT(give(letters(1000)), 0u);
  expect_silence();
  say({.ack = at(10), .window = 5000});
  EXPECT_EQ(said_one().data.size(), 1000u);
}

TEST_F(TcpSendTest, TinyWindowIsFilledAfterTheOverrideTimeout) {
  established();
  say({.window = 100});
  said();
  give(letters(1000));
  expect_silence();
  advance(1100ms);
  EXPECT_EQ(said_one().data.size(), 100u);
  say({.ack = kOurData + 100, .window = 65535});
  EXPECT_EQ(said_one().data, letters(1000).substr(100));
}

TEST_F(TcpSendTest, Rfc5681_IdleConnectionStartsSmallAgain) {
  established();
  std::uint32_t acked = kOurData;
  for (int i = 0; i < 6; ++i) {
    acked += static_cast<std::uint32_t>(give(letters(100000)));
    said();
    now_ += 50ms;
    say({.ack = acked});
    now_ += 1ms;
  }
  now_ += 60s;
  give("wake");
  said();
  acked += 4;
  say({.ack = acked});
  EXPECT_LE(give(letters(200000)), 12000u);
}

TEST_F(TcpSendTest, SmallerPathMtuResegmentsWhatIsInFlight) {
  config_.tcp.initial_window_segments = 4;
  guest_options_.mss = 1380;
  established();
  give(letters(1380 * 4));
  said();
  connection_->path_mtu_changed(1000, now_, out_);
  std::string again;
  for (const Said& what : said()) {
    EXPECT_LE(what.data.size(), 960u);
    EXPECT_EQ(what.seq, kOurData + static_cast<std::uint32_t>(again.size()));
    again += what.data;
  }
  EXPECT_EQ(again, letters(1380 * 4).substr(0, again.size()));
  EXPECT_GE(again.size(), 1380u * 3);
  say({.ack = kOurData + 1380 * 4});
  EXPECT_EQ(pool_.slots_in_use(), 0u);
}

TEST_F(TcpSendTest, NonsensePathMtuIsIgnored) {
  in_flight(2);
  for (const std::uint16_t mtu : {0, 1, 67, 1420, 65535}) connection_->path_mtu_changed(mtu, now_, out_);
  expect_silence();
  EXPECT_EQ(give(letters(1000)), 0u);
}

TEST_F(TcpSendTest, Rfc5927_OnlyNumbersInFlightAreInFlight) {
  in_flight(2);
  EXPECT_TRUE(connection_->is_in_flight(kOurData));
  EXPECT_TRUE(connection_->is_in_flight(kOurData + 1999));
  EXPECT_FALSE(connection_->is_in_flight(kOurData + 2000));
  EXPECT_FALSE(connection_->is_in_flight(kOurData - 1));
}

TEST_F(TcpSendTest, MemoryBudgetBoundsWhatIsRead) {
  established();
  ASSERT_TRUE(memory_.take(memory_.limit() - 3 * environment_.slot_cost()));
  EXPECT_EQ(give(letters(10000)), 3000u);
  memory_.give_back(memory_.used() - 3 * environment_.slot_cost());
}

TEST_F(TcpSendTest, PaceSpacesSegments) {
  config_.tcp.pace = 1ms;
  established();
  give(letters(5000));
  EXPECT_EQ(said().size(), 1u);
  advance(2ms);
  EXPECT_EQ(said().size(), 2u);
  advance(10ms);
  EXPECT_EQ(said().size(), 2u);
}

TEST_F(TcpSendTest, IdleConnectionHoldsNoHeapAndHasOneDeadline) {
  in_flight(10);
  say({.ack = at(10), .data = "x"});
  take();
  connection_->end_batch(now_, out_);
  advance(10s);
  EXPECT_EQ(connection_->memory_held(), 0u);
  EXPECT_EQ(connection_->next_deadline(), now_ - 10s + config_.tcp.idle_timeout);
}

}  // namespace
}  // namespace wgr::slirp::tcp
