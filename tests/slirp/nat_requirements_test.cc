// Requirements on address translators that the tests of the bridges do not name: RFC 5382 (TCP), RFC 7857,
// RFC 6888, RFC 6092. RFC 4787 and RFC 5508 are in stack_udp_test and stack_icmp_test.
//
// RFC 5382 REQ-1 (endpoint-independent mapping) is a stated deviation: a flow is a socket of the host. REQ-3,
// REQ-4 and REQ-8 are about connections from outside, which need a forward.
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

class NatRequirementsTest : public testing::TestWithParam<Family> {
 protected:
  bool is_v4() const { return GetParam() == Family::kV4; }
  SocketAddress guest(std::uint16_t port = 40000) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"), port};
  }
  SocketAddress server() const {
    return {is_v4() ? IpAddress::v4(93, 184, 216, 34) : *IpAddress::parse("2606:2800:220:1::1"), 80};
  }
};

INSTANTIATE_TEST_SUITE_P(Families, NatRequirementsTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

// RFC 6092 says the same for IPv6 (REC-35).
TEST_P(NatRequirementsTest, Rfc5382_Req5_EstablishedConnectionOfASilentGuestLives2h4min) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  client.send("x");
  world.settle();
  world.passes_to_guest = [](const sim::GuestPacket&) { return false; };
  world.advance(2h + 4min - 1s);
  EXPECT_EQ(world.stack().active_flows(), 1u);
  EXPECT_FALSE(http.last().peer_closed());
  world.advance(30min);
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_TRUE(http.last().peer_closed());
}

TEST_P(NatRequirementsTest, Rfc5382_Req5_TransitoryConnectionLivesFourMinutes) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  http.last().finish();
  world.settle();
  ASSERT_TRUE(client.peer_finished());
  world.advance(4min - 1s);
  EXPECT_EQ(world.stack().active_flows(), 1u);
  client.send("half-closed and in use");
  world.settle();
  EXPECT_EQ(http.last().received_text(), "half-closed and in use");
}

TEST_P(NatRequirementsTest, Rfc5382_Req9_IcmpOfTheHostIsTranslated) {
  const auto code_for = [this](int error) {
    StackWorld world;
    world.internet.host(server().ip).connect_error = error;
    wire::TcpHeader syn;
    syn.flags = wire::kTcpSyn;
    world.send(sim::tcp_packet(guest(), server(), syn));
    return int{world.take_one().icmp().code()};
  };
  EXPECT_EQ(code_for(ENETUNREACH), 0);
  EXPECT_EQ(code_for(EHOSTUNREACH), is_v4() ? 1 : 3);
  EXPECT_EQ(code_for(EACCES), is_v4() ? 13 : 1);
}

TEST_P(NatRequirementsTest, Rfc5382_Req10_IcmpErrorsNeverEndAConnection) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  sim::Packet last;
  world.passes_to_guest = [&](const sim::GuestPacket& packet) {
    last = packet.bytes;
    return true;
  };
  GuestTcp client{world, guest(), server()};
  client.connect();
  world.settle();
  http.last().send("y");
  world.settle();
  for (std::uint8_t code = 0; code < 16; ++code) {
    world.send(sim::icmp_error_packet(guest().ip, server().ip, is_v4() ? 3 : 1, code, 0, last));
  }
  client.send("alive");
  world.settle();
  EXPECT_EQ(http.last().received_text(), "alive");
}

TEST_P(NatRequirementsTest, Rfc7857_InboundIcmpErrorsDoNotRefreshAMapping) {
  StackWorld world;
  auto& host = world.internet.host(server().ip);
  host.datagram_error = EHOSTUNREACH;
  host.icmp_type = is_v4() ? 3 : 1;
  host.icmp_code = 1;
  host.latency = 2min;
  world.send(sim::udp_packet(guest(), server(), "x"));
  world.advance(4min + 1s);
  EXPECT_EQ(world.take().size(), 1u);
  world.advance(59s);
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(NatRequirementsTest, Rfc7857_PartiallyOpenConnectionEndsLongBeforeFourMinutes) {
  StackWorld world;
  auto& http = world.internet.listen(server());
  wire::TcpHeader syn;
  syn.flags = wire::kTcpSyn;
  world.send(sim::tcp_packet(guest(), server(), syn));
  world.advance(30s);
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_TRUE(http.last().peer_closed());
}

TEST_P(NatRequirementsTest, Rfc6888_Req4_NoGuestTakesAnothersShare) {
  Config config = StackWorld::default_config();
  config.limits.udp_flows_per_guest = 100;
  config.limits.tcp_flows_per_guest = 100;
  StackWorld world{config};
  world.internet.listen(server());
  auto& peer = world.internet.bind_udp({server().ip, 9000});
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    wire::TcpHeader syn;
    syn.flags = wire::kTcpSyn;
    world.send({sim::udp_packet(guest(port), {server().ip, 9000}, "x"),
                sim::tcp_packet(guest(port), server(), syn)});
  }
  EXPECT_EQ(world.stack().active_flows(), 200u);
  world.take();
  world.send(sim::udp_packet(guest(1), {server().ip, 9000}, "other"), kOtherGuest);
  EXPECT_EQ(peer.received().back().text(), "other");
  GuestTcp client{world, guest(2), server(), kOtherGuest};
  client.connect();
  world.settle();
  EXPECT_TRUE(client.is_established());
}

TEST_P(NatRequirementsTest, Rfc6888_Req11_RefusalForWantOfResourcesIsIcmpAndCounted) {
  StackWorld world;
  world.sockets.descriptor_limit = 0;
  wire::TcpHeader syn;
  syn.flags = wire::kTcpSyn;
  world.send(sim::tcp_packet(guest(), server(), syn));
  world.send(sim::udp_packet(guest(), server(), "x"));
  world.send(sim::echo_packet(guest().ip, server().ip, 1, 1, "x"));
  std::vector<sim::GuestPacket> told = world.take();
  ASSERT_EQ(told.size(), 3u);
  for (sim::GuestPacket& packet : told) EXPECT_EQ(packet.icmp().code(), is_v4() ? 13 : 1);
  EXPECT_EQ(world.drops(DropReason::kDescriptorsExhausted), 3u);
}

// The memory of a guest that takes everything is its own share of the budget, and others still transfer.
TEST_P(NatRequirementsTest, Rfc6888_Req5_MemoryOfAGuestIsBoundedAndOthersStillTransfer) {
  Config config = StackWorld::default_config();
  config.limits.tcp_memory = 8 * 1024 * 1024;
  config.limits.tcp_memory_per_guest = 4 * 1024 * 1024;
  StackWorld world{config};
  auto& http = world.internet.listen(server());
  http.on_accept = [](sim::RemoteStream& stream) {
    stream.send_generated(3'000'000, [](std::uint64_t, MutableBytes) {});
  };
  std::vector<std::unique_ptr<GuestTcp>> greedy;
  for (std::uint16_t port = 1; port <= 20; ++port) {
    greedy.push_back(std::make_unique<GuestTcp>(world, guest(port), server()));
    greedy.back()->keep_received = false;
    greedy.back()->pause_reading();
    greedy.back()->connect();
  }
  world.advance(5s);
  GuestTcp other{world, guest(1), server(), kOtherGuest};
  other.keep_received = false;
  other.connect();
  EXPECT_TRUE(world.advance_until([&] { return other.bytes_received() == 3'000'000u; }, 10s));
  // And the greedy one's flows go on, one by one as memory comes free.
  for (auto& client : greedy) client->resume_reading();
  EXPECT_TRUE(world.advance_until(
      [&] {
        return std::all_of(greedy.begin(), greedy.end(),
                           [](auto& c) { return c->bytes_received() == 3'000'000u; });
      },
      120s));
}

}  // namespace
}  // namespace wgr::slirp
