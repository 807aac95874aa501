// Host to guest: reading, segmentation, path MTU and pace. RFC 9293 3.7 and 3.8, RFC 5681.
#include "tests/slirp/tcp/send_fixture.h"

namespace wgr::slirp::tcp {
namespace {

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
