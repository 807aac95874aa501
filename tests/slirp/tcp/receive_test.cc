// Guest to host: reassembly, acknowledgements, the window, timestamps. RFC 9293 3.8.6, RFC 2018, RFC 7323.
#include <numeric>

#include "tests/slirp/tcp/scripted_guest.h"

namespace wgr::slirp::tcp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using wire::SackBlock;

class TcpReceiveTest : public ScriptedGuest {};

TEST_F(TcpReceiveTest, InOrderDataIsAViewIntoTheBatch) {
  established();
  const wire::TcpView view = segment({.data = "zero copy"});
  connection_->receive(view, now_, out_);
  ASSERT_EQ(connection_->readable().size(), 1u);
  EXPECT_EQ(connection_->readable()[0].iov_base, view.payload().data());
  EXPECT_EQ(take(), "zero copy");
  EXPECT_EQ(pool_.slots_in_use(), 0u);
}

TEST_F(TcpReceiveTest, WhatTheHostDoesNotTakeOutlivesTheBatch) {
  established();
  hear({.data = "first "});
  hear({.seq = kGuestData + 6, .data = "second"});
  EXPECT_EQ(take(3), "fir");
  connection_->end_batch(now_, out_);
  said();  // the batch is gone
  EXPECT_EQ(take(), "st second");
}

TEST_F(TcpReceiveTest, OneAcknowledgementPerBatch) {
  established();
  std::uint32_t seq = kGuestData;
  for (int i = 0; i < 50; ++i, seq += 1000) hear({.seq = seq, .data = letters(1000)});
  take();
  connection_->end_batch(now_, out_);
  EXPECT_EQ(said_one().ack, kGuestData + 50000);
}

// Nothing acknowledged is ever lost: what neither host nor memory took is not acknowledged.
TEST_F(TcpReceiveTest, DataThatCannotBeHeldIsNotAcknowledged) {
  established();
  ASSERT_TRUE(memory_.take(memory_.limit() - 2 * environment_.slot_cost()));
  std::uint32_t seq = kGuestData;
  for (int i = 0; i < 10; ++i, seq += 1000) hear({.seq = seq, .data = letters(1000)});
  connection_->end_batch(now_, out_);
  const std::uint32_t held = said_one().ack - kGuestData;
  EXPECT_EQ(held, readable_size());
  EXPECT_EQ(held, 2 * pool_.payload_capacity());
  memory_.give_back(memory_.used() - 2 * environment_.slot_cost());
  EXPECT_EQ(take().size(), held);
  say({.seq = kGuestData + held, .data = "again"});
  EXPECT_EQ(take(), "again");
}

TEST_F(TcpReceiveTest, FinThatFollowsUnheldDataIsNotAcknowledged) {
  established();
  ASSERT_TRUE(memory_.take(memory_.limit()));
  say({.flags = kTcpAck | kTcpFin, .data = "lost"});
  EXPECT_EQ(said_one().ack, kGuestData);
  EXPECT_EQ(connection_->state(), State::kEstablished);
  memory_.give_back(memory_.limit());
  say({.flags = kTcpAck | kTcpFin, .data = "lost"});
  EXPECT_EQ(take(), "lost");
  EXPECT_EQ(connection_->state(), State::kCloseWait);
}

// B10.
TEST_F(TcpReceiveTest, B10_OverlapOfTheLeftEdgeIsTrimmed) {
  established();
  say({.data = "abc"});
  say({.data = "abcdef"});
  EXPECT_EQ(take(), "abcdef");
}

TEST_F(TcpReceiveTest, Rfc9293_Must62_UrgentDataIsDataWhateverThePointerSays) {
  established();
  for (const std::uint16_t pointer : {0, 1, 3, 4, 65535}) {
    const Said what{.seq = kGuestData + static_cast<std::uint32_t>(counters_.bytes_in.value()),
                    .flags = kTcpAck | kTcpUrg,
                    .data = "abc"};
    wire::TcpView view = segment(what);
    store_be(view.segment().data() + 18, pointer);
    connection_->receive(view, now_, out_);
    EXPECT_EQ(take(), "abc");
    connection_->end_batch(now_, out_);
  }
}

TEST_F(TcpReceiveTest, DataBeyondTheWindowIsCutOff) {
  config_.tcp.initial_receive_window = 1000;
  config_.tcp.max_receive_window = 1000;
  established();
  say({.data = letters(1400)});
  EXPECT_EQ(readable_size(), 1000u);
  EXPECT_EQ(said_one().ack, kGuestData + 1000);
}

TEST_F(TcpReceiveTest, SegmentOutsideTheWindowIsAnsweredAndDropped) {
  established();
  say({.seq = kGuestData + 0x100000, .data = "far"});
  EXPECT_EQ(said_one().ack, kGuestData);
  say({.seq = kGuestData - 10, .data = "old"});
  EXPECT_EQ(said_one().ack, kGuestData);
  EXPECT_EQ(readable_size(), 0u);
}

TEST_F(TcpReceiveTest, Rfc5681_OutOfOrderAndHoleFillAreAcknowledgedAtOnce) {
  established();
  say({.seq = kGuestData + 3, .data = "def"});
  EXPECT_EQ(said_one().ack, kGuestData);
  say({.data = "abc"});
  EXPECT_EQ(said_one().ack, kGuestData + 6);
  EXPECT_EQ(take(), "abcdef");
}

TEST_F(TcpReceiveTest, Rfc2018_FirstBlockIsTheNewestAndTheOthersFollow) {
  established();
  say({.seq = kGuestData + 10, .data = "01234"});
  EXPECT_THAT(blocks(said_one()), ElementsAre(SackBlock{kGuestData + 10, kGuestData + 15}));
  say({.seq = kGuestData + 30, .data = "01234"});
  said();
  say({.seq = kGuestData + 50, .data = "01234"});
  EXPECT_THAT(blocks(said_one()), ElementsAre(SackBlock{kGuestData + 50, kGuestData + 55},
                                              SackBlock{kGuestData + 30, kGuestData + 35},
                                              SackBlock{kGuestData + 10, kGuestData + 15}));
  // A range that grows comes first, joined with what it touches.
  say({.seq = kGuestData + 15, .data = letters(15)});
  EXPECT_THAT(blocks(said_one()), ElementsAre(SackBlock{kGuestData + 10, kGuestData + 35},
                                              SackBlock{kGuestData + 50, kGuestData + 55}));
}

TEST_F(TcpReceiveTest, Rfc2018_AtMostFourBlocksAndThreeWithTimestamps) {
  established();
  for (std::uint32_t i = 1; i <= 6; ++i) say({.seq = kGuestData + i * 20, .data = "x"});
  const auto all = said();
  EXPECT_EQ(blocks(all.back()).size(), 4u);
  EXPECT_EQ(blocks(all.back()).front().begin, kGuestData + 120);
}

TEST_F(TcpReceiveTest, Rfc2883_DuplicateIsReportedFirst) {
  established();
  say({.data = "abcdef"});
  said();
  say({.data = "abc"});
  EXPECT_THAT(blocks(said_one()), ElementsAre(SackBlock{kGuestData, kGuestData + 3}));
  say({.seq = kGuestData + 10, .data = "klm"});
  said();
  say({.seq = kGuestData + 10, .data = "klm"});
  EXPECT_THAT(blocks(said_one()), ElementsAre(SackBlock{kGuestData + 10, kGuestData + 13},
                                              SackBlock{kGuestData + 10, kGuestData + 13}));
}

TEST_F(TcpReceiveTest, NoSackWithoutAgreement) {
  guest_options_.sack_permitted = false;
  established();
  say({.seq = kGuestData + 10, .data = "x"});
  EXPECT_THAT(blocks(said_one()), IsEmpty());
}

// B11: an overflow forgets the newcomer, not the queue.
TEST_F(TcpReceiveTest, B11_OutOfOrderLimitKeepsWhatIsThere) {
  config_.tcp.max_out_of_order_bytes = 2 * 1420;
  established();
  for (std::uint32_t i = 0; i < 10; ++i) say({.seq = kGuestData + 10 + i * 2000, .data = letters(1000)});
  EXPECT_EQ(counters_.drops.value(DropReason::kTcpOutOfOrderLimit), 7u);
  EXPECT_EQ(pool_.slots_in_use(), 3u);
  said();
  say({.data = letters(10)});
  EXPECT_EQ(said_one().ack, kGuestData + 1010);
  EXPECT_EQ(take().size(), 1010u);
}

// Tiny segments must not hold more memory than they pay for.
TEST_F(TcpReceiveTest, AdjacentTinySegmentsShareASlot) {
  established();
  for (std::uint32_t i = 0; i < 1000; ++i) say({.seq = kGuestData + 1 + i, .data = "x"});
  EXPECT_EQ(pool_.slots_in_use(), 1u);
}

TEST_F(TcpReceiveTest, Rfc9293_Must58_EverySecondSegmentIsAcknowledgedTheFirstAfterTheDelay) {
  established();
  std::uint32_t seq = kGuestData;
  for (int i = 0; i < 20; ++i, seq += 1000) {  // the quick acknowledgements of the beginning
    say({.seq = seq, .data = letters(1000)});
    take();
    said();
  }
  advance(1s);
  said();
  say({.seq = seq, .data = letters(1000)});
  take();
  expect_silence();
  advance(config_.tcp.ack_delay);
  EXPECT_EQ(said_one().ack, seq + 1000);
  seq += 1000;
  say({.seq = seq, .data = letters(1000)});
  expect_silence();
  say({.seq = seq + 1000, .data = letters(1000)});
  EXPECT_EQ(said_one().ack, seq + 2000);
}

TEST_F(TcpReceiveTest, DataOfOursCarriesTheAcknowledgement) {
  established();
  hear({.data = "request"});
  take();
  give("response");
  connection_->end_batch(now_, out_);
  const Said response = said_one();
  EXPECT_EQ(response.data, "response");
  EXPECT_EQ(response.ack, kGuestData + 7);
}

TEST_F(TcpReceiveTest, AcknowledgementInTheMiddleOfABatchCoversOnlyWhatIsHeld) {
  established();
  hear({.data = "not yet safe"});
  give("response");  // before the host has taken the request
  EXPECT_EQ(said_one().ack, kGuestData);
}

TEST_F(TcpReceiveTest, Rfc9293_Shld14_RightEdgeNeverMovesLeft) {
  guest_options_.window_scale = 3;
  config_.tcp.initial_receive_window = 20000;
  established();
  std::uint32_t edge = 0;
  std::uint32_t seq = kGuestData;
  for (int i = 0; i < 60; ++i) {
    const std::size_t size = 1 + static_cast<std::size_t>(i) * 7;
    say({.seq = seq, .data = letters(size)});
    seq += static_cast<std::uint32_t>(size);
    if (i % 3 == 0) take(100);
    for (const Said& ack : said()) {
      const std::uint32_t now_edge = ack.ack + (std::uint32_t{ack.window} << 8);
      if (edge != 0) {
        EXPECT_GE(static_cast<std::int32_t>(now_edge - edge), 0);
      }
      edge = now_edge;
    }
  }
  connection_->consume(readable_size(), now_);
}

TEST_F(TcpReceiveTest, ClosedWindowStillAcceptsAcknowledgementsAndResets) {  // MUST-66
  config_.tcp.initial_receive_window = 3000;
  config_.tcp.max_receive_window = 3000;
  established();
  give(letters(100));
  say({.data = letters(1000)});
  say({.seq = kGuestData + 1000, .data = letters(1000)});
  say({.seq = kGuestData + 2000, .data = letters(1000)});
  EXPECT_EQ(said().back().window, 0);
  say({.seq = kGuestData + 3000, .ack = kOurData + 100, .data = "x"});
  const Said answer = said_one();
  EXPECT_EQ(answer.ack, kGuestData + 3000);
  EXPECT_EQ(answer.window, 0);
  EXPECT_FALSE(connection_->is_in_flight(kOurData)) << "its acknowledgement counted";
  say({.seq = kGuestData + 3000, .ack = 0, .flags = kTcpRst});
  EXPECT_TRUE(connection_->was_reset());
}

TEST_F(TcpReceiveTest, WindowUpdateFollowsWhenTheHostTakesEnough) {
  config_.tcp.initial_receive_window = 10000;
  config_.tcp.max_receive_window = 10000;
  established();
  std::uint32_t seq = kGuestData;
  for (int i = 0; i < 10; ++i, seq += 1000) say({.seq = seq, .data = letters(1000)});
  EXPECT_EQ(said().back().window, 0);
  take(1000);
  connection_->end_batch(now_, out_);
  expect_silence();  // no silly window
  take(2000);
  connection_->end_batch(now_, out_);
  EXPECT_EQ(said_one().window, 3000);
  EXPECT_EQ(counters_.window_updates_out.value(), 1u);
}

TEST_F(TcpReceiveTest, WindowGrowsWithTheRateOfTheHost) {
  guest_options_.window_scale = 7;
  established();
  std::uint32_t seq = kGuestData;
  std::size_t window = 0;
  std::size_t per_round = 40;
  for (int round = 0; round < 12; ++round) {
    for (std::size_t i = 0; i < per_round && i * 1000 + 1000 <= std::max<std::size_t>(window, 65535);
         ++i, seq += 1000) {
      hear({.seq = seq, .data = letters(1000)});
    }
    take();
    connection_->end_batch(now_, out_);
    for (const Said& ack : said()) window = std::size_t{ack.window} << 8;
    now_ += 50ms;
    per_round *= 2;
  }
  EXPECT_GE(window, 8u * 1024 * 1024 - 256);
  EXPECT_LE(window, 8u * 1024 * 1024);
}

class TcpTimestampsTest : public ScriptedGuest {
 protected:
  TcpTimestampsTest() {
    config_.tcp.timestamps = true;
    guest_options_.timestamps = wire::Timestamps{kGuestClock, 0};
  }
  void agreed() {
    syn_ack_sent();
    our_clock_ = said_one().options.timestamps->value;
    say({.options = stamped(kGuestClock)});
    said();
  }
  wire::TcpOptions stamped(std::uint32_t value) {
    wire::TcpOptions options;
    options.timestamps = wire::Timestamps{value, our_clock_};
    return options;
  }
  static constexpr std::uint32_t kGuestClock = 0xffffff00;  // wraps soon
  std::uint32_t our_clock_ = 0;
};

TEST_F(TcpTimestampsTest, Rfc7323_EverySegmentEchoesTheNewestInOrder) {
  agreed();
  say({.data = "abc", .options = stamped(kGuestClock + 5)});
  EXPECT_EQ(said_one().options.timestamps->echo, kGuestClock + 5);
  say({.seq = kGuestData + 10, .data = "beyond a hole", .options = stamped(kGuestClock + 9)});
  EXPECT_EQ(said_one().options.timestamps->echo, kGuestClock + 5);
}

TEST_F(TcpTimestampsTest, Rfc7323_OldTimestampIsRefusedAcrossTheWrap) {
  agreed();
  say({.data = "abc", .options = stamped(kGuestClock + 0x200)});
  EXPECT_EQ(take(), "abc");
  said();
  say({.seq = kGuestData + 3, .data = "old", .options = stamped(kGuestClock + 0x100)});
  EXPECT_EQ(readable_size(), 0u);
  EXPECT_EQ(said_one().ack, kGuestData + 3);
  say({.seq = kGuestData + 3, .data = "new", .options = stamped(kGuestClock + 0x201)});
  EXPECT_EQ(take(), "new");
}

TEST_F(TcpTimestampsTest, Rfc7323_ResetIsNotSubjectToPaws) {
  agreed();
  say({.ack = 0, .flags = kTcpRst, .options = stamped(kGuestClock - 1000)});
  EXPECT_EQ(connection_->state(), State::kClosed);
}

TEST_F(TcpTimestampsTest, Rfc7323_TimestampOlderThan24DaysIsForgotten) {
  config_.tcp.idle_timeout = 24h * 365;
  agreed();
  advance(24h * 25);
  say({.data = "hello", .options = stamped(kGuestClock - 5)});
  EXPECT_EQ(take(), "hello");
}

TEST_F(TcpTimestampsTest, Rfc2018_ThreeBlocksBesideTimestamps) {
  agreed();
  for (std::uint32_t i = 1; i <= 6; ++i) {
    say({.seq = kGuestData + i * 20, .data = "x", .options = stamped(kGuestClock + 1)});
  }
  EXPECT_EQ(blocks(said().back()).size(), 3u);
}

TEST_F(TcpTimestampsTest, SegmentsFitTheMtuWithTimestamps) {
  guest_options_.mss = 1380;
  agreed();
  give(letters(5000));
  EXPECT_EQ(said().front().data.size(), 1368u);
}

TEST_F(TcpReceiveTest, FinBelowWhatHasArrivedEndsNothing) {
  established();
  for (std::uint32_t i = 0; i < 3; ++i) {
    say({.seq = kGuestData + i * 1000, .data = letters(1000)});
    take();
  }
  say({.seq = kGuestData + 500, .flags = kTcpAck | kTcpFin});
  say({.seq = kGuestData + 3000, .data = letters(1000)});
  EXPECT_EQ(readable_size(), 1000u);
  take();
}

// Memory that others hold closes no window through which bytes only pass.
TEST_F(TcpReceiveTest, HostThatTakesEverythingKeepsTheWindowOpenWithoutMemory) {
  established();
  ASSERT_TRUE(memory_.take(memory_.limit()));
  std::uint32_t sent = 0;
  for (int i = 0; i < 200; ++i, sent += 1000) {
    hear({.seq = kGuestData + sent, .data = letters(1000)});
    ASSERT_EQ(take().size(), 1000u) << "after " << sent;
    connection_->end_batch(now_, out_);
    advance(50ms);
    said();
  }
  memory_.give_back(memory_.limit());
}

}  // namespace
}  // namespace wgr::slirp::tcp
