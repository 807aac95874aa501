// The faults B1 to B22 of the program whose users we inherit, as far as they are the stack's. Each test names
// the symptom. (B20 is about a metric of WireGuard handshakes and lives with the reports.)
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::GuestTcp;
using sim::kGuest;
using sim::kOtherGuest;
using sim::StackWorld;

const IpAddress kGuestIp = IpAddress::v4(10, 0, 0, 2);
const SocketAddress kServer{IpAddress::v4(93, 184, 216, 34), 80};
const SocketAddress kDead{IpAddress::v4(93, 184, 216, 99), 80};
const SocketAddress kUdpPeer{IpAddress::v4(93, 184, 216, 35), 9000};

SocketAddress guest(std::uint16_t port = 40000) { return {kGuestIp, port}; }

wire::TcpHeader header(wire::TcpFlags flags, std::uint32_t sequence = 1000,
                       std::uint32_t acknowledgement = 0) {
  wire::TcpHeader result;
  result.sequence = sequence;
  result.acknowledgement = acknowledgement;
  result.flags = flags;
  result.window = 65535;
  return result;
}

std::uint8_t byte_at(std::uint64_t offset) { return static_cast<std::uint8_t>(offset * 31 + (offset >> 13)); }

void fill(std::uint64_t offset, MutableBytes into) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = byte_at(offset + i);
}

// Compares a stream with fill() as it comes.
struct Checker {
  std::uint64_t offset = 0;
  bool is_right = true;
  void operator()(Bytes bytes) {
    for (std::uint8_t byte : bytes) is_right &= byte == byte_at(offset++);
  }
};

class WgslirpRegressionTest : public testing::Test {
 protected:
  // A download of `size` bytes; what the guest thinks of it.
  struct Download {
    Checker checker;
    bool is_complete = false;
  };
  Download download(StackWorld& world, std::uint64_t size, Duration limit) {
    auto& server = world.internet.listen(kServer);
    server.on_accept = [size](sim::RemoteStream& stream) {
      stream.send_generated(size, fill);
      stream.finish();
    };
    Download result;
    GuestTcp client{world, guest(), kServer};
    client.keep_received = false;
    client.on_data = [&](Bytes bytes) { result.checker(bytes); };
    client.connect();
    result.is_complete = world.advance_until([&] { return client.peer_finished(); }, limit);
    return result;
  }
};

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

TEST_F(WgslirpRegressionTest, B5_ServerThatStopsReadingHoldsUpNobodyElse) {
  StackWorld world;
  auto& server = world.internet.listen(kServer);
  auto& peer = world.internet.bind_udp(kUdpPeer);
  world.internet.host(IpAddress::v4(8, 8, 8, 8)).answers_ping = true;
  peer.on_datagram = [](sim::UdpRemote& self, const sim::ReceivedDatagram& datagram) {
    self.send(datagram.from, datagram.payload);
  };
  GuestTcp stuck{world, guest(1), kServer};
  stuck.connect();
  world.settle();
  server.last().pause_reading();
  stuck.send_generated(100'000'000, fill);
  world.advance(1min);

  GuestTcp other{world, guest(2), kServer};
  other.connect();
  other.send("through");
  world.settle();
  EXPECT_EQ(server.last().received_text(), "through");
  world.send(sim::udp_packet(guest(3), kUdpPeer, "udp too"));
  EXPECT_EQ(world.take_one().text(), "udp too");
  world.send(sim::echo_packet(kGuestIp, IpAddress::v4(8, 8, 8, 8), 1, 1, "x"));
  EXPECT_TRUE(world.take_one().icmp().is_echo_reply());
}

TEST_F(WgslirpRegressionTest, B6_SynFloodToDeadHostsDoesNotDelayUdp) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(kUdpPeer);
  peer.on_datagram = [](sim::UdpRemote& self, const sim::ReceivedDatagram& datagram) {
    self.send(datagram.from, datagram.payload);
  };
  world.internet.host(kDead.ip).is_silent = true;
  for (std::uint16_t i = 0; i < 2000; ++i) {
    world.send(sim::tcp_packet(guest(static_cast<std::uint16_t>(1000 + i)), kDead, header(wire::kTcpSyn)));
    world.take();
    world.send(sim::udp_packet(guest(1), kUdpPeer, "x"));  // no time passes: an answer must be there at once
    ASSERT_EQ(world.take().size(), 1u);
  }
  EXPECT_LE(world.counters().dial_in_flight.value(), 1024);
}

TEST_F(WgslirpRegressionTest, B7_ConnectToADeadHostDoesNotSucceed) {
  StackWorld world;
  world.internet.host(kDead.ip).is_silent = true;
  GuestTcp client{world, guest(), kDead};
  client.connect();
  world.advance(31s);
  EXPECT_FALSE(client.is_established());
  EXPECT_EQ(world.counters().tcp_connections.established.value(), 0u);
  std::vector<sim::GuestPacket> told = world.take();
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(told.back().is_icmp());
}

TEST_F(WgslirpRegressionTest, B8_OneHostConnectionPerGuestConnectHoweverFarTheServer) {
  StackWorld world;
  world.internet.host(kServer.ip).latency = 200ms;
  auto& server = world.internet.listen(kServer);
  GuestTcp client{world, guest(), kServer};
  client.connect();
  // The guest repeats its SYN while we connect.
  world.advance(300ms);
  EXPECT_FALSE(client.is_established());
  world.advance(2s);
  EXPECT_TRUE(client.is_established());
  EXPECT_EQ(world.sockets.connects, 1u);
  EXPECT_EQ(server.streams.size(), 1u);
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

TEST_F(WgslirpRegressionTest, B14_IdleConnectionLivesTwoHoursAndFourMinutes) {
  StackWorld world;
  auto& server = world.internet.listen(kServer);
  GuestTcp client{world, guest(), kServer};
  client.connect();
  client.send("login");
  world.advance(2h + 4min);
  EXPECT_EQ(world.stack().active_flows(), 1u);
  server.last().send("still there?");
  world.settle();
  EXPECT_EQ(client.received_text(), "still there?");
}

TEST_F(WgslirpRegressionTest, B15_RefusedIsConnectionRefusedNotHostUnreachable) {
  StackWorld world;
  world.send(sim::tcp_packet(guest(), kServer, header(wire::kTcpSyn)));
  EXPECT_EQ(world.take_one().tcp().flags(), wire::kTcpRst | wire::kTcpAck);
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

TEST_F(WgslirpRegressionTest, B17_FlowsThatDieInEveryStateLeaveNothingBehind) {
  StackWorld world;
  auto& server = world.internet.listen(kServer);
  world.internet.host(kDead.ip).is_silent = true;
  for (int stage = 0; stage < 6; ++stage) {
    GuestTcp client{world, guest(static_cast<std::uint16_t>(100 + stage)), stage == 0 ? kDead : kServer};
    client.connect();
    if (stage >= 1) world.settle();
    if (stage >= 2) server.last().send_generated(stage == 3 ? 100'000'000 : 1000, fill);
    if (stage == 3) client.pause_reading();
    if (stage == 4) client.finish();
    if (stage == 5) server.last().finish();
    world.settle();
    client.abort();
    world.settle();
  }
  // A guest that gives up connecting says nothing (RFC 9293 3.10.5): the dial has to time out.
  EXPECT_EQ(world.stack().active_flows(), 1u);
  world.advance(31s);
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_EQ(world.sockets.open_sockets, 0u);
  EXPECT_EQ(world.counters().dial_in_flight.value(), 0);
}

TEST_F(WgslirpRegressionTest, B18_OneBadPacketDoesNotCostTheRestOfItsBatch) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(kUdpPeer);
  std::vector<sim::Packet> batch;
  batch.push_back(sim::udp_packet(guest(1), {IpAddress::v4(127, 0, 0, 1), 9}, "denied"));
  batch.push_back({0x45, 0x00});
  batch.push_back(sim::udp_packet(guest(2), {kUdpPeer.ip, 7}, "refused by the host"));
  for (int i = 0; i < 100; ++i) batch.push_back(sim::udp_packet(guest(2), kUdpPeer, "good"));
  batch.push_back({});
  batch.push_back(sim::udp_packet(guest(2), kUdpPeer, "last"));
  world.send(batch);
  EXPECT_EQ(peer.received().size(), 101u);
}

TEST_F(WgslirpRegressionTest, B19_IdleFlowsWakeNobody) {
  StackWorld world;
  world.internet.listen(kServer);
  std::vector<std::unique_ptr<GuestTcp>> clients;
  for (std::uint16_t i = 0; i < 500; ++i) {
    clients.push_back(
        std::make_unique<GuestTcp>(world, guest(static_cast<std::uint16_t>(1000 + i)), kServer));
    clients.back()->connect();
  }
  world.settle();
  // What was armed while connecting runs out, then nothing before the keepalives.
  world.advance(1min);
  EXPECT_GE(world.stack().next_deadline() - world.now, 1h);
}

TEST_F(WgslirpRegressionTest, B21_LoopbackMetadataAndPrivateAreClosed) {
  StackWorld world;
  for (const char* ip : {"127.0.0.1", "169.254.169.254", "192.168.1.1", "10.255.0.1", "100.64.0.1"}) {
    const SocketAddress closed{*IpAddress::parse(ip), 80};
    world.send(sim::tcp_packet(guest(), closed, header(wire::kTcpSyn)));
    world.send(sim::udp_packet(guest(), closed, "x"));
    world.send(sim::echo_packet(kGuestIp, closed.ip, 1, 1, "x"));
  }
  EXPECT_EQ(world.sockets.connects, 0u);
  EXPECT_EQ(world.sockets.udp_opened, 0u);
  EXPECT_EQ(world.sockets.pings_opened, 0u);
  EXPECT_EQ(world.drops(DropReason::kPolicyDenied), 15u);
}

}  // namespace
}  // namespace wgr::slirp
