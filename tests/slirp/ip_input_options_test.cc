// Options of IPv4 and extension headers of IPv6: RFC 791 3.1, RFC 8200 4, RFC 7112.
#include "tests/slirp/ip_input_fixture.h"

namespace wgr::slirp {
namespace {

using test::Packet;
using wire::IpProtocol;

// An IPv6 UDP packet behind one extension header; `header` begins with the byte for its next header.
Packet with_extension(IpProtocol kind, Packet header, const IpAddress& destination = test::kRemoteV6) {
  header[0] = static_cast<std::uint8_t>(IpProtocol::kUdp);
  Packet upper = test::payload(wire::kUdpHeaderSize + 8);
  wire::write_udp(upper, {test::kGuestV6, 4000}, {destination, 53});
  upper.insert(upper.begin(), header.begin(), header.end());
  return test::ip_packet(test::kGuestV6, destination, kind, upper);
}

TEST_F(IpInputTest, SourceRoutesAreRefusedAndOtherOptionsSkipped) {
  struct Case {
    const char* what;
    Packet options;
    bool passes;
  };
  const Case kCases[] = {
      {"loose source route", {131, 7, 4, 1, 2, 3, 4, 0}, false},
      {"strict source route", {137, 7, 4, 1, 2, 3, 4, 0}, false},
      {"behind padding", {1, 1, 1, 1, 1, 131, 3, 4}, false},
      {"behind record route", {7, 4, 4, 0, 131, 3, 4, 0}, false},
      {"behind the end of options", {0, 131, 3, 4}, true},
      {"record route", {7, 7, 4, 0, 0, 0, 0, 0}, true},
      {"router alert", {148, 4, 0, 0}, true},
      {"nothing but padding", {1, 1, 1, 1}, true},
      {"length 0 could hide one", {148, 0, 131, 3}, false},
      {"length 1 could hide one", {148, 1, 131, 3}, false},
      {"kind without length", {1, 1, 1, 148}, false},
      {"length beyond the header", {148, 255, 0, 0}, true},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(refusal(with_options(c.options)),
              c.passes ? std::nullopt : std::optional{DropReason::kIpOptionRefused})
        << c.what;
  }
}

// RFC 8200 4.2, and ipv6_unknown_options_action of the packetimpact tests: the two high bits decide.
TEST_F(IpInputTest, UnknownIpv6OptionsDoWhatTheirKindSays) {
  for (const IpProtocol kind : {IpProtocol::kHopByHop, IpProtocol::kDestinationOptions}) {
    const auto option = [&](std::uint8_t type) { return with_extension(kind, {0, 0, type, 4, 0, 0, 0, 0}); };
    EXPECT_EQ(refusal(option(0x1e)), std::nullopt) << "00 skip";
    EXPECT_EQ(refusal(option(0x5e)), DropReason::kIpOptionRefused) << "01 discard";
    EXPECT_EQ(answer(option(0x5e)), std::nullopt) << "01 in silence";
    const IcmpError told = IcmpError::parameter_problem(Family::kV6, wire::icmpv6::kUnknownOption, 42);
    EXPECT_EQ(answer(option(0x9e)), told) << "10 discard and tell";
    EXPECT_EQ(answer(option(0xde)), told) << "11 discard and tell unicast";
  }
}

TEST_F(IpInputTest, UnknownIpv6OptionToManyIsToldOnlyByActionTwo) {
  const IpAddress many = *IpAddress::parse("ff02::1");
  EXPECT_NE(answer(with_extension(IpProtocol::kHopByHop, {0, 0, 0x9e, 4, 0, 0, 0, 0}, many)), std::nullopt);
  EXPECT_EQ(answer(with_extension(IpProtocol::kHopByHop, {0, 0, 0xde, 4, 0, 0, 0, 0}, many)), std::nullopt);
}

TEST_F(IpInputTest, ExtensionHeadersAreWalkedToTheUpperProtocol) {
  Packet chained = with_extension(IpProtocol::kHopByHop, {0, 0, 1, 4, 0, 0, 0, 0});
  const auto ip = input_.check(chained);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->protocol, IpProtocol::kUdp);
  EXPECT_EQ(ip->payload.size(), wire::kUdpHeaderSize + 8);
  EXPECT_EQ(ip->protocol_field_offset, 40u);
}

TEST_F(IpInputTest, RoutingHeaderInUseIsRefused) {
  const Packet used = with_extension(IpProtocol::kRouting, {0, 0, 0, 1, 0, 0, 0, 0});
  EXPECT_EQ(refusal(used), DropReason::kIpOptionRefused);
  EXPECT_EQ(answer(used), IcmpError::parameter_problem(Family::kV6, wire::icmpv6::kErroneousField, 42));
  EXPECT_EQ(refusal(with_extension(IpProtocol::kRouting, {0, 0, 0, 0, 0, 0, 0, 0})), std::nullopt);
}

TEST_F(IpInputTest, ExtensionHeaderBeyondThePacketIsRefused) {
  EXPECT_EQ(refusal(with_extension(IpProtocol::kDestinationOptions, {0, 255, 1, 4, 0, 0, 0, 0})),
            DropReason::kPacketMalformed);
}

TEST_F(IpInputTest, OptionBeyondItsHeaderIsRefused) {
  for (const std::uint8_t length : {5, 255}) {
    EXPECT_EQ(refusal(with_extension(IpProtocol::kDestinationOptions, {0, 0, 0x1e, length, 0, 0, 0, 0})),
              DropReason::kPacketMalformed);
  }
  EXPECT_EQ(refusal(with_extension(IpProtocol::kDestinationOptions, {0, 0, 0, 0, 0, 0, 0, 0x1e})),
            DropReason::kPacketMalformed)
      << "kind without length";
}

TEST_F(IpInputTest, HopByHopOptionsStandOnlyFirst) {
  Packet upper = {static_cast<std::uint8_t>(IpProtocol::kHopByHop),
                  0,
                  1,
                  4,
                  0,
                  0,
                  0,
                  0,  //
                  static_cast<std::uint8_t>(IpProtocol::kUdp),
                  0,
                  1,
                  4,
                  0,
                  0,
                  0,
                  0,  //
                  0,
                  1,
                  0,
                  2,
                  0,
                  8,
                  0,
                  0};
  const Packet packet =
      test::ip_packet(test::kGuestV6, test::kRemoteV6, IpProtocol::kDestinationOptions, upper);
  EXPECT_EQ(refusal(packet), DropReason::kPacketMalformed);
  EXPECT_EQ(answer(packet), IcmpError::parameter_problem(Family::kV6, wire::icmpv6::kUnknownNextHeader, 40));
}

TEST_F(IpInputTest, ChainsOfExtensionHeadersAreBounded) {
  constexpr std::size_t kMax = wire::kIpv6MaxExtensionHeaders;
  for (const std::size_t count : {kMax - 1, kMax, kMax + 1}) {
    Packet upper;
    for (std::size_t i = 0; i < count; ++i) {
      const IpProtocol next = i + 1 < count ? IpProtocol::kDestinationOptions : IpProtocol::kUdp;
      const Packet header = {static_cast<std::uint8_t>(next), 0, 1, 4, 0, 0, 0, 0};
      upper.insert(upper.end(), header.begin(), header.end());
    }
    const Packet udp = {0, 1, 0, 2, 0, 8, 0, 0};
    upper.insert(upper.end(), udp.begin(), udp.end());
    EXPECT_EQ(
        refusal(test::ip_packet(test::kGuestV6, test::kRemoteV6, IpProtocol::kDestinationOptions, upper)),
        count <= kMax ? std::nullopt : std::optional{DropReason::kPacketMalformed})
        << count;
  }
}

}  // namespace
}  // namespace wgr::slirp
