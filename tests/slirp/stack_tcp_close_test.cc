// TCP through the whole stack: half-close, reset and TIME-WAIT, from either side.
#include "tests/slirp/stack_tcp_fixture.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::GuestTcp;
using sim::StackWorld;

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

TEST_P(StackTcpTest, SlowReaderGetsAllThatAGuestLeftBehind) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  http.send_buffer = 10'000;
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  auto& remote = http.last();
  remote.on_data = [](sim::RemoteStream& stream, Bytes) { stream.pause_reading(); };
  remote.pause_reading();
  client.send(std::string(200'000, 'b'));
  client.finish();
  remote.finish();
  for (int minute = 0; minute < 60 && !remote.peer_finished() && !remote.peer_reset(); ++minute) {
    world.advance(60s);
    remote.resume_reading();
  }
  EXPECT_EQ(remote.bytes_received(), 200'000u);
  EXPECT_FALSE(remote.peer_reset());
}

TEST_P(StackTcpTest, RepeatedFinsProlongTimeWaitOnce) {
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
  wire::TcpHeader fin;
  fin.sequence = 1;
  fin.flags = wire::kTcpFin | wire::kTcpAck;
  for (int i = 0; i < 100; ++i) {
    world.send(sim::tcp_packet(guest(), server(), fin));
    EXPECT_EQ(world.take_one().tcp().flags(), wire::kTcpAck);
    world.advance(1s);
  }
  EXPECT_EQ(world.counters().time_wait_entries.value(), 1);
  world.advance(61s);
  EXPECT_EQ(world.counters().time_wait_entries.value(), 0);
}

}  // namespace
}  // namespace wgr::slirp
