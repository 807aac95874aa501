#include "core/wire/icmp.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"

namespace wgr::wire {
namespace {

using Memory = std::vector<std::uint8_t>;

const IpAddress kSourceV4 = IpAddress::v4(10, 0, 0, 2);
const IpAddress kDestinationV4 = IpAddress::v4(198, 51, 100, 7);
const IpAddress kSourceV6 = *IpAddress::parse("fd00::2");
const IpAddress kDestinationV6 = *IpAddress::parse("2001:db8::7");

// UDP inside IPv4 or IPv6, as an error quotes it.
Memory make_quoted(Family family, std::size_t upper_size) {
  const bool is_v4 = family == Family::kV4;
  Memory packet((is_v4 ? kIpv4HeaderSize : kIpv6HeaderSize) + upper_size, 0x11);
  if (is_v4) {
    Ipv4Header header;
    header.source = kSourceV4;
    header.destination = kDestinationV4;
    write_ipv4(packet, header);
  } else {
    Ipv6Header header;
    header.source = kSourceV6;
    header.destination = kDestinationV6;
    write_ipv6(packet, header);
  }
  return packet;
}

TEST(IcmpTest, EchoRoundTripsInBothFamilies) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const IpAddress& source = family == Family::kV4 ? kSourceV4 : kSourceV6;
    const IpAddress& destination = family == Family::kV4 ? kDestinationV4 : kDestinationV6;
    const std::uint8_t request = family == Family::kV4 ? icmpv4::kEchoRequest : icmpv6::kEchoRequest;
    const std::uint8_t reply = family == Family::kV4 ? icmpv4::kEchoReply : icmpv6::kEchoReply;
    Memory message(kIcmpHeaderSize + 57, 0x42);
    write_icmp(message, {request, 0, echo_rest(0x1234, 0xabcd)}, source, destination);

    const Result<IcmpView> view = IcmpView::parse(family, message);
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->is_echo_request());
    EXPECT_FALSE(view->is_echo_reply());
    EXPECT_FALSE(view->is_error());
    EXPECT_EQ(view->identifier(), 0x1234);
    EXPECT_EQ(view->sequence(), 0xabcd);
    EXPECT_EQ(view->payload().size(), 57u);
    EXPECT_EQ(view->mtu(), std::nullopt);
    EXPECT_TRUE(view->checksum_is_valid(source, destination));
    message.back() ^= 1;
    EXPECT_FALSE(view->checksum_is_valid(source, destination));

    write_icmp(message, {reply, 0, view->rest()}, destination, source);
    EXPECT_TRUE(view->is_echo_reply());
    EXPECT_TRUE(view->checksum_is_valid(destination, source));
  }
}

TEST(IcmpTest, EchoWithACodeIsNoEcho) {
  Memory message(8, 0);
  message[0] = icmpv4::kEchoRequest;
  message[1] = 1;
  EXPECT_FALSE(IcmpView::parse(Family::kV4, message)->is_echo_request());
}

TEST(IcmpTest, MessagesBelowEightBytesAreRefused) {
  for (std::size_t size = 0; size <= 8; ++size) {
    Memory message(size);
    EXPECT_EQ(IcmpView::parse(Family::kV4, message).has_value(), size == 8) << size;
  }
}

TEST(IcmpTest, ErrorsAreToldFromQueries) {
  for (unsigned type = 0; type < 256; ++type) {
    const auto byte = static_cast<std::uint8_t>(type);
    const bool v4 = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    EXPECT_EQ(is_icmp_error(Family::kV4, byte), v4) << type;
    EXPECT_EQ(is_icmp_error(Family::kV6, byte), type < 128 || type == 137) << type;
  }
}

TEST(IcmpTest, MtuIsReadFromTheTwoTypesThatHaveOne) {
  Memory message(8, 0);
  message[0] = icmpv4::kDestinationUnreachable;
  message[1] = icmpv4::kFragmentationNeeded;
  store_be(&message[4], std::uint32_t{0xffff0578});  // RFC 1191: the upper half is unused
  EXPECT_EQ(IcmpView::parse(Family::kV4, message)->mtu(), 1400u);
  message[1] = icmpv4::kPortUnreachable;
  EXPECT_EQ(IcmpView::parse(Family::kV4, message)->mtu(), std::nullopt);
  message[0] = icmpv6::kPacketTooBig;
  store_be(&message[4], std::uint32_t{1280});
  EXPECT_EQ(IcmpView::parse(Family::kV6, message)->mtu(), 1280u);
}

// RFC 4884: 128 bytes of quote, then an extension structure that is none of the packet.
TEST(IcmpTest, Rfc5508_Req3d_ExtensionsAreNoPartOfTheQuote) {
  struct Case {
    Family family;
    std::uint8_t type;
    std::size_t field;
    std::uint8_t units;
    std::size_t quoted;
  };
  constexpr Case kCases[] = {
      {Family::kV4, icmpv4::kTimeExceeded, 5, 32, 128},
      {Family::kV4, icmpv4::kDestinationUnreachable, 5, 32, 128},
      {Family::kV4, icmpv4::kTimeExceeded, 5, 0, 140},    // no extensions
      {Family::kV4, icmpv4::kTimeExceeded, 5, 255, 140},  // a length beyond the message
      {Family::kV4, icmpv4::kRedirect, 5, 32, 140},       // the gateway's address, no length
      {Family::kV6, icmpv6::kTimeExceeded, 4, 16, 128},
      {Family::kV6, icmpv6::kPacketTooBig, 4, 16, 140},  // the MTU, no length
  };
  for (const Case& c : kCases) {
    Memory message(8 + 140, 0);
    message[0] = c.type;
    message[c.field] = c.units;
    EXPECT_EQ(IcmpView::parse(c.family, message)->quoted().size(), c.quoted) << unsigned{c.type};
  }
}

TEST(QuotedPacketTest, EndsAndPortsAreRead) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    Memory packet = make_quoted(family, 8);
    store_be(&packet[packet.size() - 8], std::uint16_t{4000});
    store_be(&packet[packet.size() - 6], std::uint16_t{53});
    const Result<QuotedPacket> quoted = QuotedPacket::parse(family, packet);
    ASSERT_TRUE(quoted);
    EXPECT_EQ(quoted->source, family == Family::kV4 ? kSourceV4 : kSourceV6);
    EXPECT_EQ(quoted->destination, family == Family::kV4 ? kDestinationV4 : kDestinationV6);
    EXPECT_EQ(quoted->protocol, IpProtocol::kUdp);
    EXPECT_EQ(quoted->source_port(), 4000);
    EXPECT_EQ(quoted->destination_port(), 53);
  }
}

TEST(QuotedPacketTest, TotalLengthMayExceedTheQuote) {
  Memory packet = make_quoted(Family::kV4, 8);
  store_be(&packet[2], std::uint16_t{1500});
  EXPECT_TRUE(QuotedPacket::parse(Family::kV4, packet));
}

TEST(QuotedPacketTest, EveryTruncationIsRefused) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const Memory whole = make_quoted(family, 8);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Memory cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(QuotedPacket::parse(family, cut)) << size;
    }
    EXPECT_FALSE(QuotedPacket::parse(family == Family::kV4 ? Family::kV6 : Family::kV4, whole));
  }
}

TEST(QuotedPacketTest, Rfc5508_Req3b_Ipv4OptionsAreSkipped) {
  Memory packet = make_quoted(Family::kV4, 8);
  packet.insert(packet.begin() + kIpv4HeaderSize, 40, 1);
  packet[0] = 0x4f;
  packet[packet.size() - 5] = 99;
  const Result<QuotedPacket> quoted = QuotedPacket::parse(Family::kV4, packet);
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->upper.size(), 8u);
  EXPECT_EQ(quoted->upper[3], 99);
}

TEST(QuotedPacketTest, ExtensionHeadersAreSkipped) {
  Memory packet = make_quoted(Family::kV6, 8);
  const Memory headers = {44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 7};  // options, fragment at offset 0
  packet.insert(packet.begin() + kIpv6HeaderSize, headers.begin(), headers.end());
  packet[6] = 60;
  const Result<QuotedPacket> quoted = QuotedPacket::parse(Family::kV6, packet);
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->protocol, IpProtocol::kUdp);
  EXPECT_EQ(quoted->upper.size(), 8u);
}

TEST(QuotedPacketTest, LaterFragmentsTellNothing) {
  Memory v4 = make_quoted(Family::kV4, 8);
  store_be(&v4[6], std::uint16_t{0x2001});
  EXPECT_EQ(QuotedPacket::parse(Family::kV4, v4).error(), DropReason::kFragmentMalformed);

  Memory v6 = make_quoted(Family::kV6, 8);
  const Memory header = {17, 0, 0, 8, 0, 0, 0, 7};
  v6.insert(v6.begin() + kIpv6HeaderSize, header.begin(), header.end());
  v6[6] = 44;
  EXPECT_EQ(QuotedPacket::parse(Family::kV6, v6).error(), DropReason::kFragmentMalformed);
}

TEST(QuotedPacketTest, RandomBytesStayWithinTheirMemory) {
  constexpr std::uint64_t kSeed = 17;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Rng rng{kSeed};
  for (int round = 0; round < 100'000; ++round) {
    Memory quote(rng.below(100));
    for (std::uint8_t& byte : quote) byte = static_cast<std::uint8_t>(rng.below(64));
    const Family family = rng.below(2) == 0 ? Family::kV4 : Family::kV6;
    if (!quote.empty())
      quote[0] = family == Family::kV4 ? static_cast<std::uint8_t>(0x40 + rng.below(16)) : 0x60;
    const Result<QuotedPacket> quoted = QuotedPacket::parse(family, quote);
    if (!quoted) continue;
    ASSERT_GE(quoted->upper.size(), 8u);
    ASSERT_EQ(quoted->upper.data() + quoted->upper.size(), quote.data() + quote.size());
  }
}

}  // namespace
}  // namespace wgr::wire
