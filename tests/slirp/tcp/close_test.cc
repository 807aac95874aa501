// Closing and resetting: RFC 9293 3.6, 3.10.7.4, RFC 5961.
#include "tests/slirp/tcp/scripted_guest.h"

namespace wgr::slirp::tcp {
namespace {

class TcpCloseTest : public ScriptedGuest {};

TEST_F(TcpCloseTest, GuestClosesFirst) {
  established();
  say({.flags = kTcpAck | kTcpFin});
  EXPECT_EQ(said_one().ack, kGuestData + 1);
  EXPECT_TRUE(connection_->is_receive_finished());
  connection_->finish_send(now_, out_);
  EXPECT_EQ(said_one().flags, kTcpFin | kTcpAck);
  EXPECT_EQ(connection_->state(), State::kLastAck);
  say({.seq = kGuestData + 1, .ack = kOurData + 1});
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_FALSE(connection_->was_reset());
  EXPECT_TRUE(connection_->is_done());
}

TEST_F(TcpCloseTest, HostClosesFirst) {
  fin_wait_2();
  say({.ack = kOurData + 1, .flags = kTcpAck | kTcpFin});
  EXPECT_EQ(said_one().ack, kGuestData + 1);
  EXPECT_EQ(connection_->state(), State::kTimeWait);
  EXPECT_TRUE(connection_->may_retire());
}

TEST_F(TcpCloseTest, SimultaneousClosePassesThroughClosing) {
  closing();
  say({.seq = kGuestData + 1, .ack = kOurData + 1});
  EXPECT_EQ(connection_->state(), State::kTimeWait);
}

TEST_F(TcpCloseTest, FinAndAckOfOurFinInOneSegment) {
  fin_wait_1();
  say({.ack = kOurData + 1, .flags = kTcpAck | kTcpFin});
  EXPECT_EQ(connection_->state(), State::kTimeWait);
}

// B3: the seed stopped listening to acknowledgements after the guest's FIN.
TEST_F(TcpCloseTest, B3_HalfCloseOfTheGuestLeavesOurDirectionOpen) {
  close_wait();
  std::uint32_t acked = kOurData;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(give(letters(1000)), 1000u);
    const Said data = said_one();
    EXPECT_EQ(data.seq, acked);
    acked += 1000;
    now_ += 10ms;
    say({.seq = kGuestData + 1, .ack = acked});
  }
}

// B4: upload after the server's half-close.
TEST_F(TcpCloseTest, B4_HalfCloseOfTheHostLeavesTheGuestsDirectionOpen) {
  fin_wait_2();
  std::string received;
  for (std::uint32_t i = 0; i < 100; ++i) {
    now_ += 1s;
    say({.seq = kGuestData + i * 10, .ack = kOurData + 1, .data = "0123456789"});
    received += take();
  }
  EXPECT_EQ(received.size(), 1000u);
  EXPECT_EQ(connection_->state(), State::kFinWait2);
}

TEST_F(TcpCloseTest, B4_FinIsRetransmittedUntilAcknowledged) {
  fin_wait_1();
  advance(3s);
  const auto again = said();
  ASSERT_GE(again.size(), 2u);
  for (const Said& fin : again) {
    EXPECT_TRUE(fin.flags.fin());
    EXPECT_EQ(fin.seq, kOurData);
  }
  say({.ack = kOurData + 1});
  EXPECT_EQ(connection_->state(), State::kFinWait2);
}

// smoltcp 1026.
TEST_F(TcpCloseTest, FinIsRetransmittedInClosing) {
  closing();
  advance(3s);
  EXPECT_GE(said().size(), 1u);
}

TEST_F(TcpCloseTest, B4_TailBeforeTheFinIsRetransmitted) {
  established();
  give("tail");
  connection_->finish_send(now_, out_);
  said();
  advance(5s);
  const auto again = said();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again.front().seq, kOurData);
  say({.ack = kOurData + 5});
  EXPECT_EQ(connection_->state(), State::kFinWait2);
}

TEST_F(TcpCloseTest, FinRidesOnTheLastData) {
  established();
  guest_window_ = 0;
  say({.window = 0});
  give("last");
  connection_->finish_send(now_, out_);
  expect_silence();
  say({.window = 1000});
  const Said last = said_one();
  EXPECT_EQ(last.data, "last");
  EXPECT_TRUE(last.flags.fin());
}

TEST_F(TcpCloseTest, FinBeyondAHoleWaitsForTheHole) {
  established();
  say({.seq = kGuestData + 3, .flags = kTcpAck | kTcpFin, .data = "def"});
  EXPECT_EQ(connection_->state(), State::kEstablished);
  EXPECT_EQ(said_one().ack, kGuestData);
  say({.data = "abc"});
  EXPECT_EQ(take(), "abcdef");
  EXPECT_EQ(connection_->state(), State::kCloseWait);
  EXPECT_EQ(said_one().ack, kGuestData + 7);
}

TEST_F(TcpCloseTest, DataAfterTheFinIsIgnored) {
  close_wait();
  say({.seq = kGuestData + 1, .data = "more"});
  EXPECT_EQ(said_one().ack, kGuestData + 1);
  EXPECT_EQ(readable_size(), 0u);
}

TEST_F(TcpCloseTest, RepeatedFinIsAcknowledgedInTimeWaitAndRestartsIt) {
  time_wait();
  advance(config_.tcp.time_wait - 1s);
  say({.ack = kOurData + 1, .flags = kTcpAck | kTcpFin});
  EXPECT_EQ(said_one().ack, kGuestData + 1);
  advance(config_.tcp.time_wait - 1s);
  EXPECT_EQ(connection_->state(), State::kTimeWait);
  advance(2s);
  EXPECT_EQ(connection_->state(), State::kClosed);
}

TEST_F(TcpCloseTest, Rfc1337_ResetDoesNotEndTimeWait) {
  time_wait();
  say({.seq = kGuestData + 1, .ack = 0, .flags = kTcpRst});
  EXPECT_EQ(connection_->state(), State::kTimeWait);
}

TEST_F(TcpCloseTest, TimeWaitTellsWhatMustRemain) {
  time_wait();
  const Remains remains = connection_->remains(now_);
  EXPECT_EQ(remains.send_next, kOurData + 1);
  EXPECT_EQ(remains.receive_next, kGuestData + 1);
  EXPECT_FALSE(remains.has_timestamps);
}

TEST_F(TcpCloseTest, Rfc5382_Req5_IdleFinWait2EndsAfterFourMinutes) {
  fin_wait_2();
  advance(4min - 1s);
  EXPECT_EQ(connection_->state(), State::kFinWait2);
  advance(2s);
  EXPECT_EQ(connection_->state(), State::kClosed);
}

TEST_F(TcpCloseTest, ClosedConnectionKeepsUnreadDataForTheHost) {
  established();
  say({.flags = kTcpAck | kTcpFin, .data = "unread"});
  connection_->finish_send(now_, out_);
  say({.seq = kGuestData + 7, .ack = kOurData + 1});
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_FALSE(connection_->is_done());
  EXPECT_EQ(take(), "unread");
  EXPECT_TRUE(connection_->is_receive_finished());
  EXPECT_TRUE(connection_->is_done());
}

TEST_F(TcpCloseTest, Rfc5961_Reset_ExactNumberCloses) {
  established();
  say({.seq = kGuestData, .ack = 0, .flags = kTcpRst});
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_TRUE(connection_->was_reset());
  EXPECT_EQ(connection_->next_deadline(), kNever);
  expect_silence();
}

TEST_F(TcpCloseTest, Rfc5961_Reset_InWindowIsChallenged) {
  established();
  say({.seq = kGuestData + 100, .ack = 0, .flags = kTcpRst});
  EXPECT_EQ(connection_->state(), State::kEstablished);
  EXPECT_EQ(said_one().flags, kTcpAck);
}

TEST_F(TcpCloseTest, Rfc5961_Reset_OutsideTheWindowIsIgnored) {
  established();
  say({.seq = kGuestData - 1, .ack = 0, .flags = kTcpRst});
  say({.seq = kGuestData + 1000000, .ack = 0, .flags = kTcpRst});
  EXPECT_EQ(connection_->state(), State::kEstablished);
  expect_silence();
}

TEST_F(TcpCloseTest, Rfc5961_SynInEstablishedIsChallengedWhateverItsNumber) {
  established();
  for (const std::uint32_t seq : {kGuestSequence, kGuestData, kGuestData + 50, kGuestData + 0x70000000}) {
    say({.seq = seq, .ack = 0, .flags = kTcpSyn});
    EXPECT_EQ(said_one().flags, kTcpAck);
    EXPECT_EQ(connection_->state(), State::kEstablished);
    now_ += 1s;
  }
}

TEST_F(TcpCloseTest, Rfc5961_ChallengesAreRateLimited) {
  established();
  for (int i = 0; i < 1000; ++i) say({.seq = kGuestData + 100, .ack = 0, .flags = kTcpRst});
  EXPECT_EQ(said().size(), 1u);
  EXPECT_EQ(counters_.challenge_acks_suppressed.value(), 999u);
}

TEST_F(TcpCloseTest, Rfc5961_AckOfUnsentDataIsChallengedAndDropped) {
  established();
  say({.ack = kOurData + 1, .data = "injected"});
  EXPECT_EQ(said_one().ack, kGuestData);
  EXPECT_EQ(readable_size(), 0u);
}

TEST_F(TcpCloseTest, Rfc5961_AckFarBelowTheWindowIsDropped) {
  established();
  say({.ack = kOurData - 65536, .data = "injected"});
  EXPECT_EQ(readable_size(), 0u);
}

TEST_F(TcpCloseTest, Rfc9293_Must12_AbortResetsTheGuest) {
  established();
  give("x");
  said();
  connection_->abort(now_, out_);
  const Said reset = said_one();
  EXPECT_EQ(reset.flags, kTcpRst | kTcpAck);
  EXPECT_EQ(reset.seq, kOurData + 1);
  EXPECT_EQ(connection_->state(), State::kClosed);
}

TEST_F(TcpCloseTest, SegmentWithoutAckFlagIsDropped) {
  established();
  say({.ack = 0, .flags = {}, .data = "no flags"});
  EXPECT_EQ(readable_size(), 0u);
}

TEST_F(TcpCloseTest, B14_IdleConnectionLivesTwoHours) {
  established();
  advance(2h + 4min);
  EXPECT_EQ(connection_->state(), State::kEstablished);
  expect_silence();
  say({.data = "still here"});
  EXPECT_EQ(take(), "still here");
}

TEST_F(TcpCloseTest, IdleConnectionEndsAfterTheIdleTimeout) {
  established();
  advance(config_.tcp.idle_timeout + 1s);
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_TRUE(connection_->was_reset());
}

TEST_F(TcpCloseTest, AnsweredKeepaliveKeepsTheConnection) {
  config_.tcp.keepalive_interval = 2h;
  established();
  for (int i = 0; i < 5; ++i) {
    advance(2h + 1s);
    const Said probe = said_one();
    EXPECT_EQ(probe.seq, kOurData - 1);
    EXPECT_TRUE(probe.data.empty());
    say({});
  }
  EXPECT_EQ(connection_->state(), State::kEstablished);
  advance(3h);
  EXPECT_EQ(connection_->state(), State::kClosed);
}

// Linux asks with no data and one number before the next.
TEST_F(TcpCloseTest, ProbesOfAClosedWindowKeepAHalfClosedConnection) {
  config_.tcp.initial_receive_window = config_.tcp.max_receive_window = 4000;
  fin_wait_2();
  std::uint32_t sent = 0;
  for (; sent < 4000; sent += 1000)
    say({.seq = kGuestData + sent, .ack = kOurData + 1, .data = letters(1000)});
  for (int i = 0; i < 20; ++i) {
    advance(30s);
    said();
    say({.seq = kGuestData + sent - 1, .ack = kOurData + 1});
    EXPECT_EQ(said().size(), 1u);
  }
  EXPECT_EQ(connection_->state(), State::kFinWait2);
  take();
}

}  // namespace
}  // namespace wgr::slirp::tcp
