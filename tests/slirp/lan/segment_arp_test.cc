// ARP and DHCP: what the gateway answers, and what it does not.
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

using SegmentArpTest = LanTest;

wire::ArpMessage arp_in(const Frame& frame) {
  const auto message = wire::ArpMessage::parse(Bytes{frame}.subspan(wire::kEthernetHeaderSize));
  EXPECT_TRUE(message);
  return *message;
}

TEST_F(SegmentArpTest, GatewayAnswersForItsAddress) {
  const SessionId session = attach();
  send(session, arp_request(kAnna, host(7), kGateway));
  const std::vector<Frame> frames = frames_to(session);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0], arp_reply(kGatewayMac, kGateway, kAnna, host(7)));
  EXPECT_EQ(segment().counters().arp_answers.value(), 1u);
}

// What a small NIC is sent is padded, as it pads itself.
TEST_F(SegmentArpTest, AnswerToAPaddingNicIsPadded) {
  const SessionId session = attach();
  send(session, arp_request(kAnna, host(7), kGateway, Nic::kNe2k));
  Frame expected = arp_reply(kGatewayMac, kGateway, kAnna, host(7));
  expected.resize(60);
  ASSERT_EQ(frames_to(session).size(), 1u);
  EXPECT_EQ(frames_to(session)[0], expected);
}

// RFC 5227: an answer would tell the station that its address is taken.
TEST_F(SegmentArpTest, ProbesForFreeAndOwnAddressesHearNothing) {
  const SessionId session = station(kAnna, host(7));
  for (const IpAddress& target : {host(7), host(99)}) {
    send(session, arp_request(kAnna, IpAddress{}, target));
    EXPECT_EQ(frame_count(), 0u);
  }
  EXPECT_EQ(segment().counters().drops.total(), 0u);
}

TEST_F(SegmentArpTest, GatewayDefendsItsAddressAgainstProbes) {
  const SessionId session = attach();
  send(session, arp_request(kAnna, IpAddress{}, kGateway));
  ASSERT_EQ(frames_to(session).size(), 1u);
  EXPECT_EQ(arp_in(frames_to(session)[0]).sender, kGateway);
}

TEST_F(SegmentArpTest, IsolatedStationsHearNothingOfOthers) {
  const SessionId session = station(kAnna, host(7));
  station(kBert, host(8));
  for (const IpAddress& target : {host(8), host(99), kOutside}) {
    send(session, arp_request(kAnna, host(7), target));
    EXPECT_EQ(frame_count(), 0u);
  }
  EXPECT_EQ(drops(DropReason::kStationIsolated), 3u);
}

TEST_F(SegmentArpTest, LiesAreRefused) {
  const SessionId session = station(kAnna, host(7));
  station(kBert, host(8));
  const std::uint64_t answered = segment().counters().arp_answers.value();
  Frame other_mac = arp_request(kBert, host(7), kGateway);
  std::ranges::copy(kAnna.bytes(), other_mac.begin() + 6);
  const Frame lies[] = {
      other_mac,                                      // sender is not the frame's
      arp_request(kAnna, host(8), kGateway),          // another's address
      arp_request(kAnna, kGateway, kGateway),         // the gateway's, announced
      arp_reply(kAnna, kGateway, kBert, host(8)),     // the gateway's, told
      arp_request(kAnna, kOutside, kGateway),         // of another network
      arp_reply(kAnna, IpAddress{}, kBert, host(8)),  // a reply that tells nothing
  };
  for (const Frame& lie : lies) {
    send(session, lie);
    EXPECT_EQ(frame_count(), 0u);
  }
  Frame cut = arp_request(kAnna, host(7), kGateway);
  cut.resize(41);
  send(session, cut);
  EXPECT_EQ(drops(DropReason::kArpInvalid) + drops(DropReason::kStationIsolated), 7u);
  EXPECT_EQ(segment().counters().arp_answers.value(), answered);
}

TEST_F(SegmentArpTest, AnswersAreLimitedPerStation) {
  const SessionId session = station(kAnna, host(7));
  for (int i = 0; i < 200; ++i) send(session, arp_request(kAnna, host(7), kGateway));
  EXPECT_EQ(segment().counters().arp_answers.value(), config_.arp_per_second);
  EXPECT_EQ(drops(DropReason::kArpRateLimited), 201 - config_.arp_per_second);
  station(kBert, host(8));  // has its own share
  advance(1s);
  send(session, arp_request(kAnna, host(7), kGateway));
  EXPECT_EQ(frame_count(), 1u);
}

TEST_F(SegmentArpTest, StationIsFoundWithoutAsking) {
  const SessionId session = attach();
  const IpAddress address = lease(session, kAnna);
  send_down(guest_at(address), slirp::test::udp_packet(kOutside, address, 10));
  ASSERT_EQ(frames_to(session).size(), 1u);
  EXPECT_EQ(MacAddress::read(frames_to(session)[0]), kAnna);
}

TEST_F(SegmentArpTest, DhcpGivesAnAddress) {
  const SessionId session = attach();
  const IpAddress address = lease(session, kAnna);
  EXPECT_TRUE(config_.subnet.contains(address));
  send(session, outgoing(kAnna, address));
  EXPECT_TRUE(sender());
  EXPECT_EQ(segment().leases().size(), 1u);
}

// v86 rewrites MAC addresses within DHCP and clears the sum.
TEST_F(SegmentArpTest, DhcpWithoutChecksumIsServedAndWithAWrongOneNot) {
  const SessionId session = attach();
  send(session, dhcp(kAnna, {}, /*with_checksum=*/false));
  EXPECT_EQ(frame_count(), 1u);
  Frame wrong = dhcp(kAnna, {});
  wrong[40] ^= 0x01;
  send(session, wrong);
  EXPECT_EQ(frame_count(), 0u);
  EXPECT_EQ(drops(DropReason::kChecksumInvalid), 1u);
}

// RFC 2131 4.4.5: a renewal goes to the server alone.
TEST_F(SegmentArpTest, RenewalToTheGatewaysMacReachesTheServer) {
  const SessionId session = attach();
  const IpAddress address = lease(session, kAnna);
  wire::DhcpWriter writer({.op = wire::DhcpOp::kRequest, .xid = 7, .ciaddr = address, .mac = kAnna}, 548);
  writer.add_byte(wire::DhcpOption::kMessageType, 3);
  const Packet message = writer.finish();
  Packet upper(wire::kUdpHeaderSize);
  upper.insert(upper.end(), message.begin(), message.end());
  wire::write_udp(upper, {address, 68}, {kGateway, 67});
  send(session, ethernet(kGatewayMac, kAnna, wire::EtherType::kIpv4,
                         slirp::test::ip_packet(address, kGateway, wire::IpProtocol::kUdp, upper)));
  EXPECT_TRUE(out_.packets.empty());
  EXPECT_EQ(address_in_reply(session), address);
}

TEST_F(SegmentArpTest, StationsAreNoDhcpServers) {
  const SessionId session = station(kAnna, host(7));
  station(kBert, host(8));
  send(session, udp_frame(MacAddress::broadcast(), kAnna, {host(7), 67}, {IpAddress::v4(0xffffffff), 68}));
  send(session, udp_frame(MacAddress::broadcast(), kAnna, {host(7), 67}, {IpAddress::v4(0xffffffff), 67}));
  EXPECT_EQ(drops(DropReason::kDhcpRogue), 2u);
  EXPECT_EQ(frame_count(), 0u);
}

}  // namespace
}  // namespace wgr::slirp::lan::test
