#include "slirp/icmp_error.h"

#include <algorithm>

#include "gtest/gtest.h"

#include "tests/slirp/test_packets.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using test::Packet;

class IcmpErrorTest : public testing::Test {
 protected:
  IcmpErrorTest() { config_.own_addresses = {test::kOwnV4, test::kOwnV6}; }

  IcmpErrorOutcome send(Packet packet, const IcmpError& error, GuestId guest = kGuest) {
    out_.clear();
    return errors_.send({guest, packet}, error, now_, out_);
  }
  wire::IpView sent() {
    EXPECT_EQ(out_.packets().size(), 1u);
    const Result<wire::IpView> ip = wire::IpView::parse(out_.packets()[0].bytes);
    EXPECT_TRUE(ip);
    return *ip;
  }
  wire::IcmpView sent_icmp() { return *wire::IcmpView::parse(sent().family, sent().payload); }

  static constexpr GuestId kGuest{0, 1};
  static constexpr GuestId kOther{0, 2};

  Config config_;
  IcmpErrors errors_{config_};
  PacketBatch out_;
  Instant now_{1h};
};

TEST_F(IcmpErrorTest, ErrorIsAWellFormedPacketToTheSender) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const Packet about = test::udp_packet(family, 100);
    ASSERT_EQ(send(about, IcmpError::net_unreachable(family)), IcmpErrorOutcome::kSent);

    EXPECT_EQ(out_.packets()[0].guest, kGuest);
    const wire::IpView ip = sent();
    EXPECT_EQ(ip.source, family == Family::kV4 ? test::kOwnV4 : test::kOwnV6);
    EXPECT_EQ(ip.destination, test::guest_address(family));
    EXPECT_EQ(ip.protocol, wire::icmp_protocol(family));
    EXPECT_EQ(ip.ttl, config_.ttl);
    if (family == Family::kV4) {
      EXPECT_TRUE(wire::Ipv4View::parse(out_.packets()[0].bytes)->checksum_is_valid());
    }
    const wire::IcmpView icmp = sent_icmp();
    EXPECT_TRUE(icmp.checksum_is_valid(ip.source, ip.destination));
    EXPECT_TRUE(std::ranges::equal(icmp.payload(), about)) << "short packets are quoted whole";
  }
}

TEST_F(IcmpErrorTest, KindsHaveTheNumbersOfTheRfcs) {
  struct Case {
    const char* what;
    IcmpError v4, v6, expected_v4, expected_v6;
  };
  constexpr Family k4 = Family::kV4, k6 = Family::kV6;
  const Case kCases[] = {
      {"net", IcmpError::net_unreachable(k4), IcmpError::net_unreachable(k6), {3, 0, 0}, {1, 0, 0}},
      {"host", IcmpError::host_unreachable(k4), IcmpError::host_unreachable(k6), {3, 1, 0}, {1, 3, 0}},
      {"protocol",
       IcmpError::protocol_unreachable(k4, 9),
       IcmpError::protocol_unreachable(k6, 6),
       {3, 2, 0},
       {4, 1, 6}},
      {"port", IcmpError::port_unreachable(k4), IcmpError::port_unreachable(k6), {3, 3, 0}, {1, 4, 0}},
      {"too big",
       IcmpError::packet_too_big(k4, 1400),
       IcmpError::packet_too_big(k6, 1400),
       {3, 4, 1400},
       {2, 0, 1400}},
      {"prohibited",
       IcmpError::administratively_prohibited(k4),
       IcmpError::administratively_prohibited(k6),
       {3, 13, 0},
       {1, 1, 0}},
      {"ttl", IcmpError::ttl_exceeded(k4), IcmpError::ttl_exceeded(k6), {11, 0, 0}, {3, 0, 0}},
      {"reassembly",
       IcmpError::reassembly_time_exceeded(k4),
       IcmpError::reassembly_time_exceeded(k6),
       {11, 1, 0},
       {3, 1, 0}},
      {"parameter",
       IcmpError::parameter_problem(k4, 2, 9),
       IcmpError::parameter_problem(k6, 2, 9),
       {12, 0, 9u << 24},
       {4, 2, 9}},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(c.v4, c.expected_v4) << c.what;
    EXPECT_EQ(c.v6, c.expected_v6) << c.what;
    for (const Family family : {k4, k6}) {
      const IcmpError& error = family == k4 ? c.v4 : c.v6;
      ASSERT_EQ(send(test::udp_packet(family, 8), error), IcmpErrorOutcome::kSent) << c.what;
      EXPECT_EQ(sent_icmp().type(), error.type) << c.what;
      EXPECT_EQ(sent_icmp().code(), error.code) << c.what;
      EXPECT_EQ(sent_icmp().rest(), error.rest) << c.what;
    }
  }
}

TEST_F(IcmpErrorTest, MtuIsReadableByTheOtherSide) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    send(test::udp_packet(family, 1400), IcmpError::packet_too_big(family, 1280));
    EXPECT_EQ(sent_icmp().mtu(), 1280u);
  }
}

TEST_F(IcmpErrorTest, QuoteFillsTheErrorUpToItsLimit) {
  send(test::udp_packet(Family::kV4, 1300), IcmpError::port_unreachable(Family::kV4));
  EXPECT_EQ(sent().packet.size(), 576u);
  send(test::udp_packet(Family::kV6, 1300), IcmpError::port_unreachable(Family::kV6));
  EXPECT_EQ(sent().packet.size(), 1280u);
}

TEST_F(IcmpErrorTest, ErrorNeverExceedsTheMtu) {
  config_.mtu = 1000;
  send(test::udp_packet(Family::kV6, 900), IcmpError::port_unreachable(Family::kV6));
  EXPECT_EQ(sent().packet.size(), 996u);
  send(test::udp_packet(Family::kV6, 1300), IcmpError::port_unreachable(Family::kV6));
  EXPECT_EQ(sent().packet.size(), 1000u);
}

TEST_F(IcmpErrorTest, HostSpeaksForItsPortsAndTheRouterForTheRest) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    send(test::udp_packet(family, 8), IcmpError::port_unreachable(family));
    EXPECT_EQ(sent().source, test::remote_address(family));
    send(test::udp_packet(family, 8), IcmpError::protocol_unreachable(family, 6));
    EXPECT_EQ(sent().source, test::remote_address(family));
    send(test::udp_packet(family, 8), IcmpError::ttl_exceeded(family));
    EXPECT_EQ(sent().source, family == Family::kV4 ? test::kOwnV4 : test::kOwnV6);
  }
}

TEST_F(IcmpErrorTest, RouterOnTheWayIsNamedWhenKnown) {
  Packet about = test::udp_packet(Family::kV4, 8);
  const IpAddress hop = IpAddress::v4(203, 0, 113, 9);
  ASSERT_EQ(errors_.send({kGuest, about}, IcmpError::ttl_exceeded(Family::kV4), now_, out_, hop),
            IcmpErrorOutcome::kSent);
  EXPECT_EQ(sent().source, hop);
}

TEST_F(IcmpErrorTest, ReporterOfTheOtherFamilyIsRefused) {
  Packet about = test::udp_packet(Family::kV4, 8);
  EXPECT_EQ(errors_.send({kGuest, about}, IcmpError::ttl_exceeded(Family::kV4), now_, out_, test::kOwnV6),
            IcmpErrorOutcome::kForbidden);
}

// RFC 4443 2.2: an address that the guest's whole path can be told of.
TEST_F(IcmpErrorTest, ALinkLocalAddressSpeaksOnlyWhereThereIsNoOther) {
  const IpAddress link_local = *IpAddress::parse("fe80::1");
  config_.own_addresses = {link_local, test::kOwnV6};
  send(test::udp_packet(Family::kV6, 8), IcmpError::ttl_exceeded(Family::kV6));
  EXPECT_EQ(sent().source, test::kOwnV6);
  config_.own_addresses = {test::kOwnV4, link_local};
  send(test::udp_packet(Family::kV6, 8), IcmpError::ttl_exceeded(Family::kV6));
  EXPECT_EQ(sent().source, link_local);
}

TEST_F(IcmpErrorTest, DestinationSpeaksWhereTheRouterHasNoAddress) {
  config_.own_addresses.clear();
  send(test::udp_packet(Family::kV4, 8), IcmpError::ttl_exceeded(Family::kV4));
  EXPECT_EQ(sent().source, test::kRemoteV4);
}

// RFC 1122 3.2.2, RFC 4443 2.4 (e).
TEST_F(IcmpErrorTest, ErrorsAreNeverAnswered) {
  for (const std::uint8_t type : {3, 4, 5, 11, 12}) {
    EXPECT_EQ(send(test::icmp_packet(test::kGuestV4, test::kRemoteV4, type, 0, 40),
                   IcmpError::ttl_exceeded(Family::kV4)),
              IcmpErrorOutcome::kForbidden)
        << unsigned{type};
  }
  for (const std::uint8_t type : {0, 1, 2, 3, 4, 100, 127, 137}) {
    EXPECT_EQ(send(test::icmp_packet(test::kGuestV6, test::kRemoteV6, type, 0, 40),
                   IcmpError::ttl_exceeded(Family::kV6)),
              IcmpErrorOutcome::kForbidden)
        << unsigned{type};
  }
  EXPECT_EQ(send(test::icmp_packet(test::kGuestV4, test::kRemoteV4, 8, 0, 40),
                 IcmpError::ttl_exceeded(Family::kV4)),
            IcmpErrorOutcome::kSent)
      << "echo is a query";
  EXPECT_EQ(send(test::icmp_packet(test::kGuestV6, test::kRemoteV6, 128, 0, 40),
                 IcmpError::ttl_exceeded(Family::kV6)),
            IcmpErrorOutcome::kSent);
}

TEST_F(IcmpErrorTest, ErrorHiddenBehindExtensionHeadersIsNotAnswered) {
  Packet upper = test::payload(48);
  wire::write_icmp(upper, {wire::icmpv6::kTimeExceeded, 0, 0}, test::kGuestV6, test::kRemoteV6);
  const Packet options = {static_cast<std::uint8_t>(wire::IpProtocol::kIcmpV6), 0, 0x9e, 4, 0, 0, 0, 0};
  upper.insert(upper.begin(), options.begin(), options.end());
  const Packet packet =
      test::ip_packet(test::kGuestV6, test::kRemoteV6, wire::IpProtocol::kDestinationOptions, upper);
  EXPECT_EQ(send(packet, IcmpError::parameter_problem(Family::kV6, 2, 42)), IcmpErrorOutcome::kForbidden);
}

TEST_F(IcmpErrorTest, RefusedOptionIsAnswered) {
  Packet upper = test::udp_packet(Family::kV6, 8);
  upper.erase(upper.begin(), upper.begin() + wire::kIpv6HeaderSize);
  const Packet options = {static_cast<std::uint8_t>(wire::IpProtocol::kUdp), 0, 0x9e, 4, 0, 0, 0, 0};
  upper.insert(upper.begin(), options.begin(), options.end());
  const IcmpError error = IcmpError::parameter_problem(Family::kV6, wire::icmpv6::kUnknownOption, 42);
  EXPECT_EQ(
      send(test::ip_packet(test::kGuestV6, test::kRemoteV6, wire::IpProtocol::kDestinationOptions, upper),
           error),
      IcmpErrorOutcome::kSent);
  const IpAddress many = *IpAddress::parse("ff0e::1");
  const Packet to_many = test::ip_packet(test::kGuestV6, many, wire::IpProtocol::kDestinationOptions, upper);
  EXPECT_EQ(send(to_many, error), IcmpErrorOutcome::kSent) << "RFC 4443 2.4 (e.3)";
  EXPECT_EQ(sent().source, test::kOwnV6);
  EXPECT_EQ(send(to_many, IcmpError::ttl_exceeded(Family::kV6)), IcmpErrorOutcome::kForbidden);
}

TEST_F(IcmpErrorTest, OnlyFirstFragmentsAreAnswered) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const std::vector<Packet> fragments = test::split(test::udp_packet(family, 600), 400);
    EXPECT_EQ(send(fragments[0], IcmpError::ttl_exceeded(family)), IcmpErrorOutcome::kSent);
    EXPECT_EQ(send(fragments[1], IcmpError::ttl_exceeded(family)), IcmpErrorOutcome::kForbidden);
  }
}

TEST_F(IcmpErrorTest, PacketsToOrFromManyAreNotAnswered) {
  struct Case {
    const char *source, *destination;
  };
  constexpr Case kCases[] = {
      {"0.0.0.0", "198.51.100.7"},         {"127.0.0.1", "198.51.100.7"},
      {"224.0.0.1", "198.51.100.7"},       {"240.0.0.1", "198.51.100.7"},
      {"255.255.255.255", "198.51.100.7"}, {"10.0.0.2", "224.0.0.251"},
      {"10.0.0.2", "255.255.255.255"},     {"::", "2001:db8::7"},
      {"ff02::1", "2001:db8::7"},          {"fd00::2", "ff02::fb"},
  };
  for (const Case& c : kCases) {
    const IpAddress source = *IpAddress::parse(c.source);
    const Packet packet = test::udp_packet(source, *IpAddress::parse(c.destination), 8);
    EXPECT_EQ(send(packet, IcmpError::net_unreachable(source.family())), IcmpErrorOutcome::kForbidden)
        << c.source << " to " << c.destination;
  }
}

// Of IPv6, 8 bytes of the upper header tell enough; IPv4 packets arrive whole or not at all.
TEST_F(IcmpErrorTest, PacketsCutInTheirHeadersAreNotAnswered) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const Packet whole = test::tcp_packet(test::guest_address(family), test::remote_address(family), 0);
    const std::size_t readable = family == Family::kV4 ? whole.size() : wire::kIpv6HeaderSize + 8;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      EXPECT_EQ(send(Packet(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)),
                     IcmpError::ttl_exceeded(family)),
                size < readable ? IcmpErrorOutcome::kForbidden : IcmpErrorOutcome::kSent)
          << size;
    }
  }
}

// RFC 1812 4.3.2.8: 50 a second after a burst of 100, each guest for itself.
TEST_F(IcmpErrorTest, ErrorsAreRateLimitedPerGuest) {
  const Packet packet = test::udp_packet(Family::kV4, 8);
  const IcmpError error = IcmpError::port_unreachable(Family::kV4);
  const auto sent_of = [&](int tries, GuestId guest) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += send(packet, error, guest) == IcmpErrorOutcome::kSent;
    return count;
  };
  EXPECT_EQ(sent_of(500, kGuest), 100);
  EXPECT_EQ(send(packet, error), IcmpErrorOutcome::kRateLimited);
  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(sent_of(10, kOther), 10);

  now_ += 20ms;
  EXPECT_EQ(sent_of(10, kGuest), 1);
  now_ += 1s;
  EXPECT_EQ(sent_of(500, kGuest), 50);
  now_ += 1h;
  EXPECT_EQ(sent_of(500, kGuest), 100) << "the bucket does not overflow";
}

TEST_F(IcmpErrorTest, ForbiddenErrorsCostNoToken) {
  const Packet error_packet = test::icmp_packet(test::kGuestV4, test::kRemoteV4, 3, 0, 40);
  for (int i = 0; i < 500; ++i) send(error_packet, IcmpError::ttl_exceeded(Family::kV4));
  EXPECT_EQ(send(test::udp_packet(Family::kV4, 8), IcmpError::ttl_exceeded(Family::kV4)),
            IcmpErrorOutcome::kSent);
}

TEST_F(IcmpErrorTest, QuotesOfPacketsThatAreGoneReadAsThosePackets) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    const SocketAddress source{test::guest_address(family), 4000};
    const SocketAddress destination{test::remote_address(family), 53};
    std::uint8_t memory[128];

    const MutableBytes udp = write_quoted_udp(memory, source, destination, test::payload(20));
    EXPECT_TRUE(wire::UdpView::parse(udp.subspan(test::ip_header_size(family)))
                    ->checksum_is_valid(source.ip, destination.ip));
    send(Packet(udp.begin(), udp.end()), IcmpError::port_unreachable(family));
    auto quoted = wire::QuotedPacket::parse(family, sent_icmp().quoted());
    ASSERT_TRUE(quoted);
    EXPECT_EQ(quoted->protocol, wire::IpProtocol::kUdp);
    EXPECT_EQ(quoted->source, source.ip);
    EXPECT_EQ(quoted->destination, destination.ip);
    EXPECT_EQ(quoted->source_port(), 4000);
    EXPECT_EQ(quoted->destination_port(), 53);

    const MutableBytes tcp = write_quoted_tcp(memory, source, destination, 0xfeedbeef);
    quoted = wire::QuotedPacket::parse(family, tcp);
    ASSERT_TRUE(quoted);
    EXPECT_EQ(quoted->protocol, wire::IpProtocol::kTcp);
    EXPECT_EQ(quoted->tcp_sequence(), 0xfeedbeefu);

    const MutableBytes echo = write_quoted_echo(memory, source.ip, destination.ip, 7, 9);
    quoted = wire::QuotedPacket::parse(family, echo);
    ASSERT_TRUE(quoted);
    EXPECT_EQ(quoted->protocol, wire::icmp_protocol(family));
    EXPECT_EQ(quoted->echo_identifier(), 7);
    EXPECT_EQ(quoted->echo_sequence(), 9);
  }
}

TEST_F(IcmpErrorTest, QuotedUdpIsCutToTheMemoryGiven) {
  std::uint8_t memory[60];
  const MutableBytes quote =
      write_quoted_udp(memory, {test::kGuestV4, 1}, {test::kRemoteV4, 2}, test::payload(500));
  EXPECT_EQ(quote.size(), sizeof memory);
}

}  // namespace
}  // namespace wgr::slirp
