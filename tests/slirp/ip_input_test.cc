// Lengths, sums, addresses and hop limits of arriving packets.
#include "tests/slirp/ip_input_fixture.h"

namespace wgr::slirp {
namespace {

using test::Packet;
using wire::IpProtocol;

TEST_F(IpInputTest, GoodPacketsPass) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    Packet packet = test::udp_packet(family, 32);
    const auto ip = input_.check(packet);
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->family, family);
    EXPECT_EQ(ip->source, test::guest_address(family));
    EXPECT_EQ(ip->destination, test::remote_address(family));
    EXPECT_EQ(ip->protocol, IpProtocol::kUdp);
    EXPECT_EQ(ip->payload.size(), wire::kUdpHeaderSize + 32);
  }
}

// Packets of one flow, whatever the upper header says; IPv4's sum is right.
void write_v4_sum(Packet& packet) {
  store_be(&packet[10], std::uint16_t{0});
  store_be(&packet[10], wire::PartialSum::of(Bytes{packet}.first(wire::kIpv4HeaderSize)).checksum());
}

TEST_F(IpInputTest, PacketLikeTheLastPassesWithALengthOfItsOwn) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    Packet first = test::udp_packet(family, 32);
    EXPECT_EQ(input_.check_like_last(first), nullptr);
    input_.remember(*input_.check(first));
    Packet second = test::udp_packet(family, 200);
    if (family == Family::kV4) {
      store_be(&second[4], std::uint16_t{4711});  // identification
      write_v4_sum(second);
    }
    const std::size_t size = second.size();
    second.resize(size + 7);  // padding
    const AcceptedPacket* const accepted = input_.check_like_last(second);
    ASSERT_NE(accepted, nullptr);
    const auto checked = input_.check(second);
    ASSERT_TRUE(checked);
    EXPECT_EQ(accepted->ip.packet.size(), size);
    EXPECT_EQ(accepted->ip.payload.data(), checked->payload.data());
    EXPECT_EQ(accepted->ip.payload.size(), checked->payload.size());
    EXPECT_EQ(accepted->ip.source, checked->source);
    EXPECT_EQ(accepted->ip.destination, checked->destination);
    EXPECT_EQ(accepted->ip.protocol, checked->protocol);
    EXPECT_EQ(accepted->ip.ttl, checked->ttl);
    EXPECT_FALSE(accepted->is_to_us);
  }
}

TEST_F(IpInputTest, HeaderThatDiffersInMoreThanLengthAndIdentificationIsLookedAtAnew) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const Packet first = test::udp_packet(family, 32);
    Packet copy = first;
    input_.remember(*input_.check(copy));
    const std::size_t header = family == Family::kV4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
    for (std::size_t bit = 0; bit < header * 8; ++bit) {
      const std::size_t byte = bit / 8;
      if (family == Family::kV4 && (byte == 10 || byte == 11)) continue;  // the sum: see below
      const bool may_differ = family == Family::kV4 ? byte >= 2 && byte < 6 : byte == 4 || byte == 5;
      Packet packet = first;
      packet[byte] = static_cast<std::uint8_t>(packet[byte] ^ 1 << bit % 8);
      if (family == Family::kV4) write_v4_sum(packet);
      const bool is_like_last = input_.check_like_last(packet) != nullptr;
      EXPECT_TRUE(may_differ || !is_like_last) << "bit " << bit;
      // Never more than check() lets pass.
      EXPECT_TRUE(!is_like_last || input_.check(packet)) << "bit " << bit;
    }
  }
}

TEST_F(IpInputTest, PacketLikeTheLastWithAWrongSumOrCutShortIsNotPassed) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    Packet packet = test::udp_packet(family, 32);
    input_.remember(*input_.check(packet));
    EXPECT_NE(input_.check_like_last(packet), nullptr);
    for (std::size_t size = 0; size < packet.size(); ++size) {
      Packet piece{packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size)};
      EXPECT_EQ(input_.check_like_last(piece), nullptr) << size;
    }
    if (family == Family::kV6) continue;
    packet[10] ^= 1;
    EXPECT_EQ(input_.check_like_last(packet), nullptr);
  }
}

TEST_F(IpInputTest, NothingIsLikeAPacketWithOptions) {
  Packet packet = with_options(Packet(4, 1));
  ASSERT_TRUE(input_.check(packet));
  input_.remember(*input_.check(packet));
  EXPECT_EQ(input_.check_like_last(packet), nullptr);
}

TEST_F(IpInputTest, EveryTruncationOfAPacketIsRefused) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const Packet whole = test::udp_packet(family, 8);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(refusal(Packet(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                DropReason::kPacketMalformed)
          << size;
    }
  }
}

TEST_F(IpInputTest, PaddingBehindThePacketIsCutOff) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    Packet packet = test::udp_packet(family, 5);
    const std::size_t size = packet.size();
    packet.resize(size + 20, 0xee);
    const auto ip = input_.check(packet);
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->packet.size(), size);
  }
}

TEST_F(IpInputTest, OtherVersionsAreRefused) {
  for (unsigned version = 0; version < 16; ++version) {
    if (version == 4 || version == 6) continue;
    Packet packet = test::udp_packet(Family::kV4, 32);
    packet[0] = static_cast<std::uint8_t>(version << 4 | 5);
    EXPECT_EQ(refusal(packet), DropReason::kPacketMalformed) << version;
  }
  EXPECT_EQ(refusal({}), DropReason::kPacketMalformed);
}

TEST_F(IpInputTest, WrongHeaderSumIsRefused) {
  Packet packet = test::udp_packet(Family::kV4, 32);
  packet[11] ^= 1;
  EXPECT_EQ(refusal(packet), DropReason::kChecksumInvalid);
}

TEST_F(IpInputTest, SourcesThatAreNotOneHostAreRefused) {
  struct Case {
    const char* source;
    bool passes;
  };
  constexpr Case kCases[] = {
      {"0.0.0.0", false},     {"0.1.2.3", false},
      {"127.0.0.1", false},   {"127.255.255.255", false},
      {"224.0.0.1", false},   {"239.255.255.255", false},
      {"240.0.0.1", false},   {"255.255.255.255", false},
      {"169.254.1.1", false}, {"10.0.0.1", false},  // the router's own
      {"1.0.0.1", true},      {"126.255.255.255", true},
      {"128.0.0.1", true},    {"223.255.255.255", true},
      {"192.168.1.1", true},  {"100.64.0.1", true},
      {"::", false},          {"::1", false},
      {"ff02::1", false},     {"::ffff:10.0.0.2", false},
      {"fe80::2", false},     {"fd00::1", false},  // the last: own
      {"fd00::2", true},      {"2001:db8::9", true},
      {"::2", true},
  };
  for (const Case& c : kCases) {
    const IpAddress source = *IpAddress::parse(c.source);
    const Packet packet = test::udp_packet(source, test::remote_address(source.family()), 8);
    EXPECT_EQ(refusal(packet), c.passes ? std::nullopt : std::optional{DropReason::kSourceInvalid})
        << c.source;
    EXPECT_EQ(answer(packet), std::nullopt) << c.source;
  }
}

TEST_F(IpInputTest, DestinationsThatAreNotOneHostAreRefused) {
  struct Case {
    const char* destination;
    bool passes;
  };
  constexpr Case kCases[] = {
      {"0.0.0.0", false},
      {"0.255.0.1", false},
      {"224.0.0.251", false},
      {"255.255.255.255", false},
      {"240.1.1.1", false},
      {"ff02::fb", false},
      {"::", false},
      // The egress policy decides about these.
      {"127.0.0.1", true},
      {"169.254.169.254", true},
      {"::1", true},
      {"fe80::1", true},
      {"10.0.0.9", true},
  };
  for (const Case& c : kCases) {
    const IpAddress destination = *IpAddress::parse(c.destination);
    const Packet packet = test::udp_packet(test::guest_address(destination.family()), destination, 8);
    EXPECT_EQ(refusal(packet), c.passes ? std::nullopt : std::optional{DropReason::kDestinationInvalid})
        << c.destination;
  }
}

TEST_F(IpInputTest, LinkLocalSourceReachesTheRouterItself) {
  EXPECT_EQ(refusal(test::udp_packet(*IpAddress::parse("fe80::2"), test::kOwnV6, 8)), std::nullopt);
}

TEST_F(IpInputTest, LastHopIsAnsweredWithTimeExceeded) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const IpAddress source = test::guest_address(family);
    const IpAddress remote = test::remote_address(family);
    for (const std::uint8_t ttl : {0, 1}) {
      EXPECT_EQ(refusal(test::udp_packet(source, remote, 8, ttl)), DropReason::kTtlExpired);
      EXPECT_EQ(answer(test::udp_packet(source, remote, 8, ttl)), IcmpError::ttl_exceeded(family));
    }
    EXPECT_EQ(refusal(test::udp_packet(source, remote, 8, 2)), std::nullopt);
  }
}

// RFC 1122 3.2.1.7: a host takes what is for itself whatever is left of its TTL.
TEST_F(IpInputTest, TtlDoesNotMatterForTheRoutersOwnAddress) {
  EXPECT_EQ(refusal(test::udp_packet(test::kGuestV4, test::kOwnV4, 8, 1)), std::nullopt);
  EXPECT_EQ(refusal(test::udp_packet(test::kGuestV6, test::kOwnV6, 8, 1)), std::nullopt);
}

TEST_F(IpInputTest, TransportSumsAreVerifiedOnRequest) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const IpAddress source = test::guest_address(family);
    const IpAddress remote = test::remote_address(family);
    const std::uint8_t echo = family == Family::kV4 ? wire::icmpv4::kEchoRequest : wire::icmpv6::kEchoRequest;
    for (Packet packet : {test::udp_packet(source, remote, 33), test::tcp_packet(source, remote, 33),
                          test::icmp_packet(source, remote, echo, 0, 33)}) {
      EXPECT_EQ(refusal(packet, TransportChecksums::kVerified), std::nullopt);
      packet.back() ^= 1;
      EXPECT_EQ(refusal(packet, TransportChecksums::kVerified), DropReason::kChecksumInvalid);
      EXPECT_EQ(refusal(packet, TransportChecksums::kTrusted), std::nullopt);
    }
  }
}

TEST_F(IpInputTest, FragmentsPassWithoutTransportSums) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    for (Packet& fragment : test::split(test::udp_packet(family, 600), 400)) {
      const auto ip = input_.check(fragment, TransportChecksums::kVerified);
      ASSERT_TRUE(ip);
      EXPECT_TRUE(ip->is_fragment);
    }
  }
}

}  // namespace
}  // namespace wgr::slirp
