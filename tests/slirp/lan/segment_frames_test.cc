// What a station's frames may be, and what becomes of the IP packets in them.
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

using SegmentFramesTest = LanTest;

// Twenty bytes of an IP packet need no more than their own frame; what pads it is no part of the packet.
TEST_F(SegmentFramesTest, PaddingIsCutOff) {
  const SessionId session = station(kAnna, host(7));
  Frame frame = outgoing(kAnna, host(7), /*size=*/2);
  const std::size_t packet_size = frame.size() - wire::kEthernetHeaderSize;
  frame.resize(64, 0xaa);
  send(session, frame);
  ASSERT_TRUE(sender());
  EXPECT_EQ(out_.packets[0].bytes.size(), packet_size);
}

TEST_F(SegmentFramesTest, IpPacketIsAViewIntoTheFrame) {
  const SessionId session = station(kAnna, host(7));
  for (const std::size_t size : {0u, 1u, 1400u, 60'000u}) {
    const Frame frame = outgoing(kAnna, host(7), size);
    send(session, frame);
    ASSERT_TRUE(sender()) << size;
    EXPECT_TRUE(std::ranges::equal(out_.packets[0].bytes, Bytes{frame}.subspan(14))) << size;
  }
}

TEST_F(SegmentFramesTest, FramesHaveFourteenTo65553Bytes) {
  const SessionId session = station(kAnna, host(7));
  struct Case {
    std::size_t size;
    DropReason reason;
  };
  // A header alone passes as a frame; there is no packet in it.
  for (const auto& [size, reason] : {Case{0, DropReason::kFrameMalformed},
                                     {1, DropReason::kFrameMalformed},
                                     {13, DropReason::kFrameMalformed},
                                     {14, DropReason::kPacketMalformed},
                                     {65554, DropReason::kFrameTooLong},
                                     {100'000, DropReason::kFrameTooLong}}) {
    Frame frame = ethernet(kGatewayMac, kAnna, wire::EtherType::kIpv4, Packet(100'000));
    frame.resize(size);
    const std::uint64_t before = drops(reason);
    send(session, frame);
    EXPECT_EQ(drops(reason), before + 1) << size;
    EXPECT_TRUE(out_.packets.empty());
  }
  // The largest IPv4 packet, with bytes behind it as of a tag.
  Frame largest = outgoing(kAnna, host(7), 65535 - 28);
  largest.resize(65553);
  send(session, largest);
  ASSERT_TRUE(sender());
  EXPECT_EQ(out_.packets[0].bytes.size(), 65535u);
}

TEST_F(SegmentFramesTest, TaggedFramesAreRefused) {
  const SessionId session = station(kAnna, host(7));
  for (const std::uint16_t type : {0x8100, 0x88a8}) {
    Frame frame = outgoing(kAnna, host(7));
    store_be(&frame[12], type);
    send(session, frame);
  }
  EXPECT_EQ(drops(DropReason::kFrameMalformed), 2u);
}

TEST_F(SegmentFramesTest, MalformedPacketsAreCounted) {
  const SessionId session = station(kAnna, host(7));
  const Frame good_v4 = outgoing(kAnna, host(7));
  Frame long_v4 = good_v4;
  store_be(&long_v4[16], static_cast<std::uint16_t>(good_v4.size() - 14 + 1));
  Frame short_header = good_v4;
  short_header[14] = 0x44;
  Frame long_v6 = outgoing(kAnna, *IpAddress::parse("fe80::7"));
  store_be(&long_v6[18], static_cast<std::uint16_t>(long_v6.size()));
  Frame wrong_version = good_v4;
  store_be(&wrong_version[12], std::uint16_t{0x86dd});
  for (const Frame& frame : {long_v4, short_header, long_v6, wrong_version}) send(session, frame);
  EXPECT_EQ(drops(DropReason::kPacketMalformed), 4u);
}

// Another's address, one of no subnet of this network, none, and the gateway's.
TEST_F(SegmentFramesTest, SourceMustBeTheStationsOwn) {
  const SessionId session = station(kAnna, host(7));
  station(kBert, host(8));
  for (const IpAddress& source :
       {host(8), kOutside, IpAddress{}, kGateway, host(0), host(255), *IpAddress::parse("2001:db8::1"),
        *IpAddress::parse("fd00::1"), wire::link_local_of(kGatewayMac), *IpAddress::parse("::")}) {
    send(session, outgoing(kAnna, source));
    EXPECT_FALSE(sender()) << source.to_string();
  }
  EXPECT_EQ(drops(DropReason::kSourceNotAllowed), 10u);
}

// A static configuration, or a lease of a time that nobody here remembers.
TEST_F(SegmentFramesTest, FreeAddressBecomesTheStationsByUse) {
  const SessionId session = attach();
  send(session, outgoing(kAnna, host(77)));
  EXPECT_TRUE(sender());
  EXPECT_EQ(guest_at(host(77)), sender());
  EXPECT_TRUE(segment().take_changed());
  const SessionId other = attach();
  send(other, outgoing(kBert, host(77)));
  EXPECT_EQ(drops(DropReason::kSourceNotAllowed), 1u);
  EXPECT_NE(lease(other, kBert), host(77)) << "DHCP gives it to nobody else";
}

TEST_F(SegmentFramesTest, AddressOfAFormerRunIsKept) {
  saved_ = {
      {.address = host(50), .mac = kAnna, .client_id = "", .host_name = "anna", .expires = WallTime::max()}};
  const SessionId other = attach();
  send(other, outgoing(kBert, host(50)));
  EXPECT_EQ(drops(DropReason::kSourceNotAllowed), 1u);
  const SessionId session = attach();
  send(session, outgoing(kAnna, host(50)));
  EXPECT_TRUE(sender());
  EXPECT_EQ(segment().station_named("anna"), sender());
}

TEST_F(SegmentFramesTest, LeaseThatEndsIsNoSourceAnyMore) {
  config_.dhcp.lease_time = 10min;
  const SessionId session = attach();
  const IpAddress address = lease(session, kAnna);
  send(session, outgoing(kAnna, address));
  EXPECT_TRUE(sender());
  advance(11min);
  EXPECT_EQ(guest_at(address), GuestId{});
  const SessionId other = attach();
  send(other, outgoing(kBert, address));  // takes it meanwhile
  ASSERT_TRUE(sender());
  send(session, outgoing(kAnna, address));
  EXPECT_EQ(drops(DropReason::kSourceNotAllowed), 1u);
}

TEST_F(SegmentFramesTest, IsolatedStationsDoNotReachEachOther) {
  const SessionId session = station(kAnna, host(7));
  const SessionId other = station(kBert, host(8));
  const SocketAddress source{host(7), 4000};
  for (const MacAddress& to : {kBert, kGatewayMac}) {  // directly, and through the gateway
    send(session, udp_frame(to, kAnna, source, {host(8), 7}));
    EXPECT_FALSE(sender());
    EXPECT_TRUE(frames_to(other).empty());
  }
  const IpAddress v6 = *IpAddress::parse("fd00::7");
  send(session, udp_frame(kGatewayMac, kAnna, {v6, 4000}, {*IpAddress::parse("fd00::8"), 7}));
  EXPECT_EQ(drops(DropReason::kStationIsolated), 3u);
  send(session, udp_frame(kGatewayMac, kAnna, source, {kGateway, 53}));
  EXPECT_TRUE(sender()) << "the gateway itself";
  send(session, udp_frame(kGatewayMac, kAnna, {v6, 4000}, {*IpAddress::parse("fd00::1"), 53}));
  EXPECT_TRUE(sender());
}

// mDNS, IGMP, NetBIOS and MLD come from every guest: counted, and nothing else.
TEST_F(SegmentFramesTest, GroupsAreNobodyOnAnIsolatedNetwork) {
  const SessionId session = station(kAnna, host(7));
  station(kBert, host(8));
  const IpAddress link_local = wire::link_local_of(kAnna);
  send(session, udp_frame(*MacAddress::parse("01:00:5e:00:00:fb"), kAnna, {host(7), 5353},
                          {IpAddress::v4(224, 0, 0, 251), 5353}));
  send(session, udp_frame(MacAddress::broadcast(), kAnna, {host(7), 137}, {host(255), 137}));
  send(session, icmpv6(*MacAddress::parse("33:33:00:00:00:16"), kAnna, *IpAddress::parse("::"),
                       *IpAddress::parse("ff02::16"), 143, Packet(20), 1));
  send(session, udp_frame(*MacAddress::parse("33:33:00:00:00:fb"), kAnna, {link_local, 5353},
                          {*IpAddress::parse("ff02::fb"), 5353}));
  EXPECT_EQ(drops(DropReason::kDestinationInvalid), 4u);
  EXPECT_EQ(frame_count(), 0u);
}

TEST_F(SegmentFramesTest, OtherProtocolsAreRefusedOnAnIsolatedNetwork) {
  const SessionId session = station(kAnna, host(7));
  send(session, ethernet(MacAddress::broadcast(), kAnna, wire::EtherType{0x8137}, Packet(46)));
  send(session, ethernet(kGatewayMac, kAnna, wire::EtherType{0x0026}, Packet(46)));
  EXPECT_EQ(drops(DropReason::kProtocolUnsupported), 2u);
}

TEST_F(SegmentFramesTest, PacketForAStationBecomesAFrameOfTheGateway) {
  const SessionId session = station(kAnna, host(7));
  for (const bool is_v6 : {false, true}) {
    const Packet packet = is_v6 ? slirp::test::udp_packet(kOutsideV6, *IpAddress::parse("fd00::7"), 100)
                                : slirp::test::udp_packet(kOutside, host(7), 100);
    send_down(guest_at(host(7)), packet);
    ASSERT_EQ(frames_to(session).size(), 1u);
    EXPECT_EQ(frames_to(session)[0],
              ethernet(kAnna, kGatewayMac, is_v6 ? wire::EtherType::kIpv6 : wire::EtherType::kIpv4, packet));
  }
}

TEST_F(SegmentFramesTest, PacketsThatDoNotFitAreRefused) {
  const SessionId session = station(kAnna, host(7));
  const GuestId guest = guest_at(host(7));
  send_down(guest, slirp::test::udp_packet(kOutside, host(7), config_.mtu - 28u));
  EXPECT_EQ(frames_to(session).size(), 1u);
  send_down(guest, slirp::test::udp_packet(kOutside, host(7), config_.mtu - 27u));
  EXPECT_EQ(drops(DropReason::kPacketTooBig), 1u);
  send_down(guest, Packet{});
  EXPECT_EQ(drops(DropReason::kPacketMalformed), 1u);
  send_down(GuestId{3, 99}, slirp::test::udp_packet(kOutside, host(7), 10));
  EXPECT_EQ(drops(DropReason::kStationUnknown), 1u);
  EXPECT_EQ(frame_count(), 0u);
}

}  // namespace
}  // namespace wgr::slirp::lan::test
