// Guests with a link of their own: what is sent to them fits it, and what passes from one to another too.
#include <gtest/gtest.h>

#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::GuestTcp;
using sim::kGuest;
using sim::kOtherGuest;
using sim::StackWorld;
using wire::IpProtocol;

class GuestMtuTest : public testing::TestWithParam<Family> {
 protected:
  static Config config() {
    Config config = StackWorld::default_config();
    config.max_guest_mtu = 1500;
    return config;
  }
  bool is_v4() const { return GetParam() == Family::kV4; }
  SocketAddress guest(std::uint16_t port = 40000) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"), port};
  }
  SocketAddress other_guest(std::uint16_t port = 7) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 3) : *IpAddress::parse("fd00::3"), port};
  }
  SocketAddress server(std::uint16_t port = 80) const {
    return {is_v4() ? IpAddress::v4(93, 184, 216, 34) : *IpAddress::parse("2606:2800:220:1::1"), port};
  }
  std::size_t headers() const { return is_v4() ? 40 : 60; }
  std::uint16_t announced_mss(StackWorld& world, GuestId id, std::uint16_t port) {
    wire::TcpHeader syn;
    syn.sequence = 1;
    syn.flags = wire::kTcpSyn;
    syn.options.mss = 1460;
    world.send(sim::tcp_packet(guest(port), server(), syn), id);
    return world.take_one().tcp().options().mss.value();
  }
};

INSTANTIATE_TEST_SUITE_P(Families, GuestMtuTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(GuestMtuTest, TheMssIsThatOfTheGuestsOwnLink) {
  StackWorld world{config()};
  world.internet.listen(server());
  world.stack().set_guest_mtu(kGuest, 1500);
  EXPECT_EQ(announced_mss(world, kGuest, 1), 1500 - headers());
  EXPECT_EQ(announced_mss(world, kOtherGuest, 2), 1420 - headers());
  world.stack().set_guest_mtu(kGuest, 1300);
  EXPECT_EQ(announced_mss(world, kGuest, 3), 1300 - headers());
}

TEST_P(GuestMtuTest, AnMtuBeyondTheLargestOrBelowTheLeastIsCut) {
  StackWorld world{config()};
  world.internet.listen(server());
  world.stack().set_guest_mtu(kGuest, 9000);
  EXPECT_EQ(announced_mss(world, kGuest, 1), 1500 - headers());
  world.stack().set_guest_mtu(kGuest, 10);
  EXPECT_EQ(announced_mss(world, kGuest, 2), 576 - headers());
}

TEST_P(GuestMtuTest, SegmentsFillALargerLinkAndNoMore) {
  StackWorld world{config()};
  auto& http = world.internet.listen(server());
  world.stack().set_guest_mtu(kGuest, 1500);
  std::size_t largest = 0;
  world.passes_to_guest = [&largest](const sim::GuestPacket& packet) {
    largest = std::max(largest, packet.bytes.size());
    return true;
  };
  Config link = config();
  link.mtu = 1500;
  GuestTcp client{world, guest(), server(), kGuest, link};
  client.connect();
  world.settle();
  http.last().send(std::string(100'000, 'x'));
  world.advance(1s);
  EXPECT_EQ(client.bytes_received(), 100'000u);
  EXPECT_EQ(largest, 1500u);
}

TEST_P(GuestMtuTest, DatagramsAreCutForTheGuestsOwnLink) {
  StackWorld world{config()};
  auto& remote = world.internet.bind_udp(server(9));
  remote.on_datagram = [](sim::UdpRemote& self, const sim::ReceivedDatagram& datagram) {
    self.send(datagram.from, std::string(1472 - (datagram.from.ip.is_v4() ? 0 : 20), 'y'));
  };
  world.stack().set_guest_mtu(kGuest, 1500);
  world.send(sim::udp_packet(guest(), server(9), "?"), kGuest);
  sim::GuestPacket whole = world.take_one();
  EXPECT_EQ(whole.bytes.size(), 1500u);
  world.send(sim::udp_packet(other_guest(), server(9), "?"), kOtherGuest);
  const auto cut = world.take();
  ASSERT_EQ(cut.size(), 2u);
  for (const sim::GuestPacket& packet : cut) EXPECT_LE(packet.bytes.size(), 1420u);
}

TEST_P(GuestMtuTest, ATooBigPacketForAnotherGuestIsToldToItsSender) {
  StackWorld world{config()};
  sim::Packet packet =
      sim::udp_packet(guest(), other_guest(), std::string(1400, 'z'), {.dont_fragment = true});
  PacketBatch out;
  world.stack().cut_or_refuse(kOtherGuest, {kGuest, packet}, 1300, world.now, out, out);
  ASSERT_EQ(out.packets().size(), 1u);
  const PacketView view = out.packets()[0];
  EXPECT_EQ(view.guest, kGuest);
  sim::GuestPacket error{view.guest, {view.bytes.begin(), view.bytes.end()}};
  EXPECT_EQ(error.ip().destination, guest().ip);
  EXPECT_EQ(error.icmp().mtu(), 1300u);
  EXPECT_EQ(error.quoted().destination_port(), 7);
  EXPECT_EQ(world.drops(DropReason::kPacketTooBig), 1u);
}

TEST_P(GuestMtuTest, WithoutDontFragmentIpv4GoesOnInPieces) {
  if (!is_v4()) GTEST_SKIP() << "IPv6 routers do not fragment";
  StackWorld world{config()};
  sim::Packet packet = sim::udp_packet(guest(), other_guest(), std::string(1400, 'z'));
  PacketBatch fragments;
  PacketBatch out;
  world.stack().cut_or_refuse(kOtherGuest, {kGuest, packet}, 1300, world.now, fragments, out);
  EXPECT_TRUE(out.packets().empty());
  EXPECT_EQ(fragments.packets().size(), 2u);
  for (const PacketView& view : fragments.packets()) EXPECT_EQ(view.guest, kOtherGuest);
}

}  // namespace
}  // namespace wgr::slirp
