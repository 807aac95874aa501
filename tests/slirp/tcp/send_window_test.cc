// Host to guest: the window the guest offers, when it closes, shrinks or is tiny. RFC 9293 3.8.6.
#include "tests/slirp/tcp/send_fixture.h"

namespace wgr::slirp::tcp {
namespace {

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

}  // namespace
}  // namespace wgr::slirp::tcp
