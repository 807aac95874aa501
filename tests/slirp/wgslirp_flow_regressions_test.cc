// The faults B1 to B22 of the program whose users we inherit, as far as they are the stack's: how flows
// begin, live side by side and end. Each test names the symptom. (B20 is about a metric of WireGuard
// handshakes and lives with the reports.)
#include "tests/slirp/wgslirp_regressions_fixture.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::GuestTcp;
using sim::StackWorld;

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
