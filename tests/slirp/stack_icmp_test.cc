// Ping and ICMP errors through the whole stack. Requirements are RFC 5508's.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::echo_packet;
using sim::kGuest;
using sim::kOtherGuest;
using sim::StackWorld;

class StackIcmpTest : public testing::TestWithParam<Family> {
 protected:
  bool is_v4() const { return GetParam() == Family::kV4; }
  IpAddress guest() const { return is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"); }
  IpAddress remote(std::uint8_t n = 1) const {
    return is_v4() ? IpAddress::v4(93, 184, 216, n)
                   : *IpAddress::parse("2606:2800:220:1::" + std::to_string(n));
  }
  IpAddress own() const { return is_v4() ? IpAddress::v4(10, 0, 0, 1) : *IpAddress::parse("fd00::1"); }
};

INSTANTIATE_TEST_SUITE_P(Families, StackIcmpTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(StackIcmpTest, Rfc5508_Req1_QueriesAndRepliesPassWithTheGuestsIdentifier) {
  StackWorld world;
  world.internet.host(remote()).answers_ping = true;
  world.send(echo_packet(guest(), remote(), 0xbeef, 7, "payload as it is"));
  sim::GuestPacket reply = world.take_one();
  ASSERT_TRUE(reply.is_icmp());
  EXPECT_TRUE(reply.icmp().is_echo_reply());
  EXPECT_EQ(reply.ip().source, remote());
  EXPECT_EQ(reply.icmp().identifier(), 0xbeef);
  EXPECT_EQ(reply.icmp().sequence(), 7);
  EXPECT_EQ(std::string(reply.icmp().payload().begin(), reply.icmp().payload().end()), "payload as it is");
  EXPECT_TRUE(reply.icmp().checksum_is_valid(reply.ip().source, reply.ip().destination));
}

TEST_P(StackIcmpTest, Rfc5508_Req1a_OneIdentifierIsOneSocketWhateverTheRemote) {
  StackWorld world;
  for (std::uint8_t n = 1; n <= 3; ++n) {
    world.internet.host(remote(n)).answers_ping = true;
    world.send(echo_packet(guest(), remote(n), 5, n, "x"));
  }
  EXPECT_EQ(world.take().size(), 3u);
  EXPECT_EQ(world.sockets.pings_opened, 1u);
  world.send(echo_packet(guest(), remote(1), 5, 1, "x"), kOtherGuest);
  EXPECT_EQ(world.take_one().guest, kOtherGuest);
  EXPECT_EQ(world.sockets.pings_opened, 2u);
}

TEST_P(StackIcmpTest, Rfc5508_Req2_QuerySessionLives60s) {
  StackWorld world;
  auto& host = world.internet.host(remote());
  host.answers_ping = true;
  host.latency = 29s;
  world.send(echo_packet(guest(), remote(), 5, 1, "slow"));
  world.advance(58s);
  EXPECT_TRUE(world.take_one().icmp().is_echo_reply());
  world.advance(1999ms);
  EXPECT_EQ(world.stack().active_flows(), 1u);
  world.advance(2ms);
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackIcmpTest, Rfc5508_Req4_ErrorAboutAQueryQuotesTheGuestsOwnQuery) {
  StackWorld world;
  auto& host = world.internet.host(remote());
  host.datagram_error = EHOSTUNREACH;
  host.icmp_type = is_v4() ? 3 : 1;
  host.icmp_code = is_v4() ? 1 : 3;
  world.send(echo_packet(guest(), remote(), 0xbeef, 7, "x"));
  sim::GuestPacket error = world.take_one();
  EXPECT_EQ(error.icmp().type(), is_v4() ? 3 : 1);
  EXPECT_EQ(error.quoted().source, guest());
  EXPECT_EQ(error.quoted().destination, remote());
  EXPECT_EQ(error.quoted().echo_identifier(), 0xbeef);
  EXPECT_EQ(error.quoted().echo_sequence(), 7);
}

TEST_P(StackIcmpTest, Rfc5508_Req6_ErrorNeitherEndsNorRefreshesTheQuerySession) {
  StackWorld world;
  auto& host = world.internet.host(remote());
  host.datagram_error = EHOSTUNREACH;
  host.icmp_type = is_v4() ? 3 : 1;
  host.latency = 10s;
  world.send(echo_packet(guest(), remote(), 5, 1, "x"));
  world.advance(21s);
  EXPECT_EQ(world.stack().active_flows(), 1u);
  world.advance(39s + 1ms);
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackIcmpTest, Rfc5508_Req8_DeniedIsAdministrativelyProhibited) {
  StackWorld world;
  const IpAddress closed = is_v4() ? IpAddress::v4(192, 168, 0, 1) : *IpAddress::parse("fd77::1");
  world.send(echo_packet(guest(), closed, 5, 1, "x"));
  EXPECT_EQ(world.take_one().icmp().code(), is_v4() ? 13 : 1);
  EXPECT_EQ(world.sockets.pings_opened, 0u);
}

TEST_P(StackIcmpTest, Rfc5508_Req3_ErrorWithABadSumIsDropped) {
  StackWorld world;
  sim::Packet quoted = sim::udp_packet({remote(), 1}, {guest(), 2}, "x");
  sim::Packet error = sim::icmp_error_packet(guest(), remote(), is_v4() ? 3 : 1, 3, 0, quoted);
  error.back() ^= 1;
  world.send(error);
  EXPECT_EQ(world.drops(DropReason::kChecksumInvalid), 1u);
}

TEST_P(StackIcmpTest, TracerouteByPingSeesEveryHop) {
  StackWorld world;
  auto& host = world.internet.host(remote());
  host.answers_ping = true;
  const IpAddress router = is_v4() ? IpAddress::v4(4, 4, 4, 4) : *IpAddress::parse("2600::4");
  host.routers = {router};
  world.send(echo_packet(guest(), remote(), 5, 1, "x", {.ttl = 1}));
  EXPECT_EQ(world.take_one().ip().source, own());
  world.send(echo_packet(guest(), remote(), 5, 2, "x", {.ttl = 2}));
  sim::GuestPacket second = world.take_one();
  EXPECT_EQ(second.ip().source, router);
  EXPECT_EQ(second.icmp().type(), is_v4() ? 11 : 3);
  EXPECT_EQ(second.quoted().echo_identifier(), 5);
  EXPECT_EQ(second.quoted().echo_sequence(), 2);
  world.send(echo_packet(guest(), remote(), 5, 3, "x", {.ttl = 3}));
  EXPECT_TRUE(world.take_one().icmp().is_echo_reply());
}

TEST_P(StackIcmpTest, OwnAddressAnswersEvenWhereTheKernelForbidsPing) {
  StackWorld world;
  world.sockets.ping_error = EACCES;
  world.internet.host(remote()).answers_ping = true;
  world.send(echo_packet(guest(), remote(), 5, 1, "x"));
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.drops(DropReason::kPingUnavailable), 1u);
  world.send(echo_packet(guest(), own(), 6, 9, "hello router"));
  sim::GuestPacket reply = world.take_one();
  EXPECT_TRUE(reply.icmp().is_echo_reply());
  EXPECT_EQ(reply.ip().source, own());
  EXPECT_EQ(reply.icmp().identifier(), 6);
  EXPECT_EQ(reply.icmp().sequence(), 9);
  EXPECT_EQ(reply.icmp().payload().size(), 12u);
}

TEST_P(StackIcmpTest, LargeEchoComesBackInFragments) {
  StackWorld world;
  const sim::Packet echo = echo_packet(guest(), own(), 6, 9, std::string(4000, 'e'));
  world.send(sim::fragments_of(echo, 1420));
  std::vector<sim::GuestPacket> fragments = world.take();
  EXPECT_EQ(fragments.size(), 3u);
}

TEST_P(StackIcmpTest, UnknownTypesAreSilentlyDropped) {
  StackWorld world;
  world.send(sim::icmp_error_packet(guest(), remote(), is_v4() ? 13 : 200, 0, 0, sim::bytes_of("xxxxxxxx")));
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.drops(DropReason::kProtocolUnsupported), 1u);
}

TEST_P(StackIcmpTest, UnknownProtocolIsTold) {
  StackWorld world;
  world.send(sim::ip_packet(guest(), remote(), static_cast<wire::IpProtocol>(132),
                            sim::bytes_of("sctp here ......")));
  sim::GuestPacket error = world.take_one();
  EXPECT_EQ(error.icmp().type(), is_v4() ? 3 : 4);
  EXPECT_EQ(error.icmp().code(), is_v4() ? 2 : 1);
}

TEST_P(StackIcmpTest, PingFlowsAreCappedPerGuestAndTheIdlestGivesWay) {
  Config config = StackWorld::default_config();
  config.limits.icmp_flows_per_guest = 4;
  StackWorld world{config};
  world.internet.host(remote()).answers_ping = true;
  for (std::uint16_t id = 1; id <= 20; ++id) world.send(echo_packet(guest(), remote(), id, 1, "x"));
  EXPECT_EQ(world.take().size(), 20u);
  EXPECT_EQ(world.stack().active_flows(), 4u);
  EXPECT_EQ(world.sockets.open_sockets, 4u);
}

// RFC 5508 REQ-8: without resources the sender is told, and live flows stay.
TEST_P(StackIcmpTest, Rfc5508_Req8_PingFlowsAreCappedInAll) {
  Config config = StackWorld::default_config();
  config.limits.icmp_flows = 2;
  StackWorld world{config};
  world.internet.host(remote()).answers_ping = true;
  for (std::uint16_t id = 1; id <= 3; ++id) world.send(echo_packet(guest(), remote(), id, 1, "x"));

  EXPECT_EQ(world.stack().active_flows(), 2u);
  EXPECT_EQ(world.drops(DropReason::kFlowLimitTotal), 1u);
}

TEST_P(StackIcmpTest, ErrorsToAGuestAreRationed) {
  StackWorld world;
  int told = 0;
  for (int i = 0; i < 500; ++i) {
    world.send(echo_packet(guest(), remote(), 5, 1, "x", {.ttl = 1}));
    told += static_cast<int>(world.take().size());
  }
  EXPECT_EQ(told, 100);
  EXPECT_EQ(world.drops(DropReason::kIcmpRateLimited), 400u);
  world.send(echo_packet(guest(), remote(), 5, 1, "x", {.ttl = 1}), kOtherGuest);
  EXPECT_EQ(world.take().size(), 1u);
  world.advance(1s);
  for (int i = 0; i < 100; ++i) world.send(echo_packet(guest(), remote(), 5, 1, "x", {.ttl = 1}));
  EXPECT_EQ(world.take().size(), 50u);
}

}  // namespace
}  // namespace wgr::slirp
