// The faults B1 to B22 of the program whose users we inherit, as far as they are the stack's: how bytes are
// carried, lost and repaired.
// Each test names the symptom.
#include "tests/slirp/wgslirp_regressions_fixture.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::GuestTcp;
using sim::StackWorld;

TEST_F(WgslirpRegressionTest, B1_OneLossInADownloadDoesNotStopItForEver) {
  StackWorld world;
  world.link_latency = 10ms;
  int count = 0;
  world.passes_to_guest = [&](const sim::GuestPacket&) { return ++count != 100; };
  const Download result = download(world, 3'000'000, 10s);
  EXPECT_TRUE(result.is_complete);
  EXPECT_TRUE(result.checker.is_right);
  EXPECT_EQ(result.checker.offset, 3'000'000u);
}

// Half a minute of a fast download would get there from anywhere; a flow that begins near the wrap is sooner
// found: while the clock stands, a flow has the same initial sequence number each time.
TEST_F(WgslirpRegressionTest, B2_DownloadCrosses2To32) {
  StackWorld world;
  auto& server = world.internet.listen(kServer);
  std::uint16_t port = 0;
  std::uint32_t first = 0;
  while (first < 0xfff00000u && ++port < 60000) {
    world.send(sim::tcp_packet(guest(port), kServer, header(wire::kTcpSyn, 1000)));
    first = world.take_one().tcp().sequence();
    world.send(sim::tcp_packet(guest(port), kServer, header(wire::kTcpRst, 1001)));
  }
  ASSERT_GE(first, 0xfff00000u);
  ASSERT_EQ(world.stack().active_flows(), 0u);
  server.on_accept = [](sim::RemoteStream& stream) {
    stream.send_generated(5'000'000, fill);
    stream.finish();
  };
  Checker checker;
  GuestTcp client{world, guest(port), kServer};
  client.on_data = [&](Bytes bytes) { checker(bytes); };
  client.connect();
  EXPECT_TRUE(world.advance_until([&] { return client.peer_finished(); }, 60s));
  EXPECT_EQ(checker.offset, 5'000'000u);
  EXPECT_TRUE(checker.is_right);
}

TEST_F(WgslirpRegressionTest, B3_GuestThatHasFinishedStillGetsAMegabyte) {
  StackWorld world;
  auto& server = world.internet.listen(kServer);
  server.on_accept = [](sim::RemoteStream& stream) {
    stream.on_finish = [](sim::RemoteStream& s) {
      s.send_generated(1'000'000, fill);
      s.finish();
    };
  };
  Checker checker;
  GuestTcp client{world, guest(), kServer};
  client.on_data = [&](Bytes bytes) { checker(bytes); };
  client.connect();
  client.finish();
  EXPECT_TRUE(world.advance_until([&] { return client.peer_finished(); }, 5s));
  EXPECT_EQ(checker.offset, 1'000'000u);
  EXPECT_TRUE(checker.is_right);
}

TEST_F(WgslirpRegressionTest, B4_TailOfADownloadArrivesOverASlowLinkAfterTheServerClosed) {
  StackWorld world;
  world.link_latency = 150ms;
  int count = 0;
  world.passes_to_guest = [&](const sim::GuestPacket&) { return ++count % 20 != 0; };
  const Download result = download(world, 100'000, 20s);
  EXPECT_TRUE(result.is_complete);
  EXPECT_EQ(result.checker.offset, 100'000u);
}

TEST_F(WgslirpRegressionTest, B4_UploadAfterTheServersHalfCloseIsNotCut) {
  StackWorld world;
  auto& server = world.internet.listen(kServer);
  server.on_accept = [](sim::RemoteStream& stream) { stream.finish(); };
  GuestTcp client{world, guest(), kServer};
  client.connect();
  world.advance(10s);
  client.send(std::string(500'000, 'u'));
  client.finish();
  EXPECT_TRUE(world.advance_until([&] { return server.last().peer_finished(); }, 5s));
  EXPECT_EQ(server.last().bytes_received(), 500'000u);
}

TEST_F(WgslirpRegressionTest, B9_LostSynAckIsSentAgain) {
  StackWorld world;
  world.internet.listen(kServer);
  int syn_acks = 0;
  world.send(sim::tcp_packet(guest(), kServer, header(wire::kTcpSyn)));
  syn_acks += static_cast<int>(world.take().size());
  // Nothing more comes from the guest; and when its SYN comes again that is answered too.
  world.advance(5s);
  syn_acks += static_cast<int>(world.take().size());
  EXPECT_GE(syn_acks, 3);
  world.send(sim::tcp_packet(guest(), kServer, header(wire::kTcpSyn)));
  EXPECT_EQ(world.take().size(), 1u);
}

class RawConnectionTest : public WgslirpRegressionTest {
 protected:
  RawConnectionTest() {
    world_.internet.listen(kServer);
    world_.send(sim::tcp_packet(guest(), kServer, header(wire::kTcpSyn)));
    sequence_ = world_.take_one().tcp().sequence() + 1;
  }
  // Segments of the guest; its data begins at 1001.
  sim::Packet segment(std::uint32_t offset, std::string_view data, wire::TcpFlags more = {}) {
    return sim::tcp_packet(guest(), kServer, header(wire::kTcpAck | more, 1001 + offset, sequence_), data);
  }
  sim::RemoteStream& stream() { return world_.internet.listen(kServer).last(); }

  StackWorld world_;
  std::uint32_t sequence_ = 0;
};

TEST_F(RawConnectionTest, B10_ThirdAcknowledgementWithDataIsData) {
  world_.send(segment(0, "first words"));
  EXPECT_EQ(stream().received_text(), "first words");
}

TEST_F(RawConnectionTest, B10_SegmentOverTheLeftEdgeIsTrimmedAndFinWithDataIsTaken) {
  world_.send(segment(0, "abcdef"));
  world_.send(segment(3, "defghi", wire::kTcpFin));
  EXPECT_EQ(stream().received_text(), "abcdefghi");
  EXPECT_TRUE(stream().peer_finished());
}

TEST_F(RawConnectionTest, B11_OutOfOrderDataIsKeptAndReported) {
  world_.send(segment(0, ""));
  world_.take();
  // All of a window without scaling but its first segment.
  for (std::uint32_t i = 1; i < 60; ++i) world_.send(segment(i * 1000, std::string(1000, 'x')));
  EXPECT_EQ(stream().bytes_received(), 0u);
  world_.take();
  world_.send(segment(0, std::string(1000, 'x')));
  EXPECT_EQ(stream().bytes_received(), 60'000u);
}

TEST_F(WgslirpRegressionTest, B11_UploadSurvivesRareLossNearLineRate) {
  StackWorld world;
  world.link_latency = 10ms;
  auto& server = world.internet.listen(kServer);
  Checker checker;
  server.on_accept = [&](sim::RemoteStream& stream) {
    stream.keep_received = false;
    stream.on_data = [&](sim::RemoteStream&, Bytes bytes) { checker(bytes); };
  };
  int count = 0;
  world.passes_to_guest = [&](const sim::GuestPacket&) { return ++count % 1000 != 0; };
  GuestTcp client{world, guest(), kServer};
  client.connect();
  client.send_generated(20'000'000, fill);
  client.finish();
  EXPECT_TRUE(
      world.advance_until([&] { return !server.streams.empty() && server.last().peer_finished(); }, 20s));
  EXPECT_EQ(checker.offset, 20'000'000u);
  EXPECT_TRUE(checker.is_right);
}

TEST_F(WgslirpRegressionTest, B12_OneHoleIsRetransmittedOnce) {
  StackWorld world;
  world.link_latency = 10ms;
  int count = 0;
  world.passes_to_guest = [&](const sim::GuestPacket&) { return ++count != 200; };
  const Download result = download(world, 5'000'000, 10s);
  EXPECT_TRUE(result.is_complete);
  EXPECT_LE(world.counters().tcp_connections.retransmits.value(), 3u);
}

TEST_F(WgslirpRegressionTest, B13_FirstByteOfTheServerComesWithoutDelay) {
  StackWorld world;
  auto& server = world.internet.listen(kServer);
  server.on_accept = [](sim::RemoteStream& stream) { stream.send("220 hello"); };
  GuestTcp client{world, guest(), kServer};
  const Instant began = world.now;
  client.connect();
  EXPECT_TRUE(world.advance_until([&] { return client.bytes_received() > 0; }, 1s));
  EXPECT_EQ(world.now, began);
}

TEST_F(WgslirpRegressionTest, B16_ClosedWindowIsRespectedProbedAndOpensAgain) {
  StackWorld world;
  auto& server = world.internet.listen(kServer);
  GuestTcp client{world, guest(), kServer};
  client.connect();
  world.settle();
  client.pause_reading();
  server.last().send_generated(50'000'000, fill);
  world.advance(30s);
  EXPECT_GT(world.counters().tcp_connections.zero_window_probes.value(), 0u);
  Checker checker;
  client.keep_received = false;
  client.on_data = [&](Bytes bytes) { checker(bytes); };
  client.resume_reading();
  EXPECT_TRUE(world.advance_until([&] { return checker.offset == 50'000'000u; }, 120s));
  EXPECT_TRUE(checker.is_right);
}

}  // namespace
}  // namespace wgr::slirp
