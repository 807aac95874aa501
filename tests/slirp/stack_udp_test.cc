// UDP through the whole stack: mappings, filtering, errors, fragments. Requirements are RFC 4787's.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::kGuest;
using sim::kOtherGuest;
using sim::StackWorld;
using sim::udp_packet;

class StackUdpTest : public testing::TestWithParam<Family> {
 protected:
  bool is_v4() const { return GetParam() == Family::kV4; }
  SocketAddress guest(std::uint16_t port = 5000) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"), port};
  }
  // Host number `n` of the internet.
  SocketAddress remote(std::uint8_t n = 1, std::uint16_t port = 9000) const {
    return {
        is_v4() ? IpAddress::v4(93, 184, 216, n) : *IpAddress::parse("2606:2800:220:1::" + std::to_string(n)),
        port};
  }
  IpAddress router(std::uint8_t n) const {
    return is_v4() ? IpAddress::v4(4, 4, 4, n) : *IpAddress::parse("2600::" + std::to_string(n));
  }
  IpAddress own() const { return is_v4() ? IpAddress::v4(10, 0, 0, 1) : *IpAddress::parse("fd00::1"); }
  std::uint8_t unreachable() const { return is_v4() ? 3 : 1; }
  std::uint8_t port_unreachable() const { return is_v4() ? 3 : 4; }
  std::uint8_t prohibited() const { return is_v4() ? 13 : 1; }
  std::size_t headers() const { return is_v4() ? 28 : 48; }
};

INSTANTIATE_TEST_SUITE_P(Families, StackUdpTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(StackUdpTest, CarriesDatagramsBothWays) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(), remote(), "ping"));
  ASSERT_EQ(peer.received().size(), 1u);
  EXPECT_EQ(peer.received()[0].text(), "ping");
  peer.send(peer.received()[0].from, "pong");
  world.settle();
  sim::GuestPacket reply = world.take_one();
  EXPECT_EQ(reply.text(), "pong");
  EXPECT_EQ(reply.ip().source, remote().ip);
  EXPECT_EQ(reply.ip().destination, guest().ip);
  EXPECT_EQ(reply.udp().source_port(), remote().port);
  EXPECT_EQ(reply.udp().destination_port(), guest().port);
  EXPECT_TRUE(reply.udp().checksum_is_valid(reply.ip().source, reply.ip().destination));
}

TEST_P(StackUdpTest, Rfc4787_Req1_OneExternalPortForAllRemotes) {
  StackWorld world;
  std::vector<sim::UdpRemote*> peers;
  for (std::uint8_t n = 1; n <= 3; ++n) peers.push_back(&world.internet.bind_udp(remote(n)));
  for (std::uint8_t n = 1; n <= 3; ++n) world.send(udp_packet(guest(), remote(n), "x"));
  for (const auto* peer : peers) EXPECT_EQ(peer->received().at(0).from, peers[0]->received().at(0).from);
  EXPECT_EQ(world.sockets.udp_opened, 1u);
}

TEST_P(StackUdpTest, Rfc4787_Req3_DistinctGuestPortsHaveDistinctExternalPorts) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(1), remote(), "x"));
  world.send(udp_packet(guest(2), remote(), "x"));
  world.send(udp_packet(guest(1), remote(), "x"), kOtherGuest);
  ASSERT_EQ(peer.received().size(), 3u);
  EXPECT_NE(peer.received()[0].from, peer.received()[1].from);
  EXPECT_NE(peer.received()[0].from, peer.received()[2].from);
}

TEST_P(StackUdpTest, Rfc4787_Req5_MappingSurvives119sAndEndsAfterFiveMinutes) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(), remote(), "x"));
  world.advance(119s);
  peer.send(peer.received()[0].from, "late");
  world.settle();
  EXPECT_EQ(world.take_one().text(), "late");
  world.advance(5min - 119s - 1ms);
  EXPECT_EQ(world.stack().active_flows(), 1u);
  world.advance(2ms);
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_EQ(world.sockets.open_sockets, 0u);
}

TEST_P(StackUdpTest, Rfc4787_Req5a_MappingThatOnlyAsksDnsEndsAfter30s) {
  StackWorld world;
  world.send(udp_packet(guest(1), remote(1, 53), "x"));
  world.send(udp_packet(guest(2), remote(1, 53), "x"));
  world.send(udp_packet(guest(2), remote(2, 54), "x"));
  world.advance(31s);
  EXPECT_EQ(world.stack().active_flows(), 1u);
}

TEST_P(StackUdpTest, Rfc4787_Req6_OnlyOutboundTrafficRefreshes) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(1), remote(), "x"));
  world.send(udp_packet(guest(2), remote(), "x"));
  const SocketAddress first = peer.received()[0].from;
  for (int minute = 0; minute < 4; ++minute) {
    world.advance(1min);
    peer.send(first, "in");
    world.send(udp_packet(guest(2), remote(), "out"));
  }
  EXPECT_EQ(world.stack().active_flows(), 2u);
  world.advance(1min + 1s);
  EXPECT_EQ(world.stack().active_flows(), 1u);
  world.take();
  peer.send(first, "too late");
  world.settle();
  EXPECT_TRUE(world.take().empty());
}

TEST_P(StackUdpTest, Rfc4787_Req8_AddressDependentFilteringByDefault) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote(1));
  auto& same_host = world.internet.bind_udp(remote(1, 9001));
  auto& stranger = world.internet.bind_udp(remote(2));
  world.send(udp_packet(guest(), remote(1), "x"));
  const SocketAddress external = peer.received()[0].from;
  stranger.send(external, "let me in");
  same_host.send(external, "another port");
  world.settle();
  EXPECT_EQ(world.take_one().text(), "another port");
  EXPECT_EQ(world.drops(DropReason::kFlowFiltered), 1u);
}

TEST_P(StackUdpTest, Rfc4787_Req8_FilteringAsConfigured) {
  const auto heard = [this](UdpFiltering filtering) {
    Config config = StackWorld::default_config();
    config.udp.filtering = filtering;
    StackWorld world{config};
    auto& peer = world.internet.bind_udp(remote(1));
    auto& same_host = world.internet.bind_udp(remote(1, 9001));
    auto& stranger = world.internet.bind_udp(remote(2));
    world.send(udp_packet(guest(), remote(1), "x"));
    const SocketAddress external = peer.received()[0].from;
    for (auto* sender : {&peer, &same_host, &stranger}) sender->send(external, "y");
    world.settle();
    return world.take().size();
  };
  EXPECT_EQ(heard(UdpFiltering::kEndpointIndependent), 3u);
  EXPECT_EQ(heard(UdpFiltering::kAddressDependent), 2u);
  EXPECT_EQ(heard(UdpFiltering::kAddressAndPortDependent), 1u);
}

TEST_P(StackUdpTest, Rfc4787_Req9_HairpinArrivesFromTheExternalAddress) {
  Config config = StackWorld::default_config();
  config.udp.filtering = UdpFiltering::kEndpointIndependent;
  StackWorld world{config};
  auto& observer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(1), remote(), "a"));
  world.send(udp_packet(guest(2), remote(), "b"), kOtherGuest);
  const SocketAddress external_a = observer.received()[0].from;
  const SocketAddress external_b = observer.received()[1].from;
  // 203.0.113.0/24 is documentation: open it, as an operator opens the router's own public address.
  egress::Policy::Settings policy;
  std::string error;
  policy.global.allow.push_back(*egress::Rule::parse("203.0.113.1", error));
  policy.global.allow.push_back(*egress::Rule::parse("2001:db8:ffff::1", error));
  world.stack().set_policy(std::make_shared<const egress::Policy>(policy));
  world.send(udp_packet(guest(1), external_b, "hairpin"));
  sim::GuestPacket packet = world.take_one();
  EXPECT_EQ(packet.guest, kOtherGuest);
  EXPECT_EQ(packet.text(), "hairpin");
  EXPECT_EQ(packet.ip().source, external_a.ip);
  EXPECT_EQ(packet.udp().source_port(), external_a.port);
}

TEST_P(StackUdpTest, Rfc4787_Req11_FullTableRefusesAndLiveMappingsBehaveAsBefore) {
  Config config = StackWorld::default_config();
  config.limits.udp_flows = 2;
  StackWorld world{config};
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(1), remote(), "x"));
  world.send(udp_packet(guest(2), remote(), "x"));
  world.send(udp_packet(guest(3), remote(), "x"));
  sim::GuestPacket refusal = world.take_one();
  ASSERT_TRUE(refusal.is_icmp());
  EXPECT_EQ(refusal.icmp().code(), prohibited());
  EXPECT_EQ(world.drops(DropReason::kFlowLimitTotal), 1u);
  peer.send(peer.received()[0].from, "still mapped");
  world.settle();
  EXPECT_EQ(world.take_one().text(), "still mapped");
}

TEST_P(StackUdpTest, Rfc4787_Req12_IcmpErrorsAreToldAndNeverEndTheMapping) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote(1));
  world.send(udp_packet(guest(), remote(1), "x"));
  world.send(udp_packet(guest(), remote(2, 7), "anybody?"));  // a host without that port
  sim::GuestPacket error = world.take_one();
  ASSERT_TRUE(error.is_icmp());
  EXPECT_EQ(error.ip().source, remote(2).ip);
  EXPECT_EQ(error.icmp().type(), unreachable());
  EXPECT_EQ(error.icmp().code(), port_unreachable());
  EXPECT_EQ(error.quoted().source, guest().ip);
  EXPECT_EQ(error.quoted().destination, remote(2).ip);
  EXPECT_EQ(error.quoted().source_port(), guest().port);
  EXPECT_EQ(error.quoted().destination_port(), 7);
  peer.send(peer.received()[0].from, "alive");
  world.settle();
  EXPECT_EQ(world.take_one().text(), "alive");
  world.send(udp_packet(guest(), remote(1), "and back"));
  EXPECT_EQ(peer.received().back().text(), "and back");
}

// The host's own routing refuses: the system call says so and no error is queued.
TEST_P(StackUdpTest, DatagramThatTheHostCannotRouteIsToldAtOnceAndHurtsNoOther) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote(1));
  world.internet.host(remote(2).ip).send_fails_at_once = EHOSTUNREACH;
  world.send(udp_packet(guest(), remote(2), "lost"));
  world.send(udp_packet(guest(), remote(1), "through"));

  sim::GuestPacket error = world.take_one();
  ASSERT_TRUE(error.is_icmp());
  EXPECT_EQ(error.icmp().type(), unreachable());
  EXPECT_EQ(error.quoted().destination, remote(2).ip);
  EXPECT_EQ(error.quoted().source_port(), guest().port);
  ASSERT_EQ(peer.received().size(), 1u);
  EXPECT_EQ(peer.received()[0].text(), "through");
}

TEST_P(StackUdpTest, Rfc4787_Req13_TooBigWithDontFragmentIsToldWithTheMtu) {
  StackWorld world;
  auto& host = world.internet.host(remote().ip);
  host.path_mtu = 1300;
  host.routers = {router(1)};
  auto& peer = world.internet.bind_udp(remote());
  const std::string big(1350, 'b');
  world.send(udp_packet(guest(), remote(), big, {.dont_fragment = true}));
  sim::GuestPacket error = world.take_one();
  ASSERT_TRUE(error.is_icmp());
  EXPECT_EQ(error.icmp().type(), is_v4() ? 3 : 2);
  EXPECT_EQ(error.icmp().mtu(), 1300u);
  EXPECT_EQ(error.ip().source, router(1));
  // The host knows by now and refuses by itself; what fits still passes in the same batch.
  world.send(
      {udp_packet(guest(), remote(), big, {.dont_fragment = true}), udp_packet(guest(), remote(), "small")});
  error = world.take_one();
  EXPECT_EQ(error.icmp().mtu(), 1300u);
  EXPECT_EQ(peer.received().back().text(), "small");
}

TEST_P(StackUdpTest, Rfc4787_Req13_WithoutDontFragmentItPasses) {
  if (!is_v4()) GTEST_SKIP() << "IPv6 has no such bit";
  StackWorld world;
  world.internet.host(remote().ip).path_mtu = 1300;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(), remote(), std::string(1350, 'b'), {.dont_fragment = false}));
  EXPECT_EQ(peer.received().size(), 1u);
  EXPECT_TRUE(world.take().empty());
}

TEST_P(StackUdpTest, Rfc4787_Req13_RepliesBeyondTheMtuAreFragmentedInOrder) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(), remote(), "x"));
  const std::string big(5000, 'r');
  peer.send(peer.received()[0].from, big);
  world.settle();
  std::vector<sim::GuestPacket> fragments = world.take();
  ASSERT_EQ(fragments.size(), 4u);
  EXPECT_TRUE(fragments[0].ip().is_first_fragment);
  for (auto& fragment : fragments) {
    EXPECT_TRUE(fragment.ip().is_fragment);
    EXPECT_LE(fragment.bytes.size(), 1420u);
  }
}

TEST_P(StackUdpTest, Rfc4787_Req14_FragmentsInAnyOrderAreOneDatagram) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  std::string text(5000, ' ');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 + i / 256);
  std::vector<sim::Packet> fragments = sim::fragments_of(udp_packet(guest(), remote(), text), 1420);
  std::reverse(fragments.begin(), fragments.end());
  world.send(fragments);
  ASSERT_EQ(peer.received().size(), 1u);
  EXPECT_TRUE(peer.received()[0].text() == text);
}

TEST_P(StackUdpTest, Rfc4787_Req14a_FloodOfFragmentsDoesNotHurtWholePackets) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  for (int i = 0; i < 10'000; ++i) {
    std::vector<sim::Packet> fragments = sim::fragments_of(
        udp_packet(guest(static_cast<std::uint16_t>(i + 1)), remote(), std::string(3000, 'f')), 1420);
    // fragments_of always counts identifications from the same number: make each datagram another one.
    store_be<std::uint16_t>(fragments[0].data() + (is_v4() ? 4 : 46), static_cast<std::uint16_t>(i));
    fragments.resize(1);
    world.stack();
    world.send(fragments);
  }
  world.send(udp_packet(guest(), remote(), "whole"));
  ASSERT_FALSE(peer.received().empty());
  EXPECT_EQ(peer.received().back().text(), "whole");
}

TEST_P(StackUdpTest, EmptyDatagramsPassBothWays) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(), remote(), ""));
  ASSERT_EQ(peer.received().size(), 1u);
  EXPECT_TRUE(peer.received()[0].payload.empty());
  peer.send(peer.received()[0].from, "");
  world.settle();
  EXPECT_EQ(world.take_one().text(), "");
}

TEST_P(StackUdpTest, ZeroChecksumMeansNoneOverV4AndIsInvalidOverV6) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  sim::Packet packet = udp_packet(guest(), remote(), "unsummed");
  store_be<std::uint16_t>(packet.data() + (is_v4() ? 20 : 40) + 6, 0);
  world.send(packet);
  EXPECT_EQ(peer.received().size(), is_v4() ? 1u : 0u);
  EXPECT_EQ(world.drops(DropReason::kChecksumInvalid), is_v4() ? 0u : 1u);
}

TEST_P(StackUdpTest, PortZeroIsDropped) {
  StackWorld world;
  world.send(udp_packet(guest(), remote(1, 0), "x"));
  world.send(udp_packet(guest(0), remote(1), "x"));
  EXPECT_EQ(world.drops(DropReason::kDestinationInvalid), 2u);
  EXPECT_EQ(world.sockets.udp_opened, 0u);
}

TEST_P(StackUdpTest, LengthFieldNotThePacketIsThePayload) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  sim::Packet packet = udp_packet(guest(), remote(), "payloadTRAILER");
  const std::size_t upper = is_v4() ? 20 : 40;
  store_be<std::uint16_t>(packet.data() + upper + 4, 8 + 7);
  world.send(packet);
  ASSERT_EQ(peer.received().size(), 1u);
  EXPECT_EQ(peer.received()[0].text(), "payload");
}

TEST_P(StackUdpTest, NeighboursOfOneMappingLeaveInOneCall) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(), remote(), "first"));
  const std::size_t calls = world.sockets.datagram_sends;
  std::vector<sim::Packet> burst;
  for (int i = 0; i < 40; ++i) burst.push_back(udp_packet(guest(), remote(), "burst" + std::to_string(i)));
  world.send(burst);
  EXPECT_EQ(world.sockets.datagram_sends - calls, 1u);
  ASSERT_EQ(peer.received().size(), 41u);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(peer.received()[i + 1].text(), "burst" + std::to_string(i));
}

TEST_P(StackUdpTest, FullSocketDropsAndCounts) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.sockets.refuse_datagrams = 1;
  world.send({udp_packet(guest(), remote(), "a"), udp_packet(guest(), remote(), "b")});
  EXPECT_EQ(world.drops(DropReason::kSocketFull), 2u);
  world.send(udp_packet(guest(), remote(), "c"));
  EXPECT_EQ(peer.received().size(), 1u);
}

TEST_P(StackUdpTest, TracerouteSeesEveryHop) {
  StackWorld world;
  auto& host = world.internet.host(remote().ip);
  host.routers = {router(1), router(2)};
  const auto hop = [&](std::uint8_t ttl) {
    world.send(udp_packet(guest(), remote(1, 33434), "probe", {.ttl = ttl}));
    return world.take_one();
  };
  sim::GuestPacket first = hop(1);
  EXPECT_EQ(first.ip().source, own());
  EXPECT_EQ(first.icmp().type(), is_v4() ? 11 : 3);
  sim::GuestPacket second = hop(2);
  EXPECT_EQ(second.ip().source, router(1));
  EXPECT_EQ(second.icmp().type(), is_v4() ? 11 : 3);
  EXPECT_EQ(second.quoted().destination_port(), 33434);
  EXPECT_EQ(hop(3).ip().source, router(2));
  sim::GuestPacket last = hop(4);
  EXPECT_EQ(last.ip().source, remote().ip);
  EXPECT_EQ(last.icmp().type(), unreachable());
  EXPECT_EQ(last.icmp().code(), port_unreachable());
}

TEST_P(StackUdpTest, PolicyIsAskedForEachNewRemoteOfAMapping) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(), remote(), "x"));
  const SocketAddress closed{is_v4() ? IpAddress::v4(169, 254, 169, 254) : *IpAddress::parse("fd00:ec2::254"),
                             80};
  auto& metadata = world.internet.bind_udp(closed);
  world.send(udp_packet(guest(), closed, "secrets"));
  EXPECT_TRUE(metadata.received().empty());
  sim::GuestPacket refusal = world.take_one();
  EXPECT_EQ(refusal.icmp().code(), prohibited());
  world.send(udp_packet(guest(), remote(), "y"));
  EXPECT_EQ(peer.received().size(), 2u);
}

TEST_P(StackUdpTest, GuestAtItsCapLosesItsIdlestMappingAndNobodyElseDoes) {
  Config config = StackWorld::default_config();
  config.limits.udp_flows_per_guest = 3;
  StackWorld world{config};
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(9), remote(), "other"), kOtherGuest);
  for (std::uint16_t port = 1; port <= 3; ++port) {
    world.send(udp_packet(guest(port), remote(), "x"));
    world.advance(1s);
  }
  world.send(udp_packet(guest(1), remote(), "used again"));
  world.send(udp_packet(guest(4), remote(), "new"));
  for (std::size_t i = 0; i < 4; ++i) peer.send(peer.received()[i].from, std::to_string(i));
  world.settle();
  std::vector<std::string> heard;
  for (sim::GuestPacket& packet : world.take()) heard.push_back(packet.text());
  EXPECT_EQ(heard, (std::vector<std::string>{"0", "1", "3"}));  // port 2 was the idlest
}

TEST_P(StackUdpTest, RemoteSetIsBoundedAndKeepsTheRemotesInUse) {
  Config config = StackWorld::default_config();
  config.limits.udp_remotes_per_flow = 16;
  StackWorld world{config};
  auto& keeper = world.internet.bind_udp(remote(250));
  auto& first = world.internet.bind_udp(remote(1));
  world.send(udp_packet(guest(), remote(250), "x"));
  for (std::uint8_t n = 1; n <= 200; ++n) {
    world.send(udp_packet(guest(), remote(n), "x"));
    world.send(udp_packet(guest(), remote(250), "x"));
  }
  world.take();
  keeper.send(keeper.received()[0].from, "in use");
  first.send(keeper.received()[0].from, "forgotten");
  world.settle();
  EXPECT_EQ(world.take_one().text(), "in use");
}

TEST_P(StackUdpTest, RunningOutOfDescriptorsIsTold) {
  StackWorld world;
  world.sockets.descriptor_limit = 0;
  world.send(udp_packet(guest(), remote(), "x"));
  EXPECT_TRUE(world.take_one().is_icmp());
  EXPECT_EQ(world.drops(DropReason::kDescriptorsExhausted), 1u);
}

TEST_P(StackUdpTest, CongestionMarksPassBothWays) {
  StackWorld world;
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(), remote(), "x", {.tos = 0xb9}));
  EXPECT_EQ(peer.received()[0].tos, 0xb9);
  peer.send(peer.received()[0].from, sim::bytes_of("y"), 0x03);
  world.settle();
  EXPECT_EQ(world.take_one().ip().tos, 0x03);
}

TEST_P(StackUdpTest, CopyTosPutsTheGuestsDscpOnReplies) {
  Config config = StackWorld::default_config();
  config.copy_tos = true;
  StackWorld world{config};
  auto& peer = world.internet.bind_udp(remote());
  world.send(udp_packet(guest(), remote(), "x", {.tos = 0xb8}));
  peer.send(peer.received()[0].from, sim::bytes_of("y"), 0x01);
  world.settle();
  EXPECT_EQ(world.take_one().ip().tos, 0xb9);
}

TEST_P(StackUdpTest, OwnAddressWithoutServiceIsPortUnreachable) {
  StackWorld world;
  world.send(udp_packet(guest(), {own(), 1234}, "x"));
  sim::GuestPacket error = world.take_one();
  EXPECT_EQ(error.ip().source, own());
  EXPECT_EQ(error.icmp().type(), unreachable());
  EXPECT_EQ(error.icmp().code(), port_unreachable());
}

}  // namespace
}  // namespace wgr::slirp
