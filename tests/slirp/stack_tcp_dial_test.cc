// TCP through the whole stack: what a guest that connects hears of the host's connect().
#include <cerrno>

#include "tests/slirp/stack_tcp_fixture.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::GuestTcp;
using sim::StackWorld;
using wire::IpProtocol;

TEST_P(StackTcpTest, SaysNothingToTheGuestBeforeTheHostHasConnected) {
  StackWorld world;
  world.internet.host(server().ip).latency = 50ms;
  world.internet.listen(server());
  world.send(sim::tcp_packet(guest(), server(), syn()));
  world.advance(99ms);
  EXPECT_TRUE(world.take().empty());
  world.advance(1ms);
  sim::GuestPacket answer = world.take_one();
  EXPECT_EQ(answer.tcp().flags(), wire::kTcpSyn | wire::kTcpAck);
  EXPECT_EQ(answer.tcp().acknowledgement(), 1001u);
}

TEST_P(StackTcpTest, RefusedIsReset) {
  StackWorld world;
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  EXPECT_TRUE(client.was_refused());
  EXPECT_EQ(world.counters().dial_refused.value(), 1u);
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackTcpTest, HostUnreachableIsTheMatchingIcmpAboutTheSyn) {
  StackWorld world;
  world.internet.host(server().ip).connect_error = EHOSTUNREACH;
  world.send(sim::tcp_packet(guest(), server(), syn(77)));
  sim::GuestPacket answer = world.take_one();
  ASSERT_TRUE(answer.is_icmp());
  EXPECT_EQ(answer.ip().destination, guest().ip);
  EXPECT_EQ(answer.icmp().type(), is_v4() ? 3 : 1);
  EXPECT_EQ(answer.icmp().code(), is_v4() ? 1 : 3);
  const wire::QuotedPacket quoted = answer.quoted();
  EXPECT_EQ(quoted.source, guest().ip);
  EXPECT_EQ(quoted.destination, server().ip);
  EXPECT_EQ(quoted.source_port(), guest().port);
  EXPECT_EQ(quoted.destination_port(), server().port);
  EXPECT_EQ(quoted.tcp_sequence(), 77u);
}

TEST_P(StackTcpTest, NetUnreachableAtOnceIsTheMatchingIcmp) {
  StackWorld world;
  world.internet.host(server().ip).connect_fails_at_once = ENETUNREACH;
  world.send(sim::tcp_packet(guest(), server(), syn()));
  sim::GuestPacket answer = world.take_one();
  ASSERT_TRUE(answer.is_icmp());
  EXPECT_EQ(answer.icmp().type(), is_v4() ? 3 : 1);
  EXPECT_EQ(answer.icmp().code(), 0);
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackTcpTest, SilentHostIsHostUnreachableAfterTheConnectTimeout) {
  StackWorld world;
  world.internet.host(server().ip).is_silent = true;
  world.send(sim::tcp_packet(guest(), server(), syn()));
  world.advance(30s - 1ms);
  EXPECT_TRUE(world.take().empty());
  world.advance(1ms);
  sim::GuestPacket answer = world.take_one();
  ASSERT_TRUE(answer.is_icmp());
  EXPECT_EQ(answer.icmp().code(), is_v4() ? 1 : 3);
  EXPECT_EQ(world.counters().dial_timed_out.value(), 1u);
  EXPECT_EQ(world.sockets.open_sockets, 0u);
}

TEST_P(StackTcpTest, ErrorSignalChoosesTheAnswer) {
  const auto answers = [this](TcpErrorSignal signal, int error) {
    Config config = StackWorld::default_config();
    config.tcp.error_signal = signal;
    StackWorld world{config};
    world.internet.host(server().ip).connect_error = error;
    world.send(sim::tcp_packet(guest(), server(), syn()));
    return world.take();
  };
  auto icmp = answers(TcpErrorSignal::kIcmp, ECONNREFUSED);
  ASSERT_EQ(icmp.size(), 1u);
  EXPECT_TRUE(icmp[0].is_icmp());
  auto rst = answers(TcpErrorSignal::kRst, EHOSTUNREACH);
  ASSERT_EQ(rst.size(), 1u);
  ASSERT_TRUE(rst[0].is(IpProtocol::kTcp));
  EXPECT_EQ(rst[0].tcp().flags(), wire::kTcpRst | wire::kTcpAck);
  EXPECT_EQ(rst[0].tcp().acknowledgement(), 1001u);
  EXPECT_TRUE(answers(TcpErrorSignal::kNone, ECONNREFUSED).empty());
}

TEST_P(StackTcpTest, GuestThatGivesUpWhileWeConnectCostsNothing) {
  StackWorld world;
  world.internet.host(dead_host().ip).is_silent = true;
  world.send(sim::tcp_packet(guest(), dead_host(), syn(1000)));
  wire::TcpHeader rst;
  rst.sequence = 1001;
  rst.flags = wire::kTcpRst;
  world.send(sim::tcp_packet(guest(), dead_host(), rst));
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_EQ(world.sockets.open_sockets, 0u);
  EXPECT_EQ(world.counters().dial_abandoned.value(), 1u);
}

}  // namespace
}  // namespace wgr::slirp
