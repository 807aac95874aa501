// Neighbour and router discovery, and the addresses that stations make themselves.
#include "slirp/lan/gateway_addresses.h"
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

const IpAddress kNone = *IpAddress::parse("::");
const IpAddress kAnnaLink = wire::link_local_of(kAnna);
const IpAddress kAnnaUla = *IpAddress::parse("fd00::222:15ff:fe00:a");
const IpAddress kGatewayUla = *IpAddress::parse("fd00::1");

class SegmentV6Test : public LanTest {
 protected:
  struct Heard {
    MacAddress to;
    IpAddress source;
    IpAddress destination;
    Packet message;
  };
  // The one message of neighbour discovery that a session was sent.
  std::optional<Heard> heard_by(SessionId session) {
    const std::vector<Frame> frames = frames_to(session);
    if (frames.size() != 1) return std::nullopt;
    Packet packet(frames[0].begin() + wire::kEthernetHeaderSize, frames[0].end());
    const auto ip = wire::Ipv6View::parse(packet);
    if (!ip || !wire::NdView::parse(ip->payload())) return std::nullopt;
    return Heard{MacAddress::read(frames[0]), ip->source(), ip->destination(),
                 Packet(ip->payload().begin(), ip->payload().end())};
  }
  // A session that has shown a virtio NIC, and its station.
  SessionId virtio(const MacAddress& mac, const IpAddress& v4) { return station(mac, v4); }
};

TEST_F(SegmentV6Test, GatewayAnswersForItsAddresses) {
  const SessionId session = attach();
  for (const IpAddress& target : {wire::link_local_of(kGatewayMac), kGatewayUla}) {
    send(session, neighbor_solicitation(kAnna, kAnnaLink, target));
    const auto heard = heard_by(session);
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->to, kAnna);
    EXPECT_EQ(heard->destination, kAnnaLink);
    const wire::NdView view = *wire::NdView::parse(heard->message);
    EXPECT_EQ(view.type(), wire::NdType::kNeighborAdvertisement);
    EXPECT_EQ(view.target(), target);
    EXPECT_TRUE(view.is_solicited());
    EXPECT_EQ(view.link_layer(wire::NdOptionType::kTargetLinkLayer), kGatewayMac);
  }
  EXPECT_EQ(segment().counters().neighbor_answers.value(), 2u);
}

// RFC 4862 5.4.3: whoever wants the gateway's address hears that it is taken, by a message to all nodes.
TEST_F(SegmentV6Test, GatewayDefendsItsAddress) {
  const SessionId session = attach();
  send(session, neighbor_solicitation(kAnna, kNone, kGatewayUla));
  const auto heard = heard_by(session);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->destination.to_string(), "ff02::1");
  EXPECT_FALSE(wire::NdView::parse(heard->message)->is_solicited());
  send(session, outgoing(kAnna, kGatewayUla));
  EXPECT_FALSE(sender());
}

// The ne2k of v86 receives no multicast.
TEST_F(SegmentV6Test, SolicitedRouterAnswersToTheMacOfTheAsker) {
  const SessionId session = attach();
  for (const IpAddress& source : {kAnnaLink, kNone}) {
    send(session, router_solicitation(kAnna, source));
    const auto heard = heard_by(session);
    ASSERT_TRUE(heard) << source.to_string();
    EXPECT_EQ(heard->to, kAnna);
    EXPECT_EQ(heard->source, wire::link_local_of(kGatewayMac));
    EXPECT_EQ(heard->destination, source == kNone ? *IpAddress::parse("ff02::1") : source);
    const wire::NdView view = *wire::NdView::parse(heard->message);
    EXPECT_EQ(view.type(), wire::NdType::kRouterAdvertisement);
    const Bytes prefix = view.option(wire::NdOptionType::kPrefix)->bytes;
    EXPECT_EQ(prefix[3], 0x40) << "not on link: stations are isolated";
    EXPECT_EQ(IpAddress::from_bytes(view.option(wire::NdOptionType::kRecursiveDns)->bytes.subspan(8)),
              kGatewayUla);
    EXPECT_EQ(load_be<std::uint32_t>(view.option(wire::NdOptionType::kMtu)->bytes.data() + 4), config_.mtu);
  }
}

TEST_F(SegmentV6Test, AnswersAreLimitedPerStation) {
  const SessionId session = attach();
  for (int i = 0; i < 100; ++i) {
    send(session, router_solicitation(kAnna, kAnnaLink));
    send(session, neighbor_solicitation(kAnna, kAnnaLink, kGatewayUla));
  }
  EXPECT_EQ(
      segment().counters().router_advertisements.value() + segment().counters().neighbor_answers.value(),
      config_.arp_per_second);
  EXPECT_EQ(drops(DropReason::kArpRateLimited), 200 - config_.arp_per_second);
}

TEST_F(SegmentV6Test, UnaskedAdvertisementsGoToWhoSpeaksIpv6) {
  const SessionId anna = virtio(kAnna, host(7));
  const SessionId bert = virtio(kBert, host(8));
  send(anna, outgoing(kAnna, kAnnaLink));
  Duration waited{};
  std::size_t count = 0;
  while (waited < 1h) {
    advance(1s);
    waited += 1s;
    count += frames_to(anna).size();
    EXPECT_TRUE(frames_to(bert).empty());
  }
  // Every three minutes, more or less a quarter.
  EXPECT_GE(count, 16u);
  EXPECT_LE(count, 27u);
  detach(anna);
  advance(4min);
  EXPECT_EQ(frame_count(), 0u);
}

TEST_F(SegmentV6Test, WithoutAPrefixNothingIsAdvertised) {
  config_.ipv6.prefix.reset();
  const SessionId session = attach();
  send(session, router_solicitation(kAnna, kAnnaLink));
  EXPECT_EQ(frame_count(), 0u);
  send(session, outgoing(kAnna, kAnnaUla));
  EXPECT_EQ(drops(DropReason::kSourceNotAllowed), 1u);
  advance(1h);
  EXPECT_EQ(segment().counters().router_advertisements.value(), 0u);
}

TEST_F(SegmentV6Test, AddressIsLearnedFromItsDetectionAndFromUse) {
  const SessionId session = attach();
  send(session, neighbor_solicitation(kAnna, kNone, kAnnaUla));
  EXPECT_EQ(frame_count(), 0u);
  const GuestId guest = guest_at(kAnnaUla);
  EXPECT_TRUE(guest);
  send(session, outgoing(kAnna, *IpAddress::parse("fd00::1234")));
  EXPECT_EQ(sender(), guest);
  EXPECT_EQ(guest_at(*IpAddress::parse("fd00::1234")), guest);
  const SessionId other = attach();
  send(other, outgoing(kBert, kAnnaUla));
  EXPECT_EQ(drops(DropReason::kSourceNotAllowed), 1u);
  detach(session);
  advance(config_.detached_time);
  EXPECT_FALSE(guest_at(kAnnaUla));
}

// Temporary addresses come and go; a station that invents many loses its own oldest.
TEST_F(SegmentV6Test, LearnedAddressesAreBounded) {
  const SessionId session = attach();
  send(session, outgoing(kAnna, kAnnaUla));
  for (unsigned i = 2; i < 1000; ++i) {
    now_ += 1ms;
    std::array<std::uint8_t, 16> bytes{0xfd};
    store_be(&bytes[14], static_cast<std::uint16_t>(i));
    send(session, outgoing(kAnna, IpAddress::from_bytes(bytes)));
    ASSERT_TRUE(sender());
    if (i % 8 == 0) send(session, outgoing(kAnna, kAnnaUla));  // in use
  }
  EXPECT_EQ(segment().stations()[0].addresses.size(), 16u);
  EXPECT_TRUE(guest_at(kAnnaUla));
  EXPECT_FALSE(guest_at(*IpAddress::parse("fd00::2")));
}

TEST_F(SegmentV6Test, StationsAreNoRouters) {
  const SessionId session = virtio(kAnna, host(7));
  const IpAddress all = *IpAddress::parse("ff02::1");
  send(session, icmpv6(multicast_mac(all), kAnna, kAnnaLink, all, 134, Packet(8)));
  send(session, icmpv6(kGatewayMac, kAnna, kAnnaLink, wire::link_local_of(kGatewayMac), 137, Packet(32)));
  EXPECT_EQ(drops(DropReason::kRouterRogue), 2u);
  EXPECT_TRUE(out_.packets.empty());
}

TEST_F(SegmentV6Test, DiscoveryThatCannotBeTrustedIsRefused) {
  const SessionId session = virtio(kAnna, host(7));
  station(kBert, host(8));
  Frame wrong_sum = neighbor_solicitation(kAnna, kAnnaLink, kGatewayUla);
  wrong_sum.back() ^= 1;
  send(session, wrong_sum);
  EXPECT_EQ(drops(DropReason::kChecksumInvalid), 1u);

  Packet option_zero(kGatewayUla.bytes().begin(), kGatewayUla.bytes().end());
  option_zero.resize(24);
  const Packet target(kGatewayUla.bytes().begin(), kGatewayUla.bytes().end());
  Packet other_mac = target;
  const Packet said = link_layer_option(wire::NdOptionType::kSourceLinkLayer, kBert);
  other_mac.insert(other_mac.end(), said.begin(), said.end());
  const Frame frames[] = {
      icmpv6(kGatewayMac, kAnna, kAnnaLink, kGatewayUla, 135, target, /*hop_limit=*/64),
      icmpv6(kGatewayMac, kAnna, kAnnaLink, kGatewayUla, 135, option_zero),
      icmpv6(kGatewayMac, kAnna, kAnnaLink, kGatewayUla, 135, other_mac),
      icmpv6(kGatewayMac, kAnna, kNone, kGatewayUla, 135, other_mac),
      icmpv6(kGatewayMac, kAnna, *IpAddress::parse("2001:db8::1"), kGatewayUla, 135, target),
      neighbor_advertisement(kGatewayMac, kAnna, kAnnaLink, kGatewayUla, kGatewayUla, kAnna),
      neighbor_advertisement(kGatewayMac, kAnna, kAnnaLink, kGatewayUla, kAnnaUla, kBert),
  };
  for (const Frame& frame : frames) {
    send(session, frame);
    EXPECT_EQ(frame_count(), 0u);
  }
  EXPECT_EQ(drops(DropReason::kNeighborInvalid), std::size(frames));
}

TEST_F(SegmentV6Test, IsolatedStationsHearNothingOfOthers) {
  const SessionId anna = virtio(kAnna, host(7));
  const SessionId bert = virtio(kBert, host(8));
  send(bert, outgoing(kBert, *IpAddress::parse("fd00::b")));
  send(anna, neighbor_solicitation(kAnna, kAnnaLink, *IpAddress::parse("fd00::b")));
  EXPECT_EQ(frame_count(), 0u);
  EXPECT_EQ(drops(DropReason::kStationIsolated), 1u);
}

}  // namespace
}  // namespace wgr::slirp::lan::test
