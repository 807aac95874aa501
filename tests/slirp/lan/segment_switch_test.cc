// A network whose stations see each other.
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

class SegmentSwitchTest : public LanTest {
 protected:
  SegmentSwitchTest() { config_.isolate = false; }

  void bring_up() {
    anna_ = station(kAnna, host(7));
    bert_ = station(kBert, host(8));
    cleo_ = station(kCleo, host(9));
    clear();
  }

  SessionId anna_;
  SessionId bert_;
  SessionId cleo_;
};

TEST_F(SegmentSwitchTest, KnownUnicastGoesToItsStationAlone) {
  bring_up();
  const Frame frame = udp_frame(kBert, kAnna, {host(7), 4000}, {host(8), 7}, 1400);
  send(anna_, frame);
  EXPECT_EQ(frame_count(), 1u);
  ASSERT_EQ(frames_to(bert_).size(), 1u);
  EXPECT_EQ(frames_to(bert_)[0], frame);
  EXPECT_TRUE(out_.packets.empty());
  EXPECT_EQ(segment().counters().frames_switched.value(), 1u);
}

// Echoed broadcasts break duplicate address detection.
TEST_F(SegmentSwitchTest, GroupsGoToAllOthersAndNeverBack) {
  bring_up();
  const Frame frame = udp_frame(MacAddress::broadcast(), kAnna, {host(7), 137}, {host(255), 137});
  send(anna_, frame);
  EXPECT_EQ(frames_to(bert_), std::vector<Frame>{frame});
  EXPECT_EQ(frames_to(cleo_), std::vector<Frame>{frame});
  EXPECT_TRUE(frames_to(anna_).empty());
}

TEST_F(SegmentSwitchTest, UnknownUnicastIsNotFlooded) {
  bring_up();
  send(anna_, udp_frame(*MacAddress::parse("02:00:00:00:00:99"), kAnna, {host(7), 4000}, {host(99), 7}));
  EXPECT_EQ(frame_count(), 0u);
  EXPECT_EQ(drops(DropReason::kStationUnknown), 1u);
  send(anna_, udp_frame(kAnna, kAnna, {host(7), 4000}, {host(7), 7}));
  EXPECT_EQ(frame_count(), 0u);
  EXPECT_EQ(drops(DropReason::kDestinationInvalid), 1u);
}

TEST_F(SegmentSwitchTest, BroadcastsAreLimitedPerStation) {
  bring_up();
  const Frame frame = udp_frame(MacAddress::broadcast(), kAnna, {host(7), 137}, {host(255), 137});
  std::size_t heard = 0;
  for (int i = 0; i < 500; ++i) {
    send(anna_, frame);
    heard += frames_to(bert_).size();
  }
  EXPECT_EQ(heard, config_.broadcast_per_second);
  EXPECT_EQ(drops(DropReason::kBroadcastRateLimited), 500 - config_.broadcast_per_second);
  send(anna_, udp_frame(kBert, kAnna, {host(7), 4000}, {host(8), 7}));
  EXPECT_EQ(frame_count(), 1u) << "unicast goes on";
}

TEST_F(SegmentSwitchTest, JumboBroadcastsAreRefused) {
  bring_up();
  send(anna_, udp_frame(MacAddress::broadcast(), kAnna, {host(7), 137}, {host(255), 137}, 9000));
  EXPECT_EQ(frame_count(), 0u);
  EXPECT_EQ(drops(DropReason::kFrameTooLong), 1u);
  send(anna_, udp_frame(kBert, kAnna, {host(7), 137}, {host(8), 137}, 9000));
  EXPECT_EQ(frame_count(), 1u) << "two machines with large MTUs may agree";
}

// Whom a question concerns is known: the others are spared, and an ne2k hears it in spite of its filter.
TEST_F(SegmentSwitchTest, QuestionForAnAddressGoesToItsOwner) {
  bring_up();
  send(anna_, arp_request(kAnna, host(7), host(8)));
  EXPECT_EQ(frame_count(), 1u);
  ASSERT_EQ(frames_to(bert_).size(), 1u);
  EXPECT_EQ(MacAddress::read(frames_to(bert_)[0]), kBert);
  send(bert_, arp_reply(kBert, host(8), kAnna, host(7)));
  EXPECT_EQ(frames_to(anna_).size(), 1u);

  const IpAddress link = wire::link_local_of(kBert);
  send(bert_, neighbor_solicitation(kBert, *IpAddress::parse("::"), link));
  send(anna_, neighbor_solicitation(kAnna, wire::link_local_of(kAnna), link));
  EXPECT_EQ(frame_count(), 1u);
  EXPECT_EQ(frames_to(bert_).size(), 1u);
  send(bert_, neighbor_advertisement(kAnna, kBert, link, wire::link_local_of(kAnna), link, kBert));
  EXPECT_EQ(frames_to(anna_).size(), 1u);
}

TEST_F(SegmentSwitchTest, QuestionForAnUnknownAddressGoesToAll) {
  bring_up();
  send(anna_, arp_request(kAnna, host(7), host(99)));
  EXPECT_EQ(frame_count(), 2u);
  send(anna_, arp_request(kAnna, host(7), host(7)));  // an announcement
  EXPECT_EQ(frame_count(), 2u);
}

TEST_F(SegmentSwitchTest, GatewayStillAnswersForItself) {
  bring_up();
  send(anna_, arp_request(kAnna, host(7), kGateway));
  EXPECT_EQ(frame_count(), 1u);
  EXPECT_EQ(frames_to(anna_).size(), 1u);
  send(anna_, dhcp(kAnna, {}));
  EXPECT_EQ(frame_count(), 1u);
  EXPECT_EQ(frames_to(anna_).size(), 1u);
}

TEST_F(SegmentSwitchTest, StationsDoNotSpeakForEachOther) {
  bring_up();
  const IpAddress bert_link = wire::link_local_of(kBert);
  const IpAddress anna_link = wire::link_local_of(kAnna);
  const IpAddress all = *IpAddress::parse("ff02::1");
  send(bert_, outgoing(kBert, bert_link));
  struct Case {
    const char* what;
    Frame frame;
    DropReason reason;
  };
  const Case cases[] = {
      {"ARP for Cleo", arp_reply(kAnna, host(9), kBert, host(8)), DropReason::kArpInvalid},
      {"ARP for the gateway", arp_reply(kAnna, kGateway, kBert, host(8)), DropReason::kArpInvalid},
      {"packet of Cleo", udp_frame(kBert, kAnna, {host(9), 1}, {host(8), 1}), DropReason::kSourceNotAllowed},
      {"packet of the gateway", udp_frame(kBert, kAnna, {kGateway, 53}, {host(8), 1}),
       DropReason::kSourceNotAllowed},
      {"advertised for Bert",
       neighbor_advertisement(kCleo, kAnna, anna_link, wire::link_local_of(kCleo), bert_link, kAnna),
       DropReason::kNeighborInvalid},
      {"router", icmpv6(multicast_mac(all), kAnna, anna_link, all, 134, Packet(8)), DropReason::kRouterRogue},
      {"DHCP server", udp_frame(kBert, kAnna, {host(7), 67}, {host(8), 68}), DropReason::kDhcpRogue},
      {"DHCPv6 server", udp_frame(kBert, kAnna, {anna_link, 547}, {bert_link, 546}), DropReason::kDhcpRogue},
      {"spanning tree",
       ethernet(*MacAddress::parse("01:80:c2:00:00:00"), kAnna, wire::EtherType{0x0026}, Packet(46)),
       DropReason::kDestinationInvalid},
  };
  for (const Case& c : cases) {
    const std::uint64_t before = drops(c.reason);
    send(anna_, c.frame);
    EXPECT_EQ(frame_count(), 0u) << c.what;
    EXPECT_EQ(drops(c.reason), before + 1) << c.what;
  }
}

// RFC 7113: extension headers and fragments do not hide an advertisement.
TEST_F(SegmentSwitchTest, RouterAdvertisementIsFoundBehindExtensionHeaders) {
  bring_up();
  const IpAddress all = *IpAddress::parse("ff02::1");
  const IpAddress link = wire::link_local_of(kAnna);
  Packet message(16);
  wire::write_icmp(message, {.type = 134, .code = 0, .rest = 0}, link, all);
  Packet behind{58, 0, 1, 4, 0, 0, 0, 0};  // destination options: padding
  behind.insert(behind.end(), message.begin(), message.end());
  send(anna_, ethernet(multicast_mac(all), kAnna, wire::EtherType::kIpv6,
                       slirp::test::ip_packet(link, all, wire::IpProtocol::kDestinationOptions, behind,
                                              wire::kNdHopLimit)));
  EXPECT_EQ(drops(DropReason::kRouterRogue), 1u);
  const Packet whole =
      slirp::test::ip_packet(link, all, wire::IpProtocol::kIcmpV6, message, wire::kNdHopLimit);
  send(anna_,
       ethernet(multicast_mac(all), kAnna, wire::EtherType::kIpv6, slirp::test::fragment_of(whole, 0, 8)));
  EXPECT_EQ(drops(DropReason::kNeighborInvalid), 1u);
  EXPECT_EQ(frame_count(), 0u);
}

// IPX games.
TEST_F(SegmentSwitchTest, OtherProtocolsPass) {
  bring_up();
  send(anna_, ethernet(MacAddress::broadcast(), kAnna, wire::EtherType{0x8137}, Packet(46)));
  EXPECT_EQ(frame_count(), 2u);
  send(anna_, ethernet(kBert, kAnna, wire::EtherType{0x0040}, Packet(64)));
  EXPECT_EQ(frames_to(bert_).size(), 1u);
}

TEST_F(SegmentSwitchTest, SessionWithSeveralStationsHearsAGroupOnce) {
  config_.macs_per_session = 2;
  bring_up();
  send(bert_, outgoing(*MacAddress::parse("00:22:15:00:00:1b"), host(18)));
  send(anna_, udp_frame(MacAddress::broadcast(), kAnna, {host(7), 137}, {host(255), 137}));
  EXPECT_EQ(frames_to(bert_).size(), 1u);
}

TEST_F(SegmentSwitchTest, DetachedStationHearsNothing) {
  bring_up();
  detach(bert_);
  send(anna_, udp_frame(kBert, kAnna, {host(7), 4000}, {host(8), 7}));
  EXPECT_EQ(frame_count(), 0u);
  EXPECT_EQ(drops(DropReason::kSessionGone), 1u);
}

// Where our DHCP is off, one of the stations may be the server.
TEST_F(SegmentSwitchTest, WithoutOurDhcpAStationMayServe) {
  config_.dhcp.enabled = false;
  bring_up();
  send(anna_, dhcp(kAnna, {}));
  EXPECT_EQ(frame_count(), 2u);
  send(bert_, udp_frame(kAnna, kBert, {host(8), 67}, {IpAddress::v4(0xffffffff), 68}));
  EXPECT_EQ(frames_to(anna_).size(), 1u);
}

TEST_F(SegmentSwitchTest, PacketsForTheGatewayAreOfTheirGuest) {
  bring_up();
  send(anna_, udp_frame(kGatewayMac, kAnna, {host(7), 4000}, {host(8), 7}));
  EXPECT_EQ(sender(), guest_at(host(7))) << "routed, as from a station with a narrow mask";
}

}  // namespace
}  // namespace wgr::slirp::lan::test
