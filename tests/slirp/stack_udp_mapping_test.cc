// UDP through the whole stack: mappings, filtering and their limits. Requirements are RFC 4787's.
#include "tests/slirp/stack_udp_fixture.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::kOtherGuest;
using sim::StackWorld;
using sim::udp_packet;

// Of the tests in every file.
INSTANTIATE_TEST_SUITE_P(Families, StackUdpTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

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

}  // namespace
}  // namespace wgr::slirp
