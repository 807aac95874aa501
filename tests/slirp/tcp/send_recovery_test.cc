// Host to guest: what is lost is found and sent again. RFC 6298, 5681, 6582, 6675, 8985.
#include "tests/slirp/tcp/send_fixture.h"

namespace wgr::slirp::tcp {
namespace {

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

// A probe of what the guest has reported would be counted twice, and nothing new would ever be sent.
TEST_F(TcpSendTest, Rfc8985_WhatIsReportedIsNotProbedAndNothingStaysLost) {
  syn_ack_sent();
  said();
  advance(50ms);
  say({.window = guest_window_});
  said();
  ASSERT_EQ(give(letters(2000)), 2000u);
  said();
  advance(100ms);  // twice the round trip before
  say({.options = sack({{at(1), at(2)}})});
  advance(700ms);  // the timeout
  said();
  say({.ack = at(2)});
  said();
  EXPECT_EQ(give(letters(1000)), 1000u);
  EXPECT_EQ(numbers(said()), std::vector<std::uint32_t>{2});
}

TEST_F(TcpSendTest, WhatCouldNotBeCutForASmallerPathIsCutAtTheNextTry) {
  config_.tcp.initial_window_segments = 4;
  guest_options_.mss = 1380;
  established();
  give(letters(1380 * 4));
  said();
  const std::size_t rest = memory_.available();
  ASSERT_TRUE(memory_.take(rest));
  connection_->path_mtu_changed(1000, now_, out_);
  said();
  memory_.give_back(rest);
  advance(2s);  // the timeout
  for (const Said& what : said()) EXPECT_LE(what.data.size(), 960u);
  connection_->path_mtu_changed(1000, now_, out_);
  advance(5s);
  std::size_t bytes = 0;
  for (const Said& what : said()) {
    EXPECT_LE(what.data.size(), 960u);
    bytes += what.data.size();
  }
  EXPECT_GT(bytes, 0u);
  say({.ack = kOurData + 1380 * 4});
  EXPECT_EQ(pool_.slots_in_use(), 0u);
}

}  // namespace
}  // namespace wgr::slirp::tcp
