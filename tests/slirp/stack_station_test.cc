// What differs for a guest on a LAN: no seal vouches for its packets, so their sums decide (RFC 9293 3.1,
// RFC 1122 4.1.3.4, RFC 4443 2.3).
#include <gtest/gtest.h>

#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using sim::Packet;
using sim::StackWorld;
using sim::udp_packet;

constexpr GuestId kStation{0, 7, /*group=*/1};

class StackStationTest : public testing::TestWithParam<Family> {
 protected:
  bool is_v4() const { return GetParam() == Family::kV4; }
  IpAddress address() const {
    return is_v4() ? IpAddress::v4(192, 168, 86, 20) : *IpAddress::parse("fd86::20");
  }
  SocketAddress remote() const {
    return {is_v4() ? IpAddress::v4(93, 184, 216, 1) : *IpAddress::parse("2606:2800:220:1::1"), 9000};
  }
  std::uint64_t bad_sums() { return world_.stack().counters().drops.value(DropReason::kChecksumInvalid); }

  StackWorld world_;
};

INSTANTIATE_TEST_SUITE_P(Families, StackStationTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(StackStationTest, DatagramsPassByTheirSum) {
  auto& peer = world_.internet.bind_udp(remote());
  Packet damaged = udp_packet({address(), 5000}, remote(), "ping");
  damaged.back() ^= 1;
  world_.send({udp_packet({address(), 5000}, remote(), "ping"), damaged}, kStation);
  ASSERT_EQ(peer.received().size(), 1u);
  EXPECT_EQ(bad_sums(), 1u);

  world_.send(damaged);  // Poly1305 has said that it left its peer so
  EXPECT_EQ(peer.received().size(), 2u);
}

TEST_P(StackStationTest, EverySegmentOfARunIsLookedAt) {
  std::string got;
  world_.internet.listen(remote()).on_accept = [&got](sim::RemoteStream& stream) {
    stream.on_data = [&got](sim::RemoteStream&, Bytes bytes) { got.append(bytes.begin(), bytes.end()); };
  };
  const SocketAddress local{address(), 5000};
  wire::TcpHeader header;
  header.sequence = 1000;
  header.flags = wire::kTcpSyn;
  header.window = 65535;
  world_.send(sim::tcp_packet(local, remote(), header), kStation);
  header.acknowledgement = world_.take_one().tcp().sequence() + 1;
  header.flags = wire::kTcpAck;

  std::vector<Packet> run;
  for (const std::string_view text : {"one,", "two,", "six,"}) {
    header.sequence = 1001 + static_cast<std::uint32_t>(4 * run.size());
    run.push_back(sim::tcp_packet(local, remote(), header, text));
  }
  std::vector<Packet> damaged = run;
  damaged[1].back() ^= 1;
  world_.send(damaged, kStation);
  EXPECT_EQ(bad_sums(), 1u);
  EXPECT_EQ(got, "one,");
  world_.send(run, kStation);
  EXPECT_EQ(got, "one,two,six,");
}

TEST_P(StackStationTest, AReassembledDatagramIsLookedAtAsAWhole) {
  auto& peer = world_.internet.bind_udp(remote());
  const Packet whole = udp_packet({address(), 5000}, remote(), std::string(2000, 'x'));
  std::vector<Packet> pieces = sim::fragments_of(whole, 1280);
  world_.send(pieces, kStation);
  EXPECT_EQ(peer.received().size(), 1u);
  pieces.back().back() ^= 1;
  world_.send(pieces, kStation);
  EXPECT_EQ(peer.received().size(), 1u);
  EXPECT_EQ(bad_sums(), 1u);
}

}  // namespace
}  // namespace wgr::slirp
