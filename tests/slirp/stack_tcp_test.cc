// TCP through the whole stack: what a guest and a server see of each other.
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
using wire::IpProtocol;

struct Ends {
  SocketAddress guest;
  SocketAddress server;
};

// Every behaviour holds for both families.
class StackTcpTest : public testing::TestWithParam<Family> {
 protected:
  bool is_v4() const { return GetParam() == Family::kV4; }
  SocketAddress guest(std::uint16_t port = 40000) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"), port};
  }
  SocketAddress server(std::uint16_t port = 80) const {
    return {is_v4() ? IpAddress::v4(93, 184, 216, 34) : *IpAddress::parse("2606:2800:220:1::1"), port};
  }
  SocketAddress dead_host(std::uint16_t port = 80) const {
    return {is_v4() ? IpAddress::v4(93, 184, 216, 99) : *IpAddress::parse("2606:2800:220:1::99"), port};
  }
  wire::TcpHeader syn(std::uint32_t sequence = 1000) const {
    wire::TcpHeader header;
    header.sequence = sequence;
    header.flags = wire::kTcpSyn;
    header.window = 65535;
    return header;
  }
};

INSTANTIATE_TEST_SUITE_P(Families, StackTcpTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(StackTcpTest, CarriesBytesBothWaysAndClosesInOrder) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  ASSERT_TRUE(client.is_established());

  client.send("request");
  world.settle();
  EXPECT_EQ(http.last().received_text(), "request");
  http.last().send("response");
  http.last().finish();
  world.settle();
  EXPECT_EQ(client.received_text(), "response");
  EXPECT_TRUE(client.peer_finished());
  client.finish();
  world.advance(1s);
  EXPECT_TRUE(http.last().peer_finished());
  EXPECT_FALSE(http.last().peer_reset());
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_EQ(world.sockets.open_sockets, 0u);
}

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

TEST_P(StackTcpTest, OneBatchIsOneWriteAndOneAcknowledgement) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  const std::size_t writes = world.sockets.writes;
  const std::uint64_t segments = world.counters().tcp_connections.segments_out.value();
  client.send(std::string(10 * 1300, 'x'));
  world.settle();
  EXPECT_EQ(http.last().bytes_received(), 13000u);
  EXPECT_EQ(world.sockets.writes - writes, 1u);
  EXPECT_LE(world.counters().tcp_connections.segments_out.value() - segments, 1u);
}

TEST_P(StackTcpTest, LargeReadsAreScatteredIntoSegments) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  http.last().send(std::string(200'000, 'y'));
  world.advance(1s);
  EXPECT_EQ(client.bytes_received(), 200'000u);
  EXPECT_LT(world.sockets.reads, 40u);
}

// A server that closes while the guest still sends: FIN, then RST in answer to what comes.
TEST_P(StackTcpTest, GuestThatSendsToAServerThatHasGoneIsReset) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  http.last().finish();
  world.settle();
  EXPECT_TRUE(client.peer_finished());
  http.last().reset();
  world.settle();
  client.send("is anybody there");
  world.settle();
  EXPECT_TRUE(client.was_reset());
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackTcpTest, GuestHalfCloseStillGetsTheAnswer) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  http.on_accept = [](sim::RemoteStream& stream) {
    stream.on_finish = [](sim::RemoteStream& s) {
      s.send(std::string(1'000'000, 'z'));
      s.finish();
    };
  };
  GuestTcp client{world, guest(), server()};
  client.connect();
  client.send("everything I have to say");
  client.finish();
  EXPECT_TRUE(world.advance_until([&] { return client.peer_finished(); }, 5s));
  EXPECT_EQ(client.bytes_received(), 1'000'000u);
}

TEST_P(StackTcpTest, GuestUploadGoesOnAfterTheServerHasFinished) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  http.last().finish();
  world.settle();
  ASSERT_TRUE(client.peer_finished());
  client.send(std::string(1'000'000, 'u'));
  client.finish();
  EXPECT_TRUE(world.advance_until([&] { return http.last().peer_finished(); }, 5s));
  EXPECT_EQ(http.last().bytes_received(), 1'000'000u);
}

TEST_P(StackTcpTest, ServerResetReachesTheGuest) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  http.last().reset();
  world.settle();
  EXPECT_TRUE(client.was_reset());
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackTcpTest, GuestResetReachesTheServer) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  client.abort();
  world.settle();
  EXPECT_TRUE(http.last().peer_reset());
  EXPECT_EQ(world.sockets.open_sockets, 0u);
}

TEST_P(StackTcpTest, LastWordsOfAServerThatResetsAreDelivered) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  // The answer and the reset are there before the guest's next bytes are written.
  client.pause_reading();
  http.last().send("413 too large");
  world.settle();
  http.last().reset();
  client.send("more than you want");
  client.resume_reading();
  world.advance(1s);
  EXPECT_EQ(client.received_text(), "413 too large");
  EXPECT_TRUE(client.was_reset());
}

TEST_P(StackTcpTest, SlowServerClosesTheGuestsWindowAndNothingIsLost) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  http.send_buffer = 64 * 1024;
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  http.last().pause_reading();
  std::string upload(20'000'000, ' ');
  for (std::size_t i = 0; i < upload.size(); ++i) upload[i] = static_cast<char>(i * 31 + i / 4096);
  client.send(upload);
  client.finish();
  world.advance(10s);
  EXPECT_LT(world.counters().tcp.bytes_sent.value(), 64 * 1024 + 1u);
  EXPECT_LT(world.counters().tcp_connections.bytes_in.value(),
            9'000'000u);  // max_receive_window and what is in flight
  http.last().resume_reading();
  EXPECT_TRUE(world.advance_until([&] { return http.last().peer_finished(); }, 60s));
  EXPECT_TRUE(http.last().received_text() == upload);
}

TEST_P(StackTcpTest, SlowGuestStopsTheReadsFromTheServer) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  client.pause_reading();
  std::uint64_t produced = 0;
  http.last().send_generated(1'000'000'000, [&](std::uint64_t offset, MutableBytes into) {
    produced = offset + into.size();
    std::fill(into.begin(), into.end(), std::uint8_t{7});
  });
  world.advance(10s);
  EXPECT_LT(produced, 32'000'000u);
  const std::uint64_t before = produced;
  world.advance(60s);
  EXPECT_EQ(produced, before);
  client.resume_reading();
  client.keep_received = false;
  world.advance_until([&] { return produced > before; }, 1s);
  EXPECT_GT(produced, before);
}

TEST_P(StackTcpTest, ShortReadsAndWritesLoseNothing) {
  StackWorld world;
  world.sockets.max_bytes_per_call = 777;
  auto& echo = world.internet.listen(server());
  echo.on_accept = [](sim::RemoteStream& stream) {
    stream.on_data = [](sim::RemoteStream& s, Bytes bytes) { s.send(bytes); };
    stream.on_finish = [](sim::RemoteStream& s) { s.finish(); };
  };
  GuestTcp client{world, guest(), server()};
  client.connect();
  std::string text(300'000, ' ');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 17 + i / 777);
  client.send(text);
  client.finish();
  EXPECT_TRUE(world.advance_until([&] { return client.peer_finished(); }, 60s));
  EXPECT_TRUE(client.received_text() == text);
}

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

TEST_P(StackTcpTest, ServerFirstCloseLeavesOnlyATimeWaitEntry) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  {
    GuestTcp client{world, guest(), server()};
    client.connect();
    world.settle();
    http.last().finish();
    world.settle();
    client.finish();
    world.advance(1s);
  }
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_EQ(world.counters().time_wait_entries.value(), 1);

  // The FIN comes again: its acknowledgement was lost.
  wire::TcpHeader fin;
  fin.sequence = 1;
  fin.flags = wire::kTcpFin | wire::kTcpAck;
  world.send(sim::tcp_packet(guest(), server(), fin));
  EXPECT_EQ(world.take_one().tcp().flags(), wire::kTcpAck);
  // RFC 1337: a reset does not end it.
  wire::TcpHeader rst;
  rst.flags = wire::kTcpRst;
  world.send(sim::tcp_packet(guest(), server(), rst));
  EXPECT_EQ(world.counters().time_wait_entries.value(), 1);
  world.advance(61s);
  EXPECT_EQ(world.counters().time_wait_entries.value(), 0);
}

TEST_P(StackTcpTest, TimeWaitIsReopenedByANewerSynOnly) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  {
    GuestTcp client{world, guest(), server()};
    client.connect();
    world.settle();
    http.last().finish();
    world.settle();
    client.finish();
    world.advance(1s);
  }
  ASSERT_EQ(world.counters().time_wait_entries.value(), 1);
  // GuestTcp began at 0xfffff000 and sent a SYN and a FIN.
  world.send(sim::tcp_packet(guest(), server(), syn(0xffffe000u)));
  EXPECT_EQ(world.take_one().tcp().flags(), wire::kTcpAck);
  EXPECT_EQ(http.streams.size(), 1u);
  world.send(sim::tcp_packet(guest(), server(), syn(0xfffff100u)));
  EXPECT_EQ(world.take_one().tcp().flags(), wire::kTcpSyn | wire::kTcpAck);
  EXPECT_EQ(http.streams.size(), 2u);
  EXPECT_EQ(world.counters().time_wait_reopened.value(), 1u);
}

TEST_P(StackTcpTest, GuestThatHasGoneStillOwesItsBytesToTheServer) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  http.send_buffer = 10'000;
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  http.last().pause_reading();
  client.send(std::string(50'000, 'b'));
  client.finish();
  http.last().finish();
  world.advance(5s);
  ASSERT_FALSE(http.last().peer_finished());
  http.last().resume_reading();
  world.advance(1s);
  EXPECT_EQ(http.last().bytes_received(), 50'000u);
  EXPECT_TRUE(http.last().peer_finished());
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackTcpTest, SmallerPathMtuReportedByTheGuestShrinksSegments) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  std::size_t largest = 0;
  bool is_small_link = false;
  const std::size_t small = 1300;
  sim::Packet dropped;
  world.passes_to_guest = [&](const sim::GuestPacket& packet) {
    if (is_small_link && packet.bytes.size() > small) {
      if (dropped.empty()) dropped = packet.bytes;
      return false;
    }
    if (is_small_link) largest = std::max(largest, packet.bytes.size());
    return true;
  };
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  is_small_link = true;
  http.last().send(std::string(100'000, 'p'));
  world.settle();
  ASSERT_FALSE(dropped.empty());
  // A forged one first: its sequence number is not in flight.
  sim::Packet forged = dropped;
  store_be<std::uint32_t>(forged.data() + (is_v4() ? 20 : 40) + 4, 1);
  const IpAddress hop = guest().ip;
  for (const sim::Packet& quoted : {forged, dropped}) {
    world.send(sim::icmp_error_packet(hop, server().ip, is_v4() ? 3 : 2, is_v4() ? 4 : 0, small,
                                      Bytes{quoted}.first(128)));
  }
  EXPECT_EQ(world.drops(DropReason::kIcmpUnmatched), 1u);
  EXPECT_TRUE(world.advance_until([&] { return client.bytes_received() == 100'000u; }, 5s));
  EXPECT_LE(largest, small);
  EXPECT_GT(largest, small - 20);
}

TEST_P(StackTcpTest, LostSegmentsOnTheWayToTheGuestAreRepaired) {
  StackWorld world;
  world.link_latency = 10ms;
  auto& http = world.internet.listen(server());
  int count = 0;
  world.passes_to_guest = [&](const sim::GuestPacket&) { return ++count % 50 != 0; };
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.advance(100ms);
  ASSERT_TRUE(client.is_established());
  std::string text(3'000'000, ' ');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 13 + i / 1000);
  http.last().send(text);
  http.last().finish();
  EXPECT_TRUE(world.advance_until([&] { return client.peer_finished(); }, 60s));
  EXPECT_TRUE(client.received_text() == text);
}

TEST_P(StackTcpTest, CopyTosPutsTheGuestsDscpOnReplies) {
  for (const bool is_copied : {true, false}) {
    Config config = StackWorld::default_config();
    config.copy_tos = is_copied;
    StackWorld world{config};
    world.internet.listen(server());
    world.send(sim::tcp_packet(guest(), server(), syn(), {}, {.tos = 0xb9}));
    world.settle();
    EXPECT_EQ(world.take_one().ip().tos, is_copied ? 0xb8 : 0x00);
  }
}

}  // namespace
}  // namespace wgr::slirp
