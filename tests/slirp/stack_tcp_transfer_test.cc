// TCP through the whole stack: bytes both ways, flow control, loss and path MTU.
#include <algorithm>

#include "tests/slirp/stack_tcp_fixture.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::GuestTcp;
using sim::StackWorld;

// Of the tests in every file.
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
