// Opening a connection: RFC 9293 3.5, 3.10.7.2-4.
#include "tests/slirp/tcp/scripted_guest.h"

namespace wgr::slirp::tcp {
namespace {

class TcpOpenTest : public ScriptedGuest {};

TEST_F(TcpOpenTest, SynIsAnsweredOnlyWhenTheHostHasConnected) {
  syn_received();
  expect_silence();
  advance(5s);
  expect_silence();
  connection_->accept(now_, out_);

  const Said answer = said_one();
  EXPECT_EQ(answer.flags, kTcpSyn | kTcpAck);
  EXPECT_EQ(answer.seq, kOurSequence);
  EXPECT_EQ(answer.ack, kGuestData);
}

// B9: until then a repeated SYN is no news.
TEST_F(TcpOpenTest, SynRepeatedBeforeAcceptIsAbsorbed) {
  syn_received();
  say({.seq = kGuestSequence, .ack = 0, .flags = kTcpSyn});
  expect_silence();
  EXPECT_EQ(connection_->state(), State::kSynReceived);
}

TEST_F(TcpOpenTest, B9_LostSynAckIsSentAgainForEachRepeatedSyn) {
  syn_ack_sent();
  said();
  say({.seq = kGuestSequence, .ack = 0, .flags = kTcpSyn, .options = guest_options_});
  EXPECT_EQ(said_one().flags, kTcpSyn | kTcpAck);
}

TEST_F(TcpOpenTest, B9_SynAckIsRetransmittedWithBackoffUntilSynTimeout) {
  syn_ack_sent();
  said();
  const Instant began = now_;
  for (const Duration at : {1s, 3s, 7s}) {
    advance(began + at - 1ms - now_);
    expect_silence();
    advance(2ms);
    EXPECT_EQ(said_one().flags, kTcpSyn | kTcpAck);
  }
  advance(began + 10s - now_);
  EXPECT_EQ(said_one().flags, kTcpRst | kTcpAck);
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_TRUE(connection_->was_reset());
}

TEST_F(TcpOpenTest, Rfc9293_Must14_SynAckCarriesOurMss) {
  config_.mtu = 1280;
  syn_ack_sent();
  EXPECT_EQ(said_one().options.mss, 1240);
}

TEST_F(TcpOpenTest, MssClampLowersWhatWeOffer) {
  config_.tcp.mss_clamp = 1200;
  syn_ack_sent();
  EXPECT_EQ(said_one().options.mss, 1200);
}

TEST_F(TcpOpenTest, Rfc7323_OptionsAreOfferedOnlyIfTheGuestOfferedThem) {
  guest_options_ = {};
  config_.tcp.timestamps = true;
  syn_ack_sent();
  const Said answer = said_one();
  EXPECT_FALSE(answer.options.window_scale);
  EXPECT_FALSE(answer.options.sack_permitted);
  EXPECT_FALSE(answer.options.timestamps);
}

TEST_F(TcpOpenTest, Rfc7323_AllOptionsAreAgreedWhenBothWant) {
  config_.tcp.timestamps = true;
  guest_options_.window_scale = 7;
  guest_options_.timestamps = wire::Timestamps{12345, 0};
  syn_ack_sent();
  const Said answer = said_one();
  EXPECT_EQ(answer.options.window_scale, 8) << "enough for 8 MiB";
  EXPECT_TRUE(answer.options.sack_permitted);
  ASSERT_TRUE(answer.options.timestamps);
  EXPECT_EQ(answer.options.timestamps->echo, 12345u);
}

// RFC 7323 2.2: the window of a SYN is never scaled, either way.
TEST_F(TcpOpenTest, Rfc7323_WindowOfSynIsNotScaled) {
  guest_options_.window_scale = 7;
  guest_window_ = 10;
  syn_ack_sent();
  EXPECT_EQ(said_one().window, 65535);
  say({.window = 10});
  EXPECT_EQ(connection_->state(), State::kEstablished);
  EXPECT_EQ(give(letters(5000)), 1000u) << "10 << 7 bytes are one segment and a piece";
}

TEST_F(TcpOpenTest, Rfc9293_Must15_AbsentMssMeans536) {
  guest_options_.mss.reset();
  established();
  give(letters(5000));
  EXPECT_EQ(said().front().data.size(), 536u);
}

class TcpPeerMssTest : public ScriptedGuest, public testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(TcpPeerMssTest, PeerMssNeverStopsOrOverflowsUs) {
  const auto [offered, used] = GetParam();
  guest_options_.mss = static_cast<std::uint16_t>(offered);
  established();
  EXPECT_GT(give(letters(4000)), 0u);
  EXPECT_EQ(said().front().data.size(), static_cast<std::size_t>(used));
}

INSTANTIATE_TEST_SUITE_P(Boundaries, TcpPeerMssTest,
                         testing::Values(std::pair{0, 536}, std::pair{1, 48}, std::pair{48, 48},
                                         std::pair{1380, 1380}, std::pair{1381, 1380},
                                         std::pair{65535, 1380}));

TEST_F(TcpOpenTest, DataOnTheThirdAckIsTaken) {
  syn_ack_sent();
  said();
  say({.flags = kTcpAck | kTcpPsh, .data = "hello"});
  EXPECT_EQ(connection_->state(), State::kEstablished);
  EXPECT_EQ(take(), "hello");
  EXPECT_EQ(said_one().ack, kGuestData + 5);
}

// B10.
TEST_F(TcpOpenTest, B10_DataAndFinOnTheThirdAckAreTaken) {
  syn_ack_sent();
  said();
  say({.flags = kTcpAck | kTcpFin, .data = "bye"});
  EXPECT_EQ(take(), "bye");
  EXPECT_EQ(connection_->state(), State::kCloseWait);
  EXPECT_TRUE(connection_->is_receive_finished());
  EXPECT_EQ(said_one().ack, kGuestData + 4);
}

TEST_F(TcpOpenTest, Rfc9293_WrongAckInSynReceivedGetsResetAndChangesNothing) {
  syn_ack_sent();
  said();
  say({.ack = kOurData + 1});
  const Said reset = said_one();
  EXPECT_EQ(reset.flags, kTcpRst);
  EXPECT_EQ(reset.seq, kOurData + 1);
  EXPECT_EQ(connection_->state(), State::kSynAckSent);
}

TEST_F(TcpOpenTest, ResetInSynReceivedClosesOnlyWithTheExactNumber) {
  syn_ack_sent();
  said();
  say({.seq = kGuestData + 1, .ack = 0, .flags = kTcpRst});
  EXPECT_EQ(connection_->state(), State::kSynAckSent);
  say({.seq = kGuestData, .ack = 0, .flags = kTcpRst});
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_TRUE(connection_->was_reset());
  expect_silence();
}

TEST_F(TcpOpenTest, AbortBeforeAcceptRefusesLikeAClosedPort) {
  syn_received();
  connection_->abort(now_, out_);
  const Said reset = said_one();
  EXPECT_EQ(reset.flags, kTcpRst | kTcpAck);
  EXPECT_EQ(reset.seq, 0u);
  EXPECT_EQ(reset.ack, kGuestData);
}

TEST_F(TcpOpenTest, ActiveOpenSendsSynAndCompletes) {
  syn_sent();
  const Said syn = said_one();
  EXPECT_EQ(syn.flags, kTcpSyn);
  EXPECT_EQ(syn.seq, kOurSequence);
  EXPECT_TRUE(syn.options.sack_permitted);
  say({.seq = kGuestSequence, .flags = kTcpSyn | kTcpAck, .options = guest_options_});
  EXPECT_EQ(connection_->state(), State::kEstablished);
  const Said third = said_one();
  EXPECT_EQ(third.flags, kTcpAck);
  EXPECT_EQ(third.ack, kGuestData);
}

TEST_F(TcpOpenTest, Rfc9293_Must10_SimultaneousOpenMeetsInEstablished) {
  syn_sent();
  said();
  say({.seq = kGuestSequence, .ack = 0, .flags = kTcpSyn, .options = guest_options_});
  EXPECT_EQ(connection_->state(), State::kSynAckSent);
  EXPECT_EQ(said_one().flags, kTcpSyn | kTcpAck);
  say({.seq = kGuestSequence, .flags = kTcpSyn | kTcpAck, .options = guest_options_});
  EXPECT_EQ(connection_->state(), State::kEstablished);
}

TEST_F(TcpOpenTest, Rfc9293_Must23_SynIsTriedForThreeMinutes) {
  syn_sent();
  said();
  advance(179s);
  EXPECT_EQ(connection_->state(), State::kSynSent);
  EXPECT_GE(said().size(), 6u);
  advance(2s);
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_TRUE(connection_->was_reset());
}

TEST_F(TcpOpenTest, RefusalOfOurSynClosesOnlyIfItAcknowledgesIt) {
  syn_sent();
  said();
  say({.seq = 0, .ack = kOurData + 5, .flags = kTcpRst | kTcpAck});
  say({.seq = 0, .ack = 0, .flags = kTcpRst});
  EXPECT_EQ(connection_->state(), State::kSynSent);
  expect_silence();
  say({.seq = 0, .ack = kOurData, .flags = kTcpRst | kTcpAck});
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_TRUE(connection_->was_reset());
}

// smoltcp crashed here.
TEST_F(TcpOpenTest, FinAndDataInSynSentAreIgnored) {
  syn_sent();
  said();
  say({.ack = 0, .flags = kTcpFin});
  say({.flags = kTcpFin | kTcpAck});
  say({.flags = kTcpAck, .data = "data"});
  EXPECT_EQ(connection_->state(), State::kSynSent);
}

TEST_F(TcpOpenTest, HostThatFinishesBeforeTheHandshakeSendsFinAfterIt) {
  syn_ack_sent();
  said();
  connection_->finish_send(now_, out_);
  expect_silence();
  say({});
  EXPECT_EQ(connection_->state(), State::kFinWait1);
  EXPECT_TRUE(said_one().flags.fin());
}

TEST_F(TcpOpenTest, UnansweredConnectionThatIsNeverAcceptedEnds) {
  syn_received();
  advance(config_.tcp.connect_timeout + config_.tcp.syn_timeout);
  EXPECT_EQ(connection_->state(), State::kClosed);
}

}  // namespace
}  // namespace wgr::slirp::tcp
