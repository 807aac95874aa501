// TCP through the whole stack: which segments may begin a flow, by state, policy, limits and life of a guest.
#include "tests/slirp/stack_tcp_fixture.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::GuestTcp;
using sim::kGuest;
using sim::kOtherGuest;
using sim::StackWorld;

TEST_P(StackTcpTest, SegmentOfNoFlowIsReset) {
  StackWorld world;
  wire::TcpHeader header;
  header.sequence = 5000;
  header.acknowledgement = 9000;
  header.flags = wire::kTcpAck;
  world.send(sim::tcp_packet(guest(), server(), header, "data"));
  sim::GuestPacket answer = world.take_one();
  EXPECT_EQ(answer.tcp().flags(), wire::kTcpRst);
  EXPECT_EQ(answer.tcp().sequence(), 9000u);

  header.flags = wire::kTcpFin;
  world.send(sim::tcp_packet(guest(), server(), header, "data"));
  answer = world.take_one();
  EXPECT_EQ(answer.tcp().flags(), wire::kTcpRst | wire::kTcpAck);
  EXPECT_EQ(answer.tcp().acknowledgement(), 5005u);
}

TEST_P(StackTcpTest, ResetOfNoFlowIsIgnored) {
  StackWorld world;
  wire::TcpHeader header;
  header.flags = wire::kTcpRst;
  world.send(sim::tcp_packet(guest(), server(), header));
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.drops(DropReason::kFlowUnknown), 1u);
}

TEST_P(StackTcpTest, PortZeroAndOwnPortsWithoutServiceAreRefused) {
  StackWorld world;
  world.send(sim::tcp_packet(guest(), server(0), syn()));
  world.send(sim::tcp_packet(guest(0), server(), syn()));
  EXPECT_TRUE(world.take().empty());
  const IpAddress own = is_v4() ? IpAddress::v4(10, 0, 0, 1) : *IpAddress::parse("fd00::1");
  world.send(sim::tcp_packet(guest(), {own, 80}, syn()));
  EXPECT_EQ(world.take_one().tcp().flags(), wire::kTcpRst | wire::kTcpAck);
  EXPECT_EQ(world.sockets.connects, 0u);
}

TEST_P(StackTcpTest, PolicyDeniedIsAdministrativelyProhibitedAndNeverDialled) {
  StackWorld world;
  const SocketAddress closed{is_v4() ? IpAddress::v4(192, 168, 1, 1) : *IpAddress::parse("fd12::1"), 80};
  world.send(sim::tcp_packet(guest(), closed, syn()));
  sim::GuestPacket answer = world.take_one();
  ASSERT_TRUE(answer.is_icmp());
  EXPECT_EQ(answer.icmp().type(), is_v4() ? 3 : 1);
  EXPECT_EQ(answer.icmp().code(), is_v4() ? 13 : 1);
  EXPECT_EQ(world.drops(DropReason::kPolicyDenied), 1u);
  EXPECT_EQ(world.sockets.connects, 0u);
}

TEST_P(StackTcpTest, DeniedSynsBeyondTheIcmpBudgetAreReset) {
  StackWorld world;
  const SocketAddress closed{is_v4() ? IpAddress::v4(192, 168, 1, 1) : *IpAddress::parse("fd12::1"), 80};
  for (std::uint16_t port = 1; port <= 150; ++port) world.send(sim::tcp_packet(guest(port), closed, syn()));
  int errors = 0;
  int resets = 0;
  for (sim::GuestPacket& packet : world.take()) (packet.is_icmp() ? errors : resets)++;
  EXPECT_EQ(errors, 100);
  EXPECT_EQ(resets, 50);
}

TEST_P(StackTcpTest, NewPolicyHoldsForNewFlowsOnly) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  egress::Policy::Settings closed;
  std::string error;
  closed.global.deny.push_back(*egress::Rule::parse(is_v4() ? "0.0.0.0/0" : "::/0", error));
  world.stack().set_policy(std::make_shared<const egress::Policy>(closed));
  client.send("still here");
  world.settle();
  EXPECT_EQ(http.last().received_text(), "still here");
  world.send(sim::tcp_packet(guest(40001), server(), syn()));
  EXPECT_TRUE(world.take_one().is_icmp());
}

TEST_P(StackTcpTest, RunningOutOfDescriptorsRefusesAndLiveFlowsGoOn) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  world.sockets.descriptor_limit = 1;
  world.send(sim::tcp_packet(guest(40001), server(), syn()));
  EXPECT_TRUE(world.take_one().is_icmp());
  EXPECT_EQ(world.drops(DropReason::kDescriptorsExhausted), 1u);
  client.send("still here");
  world.settle();
  EXPECT_EQ(http.last().received_text(), "still here");
}

TEST_P(StackTcpTest, CapsPerGuestRefuseThatGuestOnly) {
  Config config = StackWorld::default_config();
  config.limits.tcp_flows_per_guest = 2;
  StackWorld world{config};
  world.internet.listen(server());
  for (std::uint16_t port = 1; port <= 3; ++port) world.send(sim::tcp_packet(guest(port), server(), syn()));
  int refused = 0;
  for (sim::GuestPacket& packet : world.take()) refused += packet.is_icmp() ? 1 : 0;
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(world.drops(DropReason::kFlowLimitGuest), 1u);
  world.send(sim::tcp_packet(guest(1), server(), syn()), kOtherGuest);
  EXPECT_EQ(world.take_one().tcp().flags(), wire::kTcpSyn | wire::kTcpAck);
}

TEST_P(StackTcpTest, ConnectingCapCountsOnlyPendingDials) {
  Config config = StackWorld::default_config();
  config.limits.connecting_per_guest = 2;
  StackWorld world{config};
  world.internet.listen(server());
  world.internet.host(dead_host().ip).is_silent = true;
  for (std::uint16_t port = 1; port <= 5; ++port) world.send(sim::tcp_packet(guest(port), server(), syn()));
  EXPECT_EQ(world.take().size(), 5u);
  for (std::uint16_t port = 11; port <= 13; ++port)
    world.send(sim::tcp_packet(guest(port), dead_host(), syn()));
  EXPECT_TRUE(world.take_one().is_icmp());
  world.advance(31s);
  EXPECT_EQ(world.counters().dial_in_flight.value(), 0);
  world.take();
  world.send(sim::tcp_packet(guest(14), dead_host(), syn()));
  EXPECT_TRUE(world.take().empty());
}

TEST_P(StackTcpTest, RemovedGuestTakesItsFlowsAndSocketsAlong) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  GuestTcp other{world, guest(), server(), kOtherGuest};
  client.connect();
  other.connect();
  world.settle();
  client.send("x");
  world.settle();
  world.stack().remove_guest(kGuest);
  world.settle();
  EXPECT_TRUE(http.streams[0]->peer_reset());
  EXPECT_FALSE(http.streams[1]->peer_closed());
  EXPECT_EQ(world.stack().active_flows(), 1u);
  world.stack().remove_guest(kGuest);
  other.send("y");
  world.settle();
  EXPECT_EQ(http.streams[1]->received_text(), "y");
}

TEST_P(StackTcpTest, DrainingRefusesNewFlowsAndServesLiveOnes) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  world.stack().drain();
  client.send("still here");
  world.settle();
  EXPECT_EQ(http.last().received_text(), "still here");
  world.send(sim::tcp_packet(guest(40001), server(), syn()));
  EXPECT_EQ(world.take().size(), 1u);
  EXPECT_EQ(world.drops(DropReason::kShuttingDown), 1u);
  EXPECT_EQ(world.stack().active_flows(), 1u);
}

}  // namespace
}  // namespace wgr::slirp
