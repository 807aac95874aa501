// Outside clients through forwards into a guest: UDP.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::kGuest;
using sim::kOtherGuest;
using sim::StackWorld;

class StackForwardUdpTest : public testing::TestWithParam<Family> {
 protected:
  bool is_v4() const { return GetParam() == Family::kV4; }
  IpAddress own() const { return is_v4() ? IpAddress::v4(10, 0, 0, 1) : *IpAddress::parse("fd00::1"); }
  SocketAddress guest(std::uint16_t port = 53) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"), port};
  }
  SocketAddress client(std::uint16_t port = 50000) const {
    return {is_v4() ? IpAddress::v4(198, 51, 100, 7) : *IpAddress::parse("2001:db8:7::7"), port};
  }
  SocketAddress other_client(std::uint16_t port = 50000) const {
    return {is_v4() ? IpAddress::v4(198, 51, 100, 8) : *IpAddress::parse("2001:db8:8::7"), port};
  }
  SocketAddress host(std::uint16_t port = 5353) const {
    return {is_v4() ? IpAddress::v4(203, 0, 113, 1) : *IpAddress::parse("2001:db8:ffff::1"), port};
  }
  SocketAddress second_host(std::uint16_t port = 5353) const {
    return {is_v4() ? IpAddress::v4(203, 0, 113, 2) : *IpAddress::parse("2001:db8:ffff::2"), port};
  }
  static ForwardConfig forward(std::uint16_t port = 5353) {
    ForwardConfig config;
    config.protocol = ForwardProtocol::kUdp;
    config.listen_port = port;
    config.guest_port = 53;
    return config;
  }
  void open(StackWorld& world, ForwardConfig config = forward()) {
    world.set_forwards({std::move(config)});
    world.stack().set_forward_target(0, ForwardTarget{kGuest, guest().ip, own()});
  }
  static ForwardStatus status(StackWorld& world) { return world.stack().forward_status().at(0); }
  // What the client says reaches the guest; its answer goes back.
  SocketAddress seen_by_guest(StackWorld& world, const SocketAddress& from, std::string_view text) {
    world.internet.bind_udp(from).send(host(), text);
    world.settle();
    sim::GuestPacket packet = world.take_one();
    EXPECT_EQ(packet.text(), text);
    EXPECT_EQ(packet.ip().destination, guest().ip);
    EXPECT_EQ(packet.udp().destination_port(), 53);
    return {packet.ip().source, packet.udp().source_port()};
  }
};

INSTANTIATE_TEST_SUITE_P(Families, StackForwardUdpTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(StackForwardUdpTest, EachClientHasAPortAndItsAnswers) {
  StackWorld world;
  open(world);
  const SocketAddress first = seen_by_guest(world, client(), "one");
  const SocketAddress second = seen_by_guest(world, other_client(), "two");
  EXPECT_EQ(first.ip, own());
  EXPECT_NE(first, second);
  EXPECT_EQ(seen_by_guest(world, client(), "again"), first);
  world.send({sim::udp_packet(guest(), first, "to one"), sim::udp_packet(guest(), second, "to two")});
  const auto& at_first = world.internet.bind_udp(client()).received();
  ASSERT_EQ(at_first.size(), 1u);
  EXPECT_EQ(at_first[0].text(), "to one");
  EXPECT_EQ(at_first[0].from, host());
  EXPECT_EQ(world.internet.bind_udp(other_client()).received().at(0).text(), "to two");
  EXPECT_EQ(status(world).active_flows, 2u);
}

TEST_P(StackForwardUdpTest, AnswersLeaveFromTheAddressThatWasHit) {
  StackWorld world;
  open(world);
  auto& outside = world.internet.bind_udp(client());
  outside.send(second_host(), "hello");
  world.settle();
  sim::GuestPacket packet = world.take_one();
  world.send(sim::udp_packet(guest(), {own(), packet.udp().source_port()}, "answer"));
  EXPECT_EQ(outside.received().at(0).from, second_host());
}

// The client's program has ended: its host says so, and the guest hears it from who it talks to.
TEST_P(StackForwardUdpTest, WhatTheHostHearsOfTheClientTheGuestHears) {
  StackWorld world;
  open(world);
  const SocketAddress port = seen_by_guest(world, client(), "one");
  sim::Host& gone = world.internet.host(client().ip);
  gone.datagram_error = ECONNREFUSED;
  gone.icmp_type = is_v4() ? 3 : 1;
  gone.icmp_code = is_v4() ? 3 : 4;
  world.send(sim::udp_packet(guest(), port, "answer"));

  sim::GuestPacket error = world.take_one();
  ASSERT_TRUE(error.is_icmp());
  EXPECT_EQ(error.ip().source, port.ip);
  EXPECT_EQ(error.icmp().type(), gone.icmp_type);
  EXPECT_EQ(error.icmp().code(), gone.icmp_code);
  EXPECT_EQ(error.quoted().source, guest().ip);
  EXPECT_EQ(error.quoted().destination, port.ip);
  EXPECT_EQ(error.quoted().source_port(), guest().port);
  EXPECT_EQ(world.counters().udp.icmp_errors.value(), 1u);
  // RFC 4787 REQ-12: it does not end the mapping.
  gone = {};
  EXPECT_EQ(seen_by_guest(world, client(), "again"), port);
}

TEST_P(StackForwardUdpTest, AClientThatTheHostCannotReachIsToldAtOnceAndHurtsNoOther) {
  StackWorld world;
  open(world);
  const SocketAddress first = seen_by_guest(world, client(), "one");
  const SocketAddress second = seen_by_guest(world, other_client(), "two");
  world.internet.host(client().ip).send_fails_at_once = EHOSTUNREACH;
  world.send({sim::udp_packet(guest(), first, "lost"), sim::udp_packet(guest(), second, "through")});

  sim::GuestPacket error = world.take_one();
  ASSERT_TRUE(error.is_icmp());
  EXPECT_EQ(error.icmp().type(), is_v4() ? 3 : 1);
  EXPECT_EQ(error.quoted().destination, first.ip);
  EXPECT_EQ(world.internet.bind_udp(other_client()).received().at(0).text(), "through");
}

TEST_P(StackForwardUdpTest, ADatagramOfTheGuestToNobodyIsRefused) {
  StackWorld world;
  open(world);
  world.send(sim::udp_packet(guest(), {own(), 40000}, "anybody?"));
  EXPECT_TRUE(world.take_one().is_icmp());
}

TEST_P(StackForwardUdpTest, AnotherGuestCannotAnswer) {
  StackWorld world;
  open(world);
  const SocketAddress port = seen_by_guest(world, client(), "one");
  const SocketAddress thief{is_v4() ? IpAddress::v4(10, 0, 0, 3) : *IpAddress::parse("fd00::3"), 53};
  world.send(sim::udp_packet(thief, port, "mine"), kOtherGuest);
  EXPECT_TRUE(world.internet.bind_udp(client()).received().empty());
}

TEST_P(StackForwardUdpTest, WithoutATargetOrPermissionNothingPasses) {
  StackWorld world;
  ForwardConfig config = forward();
  config.allowed_sources = {Prefix{client().ip, is_v4() ? 32u : 128u}};
  world.set_forwards({config});
  world.internet.bind_udp(client()).send(host(), "absent");
  world.settle();
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(status(world).refused_absent, 1u);
  open(world, config);
  world.internet.bind_udp(other_client()).send(host(), "stranger");
  world.settle();
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(status(world).refused_sources, 1u);
  seen_by_guest(world, client(), "welcome");
}

TEST_P(StackForwardUdpTest, AnUnansweredMappingEndsSoonAnAnsweredOneLater) {
  StackWorld world;
  open(world);
  seen_by_guest(world, client(), "one");
  world.advance(31s);
  EXPECT_EQ(world.stack().active_flows(), 0u);
  const SocketAddress port = seen_by_guest(world, client(), "two");
  world.send(sim::udp_packet(guest(), port, "answer"));
  world.advance(4min);
  EXPECT_EQ(seen_by_guest(world, client(), "three"), port);
  world.advance(6min);
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackForwardUdpTest, AtItsShareASourcesIdlestMappingGivesWay) {
  Config config = StackWorld::default_config();
  config.limits.forward_flows_per_source = 2;
  StackWorld world{config};
  open(world);
  const SocketAddress other = seen_by_guest(world, other_client(), "bystander");
  seen_by_guest(world, client(1), "1");
  world.advance(1s);
  const SocketAddress second = seen_by_guest(world, client(2), "2");
  world.advance(1s);
  const SocketAddress third = seen_by_guest(world, client(3), "3");
  EXPECT_EQ(status(world).active_flows, 3u);
  EXPECT_EQ(seen_by_guest(world, client(2), "2"), second);
  EXPECT_EQ(seen_by_guest(world, client(3), "3"), third);
  EXPECT_EQ(seen_by_guest(world, other_client(), "bystander"), other);
}

TEST_P(StackForwardUdpTest, AMovedTargetMovesTheMappings) {
  StackWorld world;
  open(world);
  const SocketAddress old = seen_by_guest(world, client(), "one");
  const IpAddress other = is_v4() ? IpAddress::v4(10, 0, 0, 3) : *IpAddress::parse("fd00::3");
  world.stack().set_forward_target(0, ForwardTarget{kOtherGuest, other, own()});
  world.internet.bind_udp(client()).send(host(), "two");
  world.settle();
  sim::GuestPacket packet = world.take_one();
  EXPECT_EQ(packet.guest, kOtherGuest);
  EXPECT_EQ(packet.ip().destination, other);
  world.send(sim::udp_packet(guest(), old, "late"));
  EXPECT_TRUE(world.internet.bind_udp(client()).received().empty());
}

TEST_P(StackForwardUdpTest, ARemovedForwardEndsItsMappings) {
  StackWorld world;
  open(world);
  const SocketAddress port = seen_by_guest(world, client(), "one");
  world.set_forwards({});
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_EQ(world.sockets.open_sockets, 0u);
  world.send(sim::udp_packet(guest(), port, "late"));
  EXPECT_TRUE(world.internet.bind_udp(client()).received().empty());
}

TEST_P(StackForwardUdpTest, ARemovedGuestEndsItsMappings) {
  StackWorld world;
  open(world);
  seen_by_guest(world, client(), "one");
  world.stack().remove_guest(kGuest);
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_EQ(status(world).target, std::nullopt);
}

}  // namespace
}  // namespace wgr::slirp
