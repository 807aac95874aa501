// UDP through the whole stack: what becomes of one datagram - its errors, fragments, sums and marks.
// Requirements are RFC 4787's.
#include <algorithm>
#include <cerrno>

#include "tests/slirp/stack_udp_fixture.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::StackWorld;
using sim::udp_packet;

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
