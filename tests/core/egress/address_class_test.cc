#include "core/egress/address_class.h"

#include <span>

#include "gtest/gtest.h"

namespace wgr::egress {
namespace {

using enum AddressClass;

struct Row {
  const char* address;
  AddressClass expected;
};

void expect_classes(std::span<const Row> rows) {
  for (const Row& row : rows) {
    const auto address = IpAddress::parse(row.address);
    ASSERT_TRUE(address) << row.address;
    EXPECT_EQ(to_string(classify(*address)), to_string(row.expected)) << row.address;
  }
}

// Both edges of every range, and their neighbours.
constexpr Row kV4[] = {
    {"0.0.0.0", kUnspecified},
    {"0.255.255.255", kUnspecified},
    {"1.0.0.0", kPublic},
    {"126.255.255.255", kPublic},
    {"127.0.0.0", kLoopback},
    {"127.0.0.1", kLoopback},
    {"127.255.255.255", kLoopback},
    {"128.0.0.0", kPublic},
    {"9.255.255.255", kPublic},
    {"10.0.0.0", kPrivate},
    {"10.255.255.255", kPrivate},
    {"11.0.0.0", kPublic},
    {"172.15.255.255", kPublic},
    {"172.16.0.0", kPrivate},
    {"172.31.255.255", kPrivate},
    {"172.32.0.0", kPublic},
    {"192.167.255.255", kPublic},
    {"192.168.0.0", kPrivate},
    {"192.168.255.255", kPrivate},
    {"192.169.0.0", kPublic},
    {"100.63.255.255", kPublic},
    {"100.64.0.0", kCarrierGradeNat},
    {"100.127.255.255", kCarrierGradeNat},
    {"100.128.0.0", kPublic},
    {"169.253.255.255", kPublic},
    {"169.254.0.0", kLinkLocal},
    {"169.254.255.255", kLinkLocal},
    {"169.255.0.0", kPublic},
    {"223.255.255.255", kPublic},
    {"224.0.0.0", kMulticast},
    {"239.255.255.255", kMulticast},
    {"240.0.0.0", kReserved},
    {"255.255.255.255", kReserved},
    {"192.0.0.0", kReserved},
    {"192.0.0.255", kReserved},
    {"192.0.1.0", kPublic},
    {"192.0.2.0", kReserved},
    {"192.0.2.255", kReserved},
    {"192.0.3.0", kPublic},
    {"198.51.100.0", kReserved},
    {"198.51.100.255", kReserved},
    {"198.51.101.0", kPublic},
    {"203.0.113.0", kReserved},
    {"203.0.113.255", kReserved},
    {"203.0.114.0", kPublic},
    {"192.88.99.0", kReserved},
    {"192.88.99.255", kReserved},
    {"192.88.100.0", kPublic},
    {"198.17.255.255", kPublic},
    {"198.18.0.0", kReserved},
    {"198.19.255.255", kReserved},
    {"198.20.0.0", kPublic},
    {"8.8.8.8", kPublic},
};

TEST(AddressClassTest, Ipv4RangesAreAsTheRegistrySays) { expect_classes(kV4); }

constexpr Row kMetadataAddresses[] = {
    {"169.254.169.254", kMetadata},        {"169.254.170.2", kMetadata},
    {"100.100.100.200", kMetadata},        {"168.63.129.16", kMetadata},
    {"fd00:ec2::254", kMetadata},          {"fd20:ce::254", kMetadata},
    {"169.254.169.253", kLinkLocal},       {"168.63.129.17", kPublic},
    {"100.100.100.201", kCarrierGradeNat}, {"fd00:ec2::253", kPrivate},
    {"::ffff:169.254.169.254", kMetadata}, {"64:ff9b::169.254.169.254", kMetadata},
    {"64:ff9b::168.63.129.16", kMetadata},
};

TEST(AddressClassTest, MetadataServicesAreKnownWhereverTheyLive) { expect_classes(kMetadataAddresses); }

constexpr Row kV6[] = {
    {"::", kUnspecified},
    {"::1", kLoopback},
    {"fe80::", kLinkLocal},
    {"fe80::1", kLinkLocal},
    {"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", kLinkLocal},
    {"fec0::1", kPrivate},
    {"feff::1", kPrivate},
    {"fbff:ffff::", kReserved},
    {"fc00::", kPrivate},
    {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", kPrivate},
    {"fe00::", kReserved},
    {"ff00::", kMulticast},
    {"ff02::1", kMulticast},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", kMulticast},
    {"2001:db8::1", kReserved},
    {"2001:db7:ffff::1", kPublic},
    {"2001:db9::1", kPublic},
    {"2001:2::1", kReserved},
    {"2001:10::1", kReserved},
    {"2001:1ff:ffff::1", kReserved},
    {"2001:200::1", kPublic},
    {"3fff::1", kReserved},
    {"3fff:fff:ffff::1", kReserved},
    {"3fff:1000::1", kPublic},
    {"100::1", kReserved},
    {"5f00::1", kReserved},
    {"1fff:ffff::1", kReserved},
    {"2000::1", kPublic},
    {"4000::1", kReserved},
    {"2606:4700:4700::1111", kPublic},
};

TEST(AddressClassTest, Ipv6RangesAreAsTheRegistrySays) { expect_classes(kV6); }

constexpr Row kEmbedded[] = {
    // mapped and compatible, RFC 4291
    {"::ffff:127.0.0.1", kLoopback},
    {"::ffff:10.0.0.1", kPrivate},
    {"::ffff:0.0.0.0", kUnspecified},
    {"::ffff:8.8.8.8", kTransition},
    {"::127.0.0.1", kLoopback},
    {"::10.0.0.1", kPrivate},
    {"::8.8.8.8", kTransition},
    {"::2", kUnspecified},
    {"::ffff:0:127.0.0.1", kLoopback},
    {"::ffff:0:8.8.8.8", kTransition},
    // NAT64
    {"64:ff9b::808:808", kPublic},
    {"64:ff9b::7f00:1", kLoopback},
    {"64:ff9b::c0a8:1", kPrivate},
    {"64:ff9b::6440:1", kCarrierGradeNat},
    {"64:ff9b:1::808:808", kTransition},
    {"64:ff9b:1::10.0.0.1", kPrivate},
    {"64:ff9b:1:a9fe:a9:fe00::", kMetadata},
    {"64:ff9b:2::808:808", kReserved},
    // 6to4
    {"2002:808:808::1", kTransition},
    {"2002:7f00:1::1", kLoopback},
    {"2002:a00:1::", kPrivate},
    {"2002:a9fe:a9fe::", kMetadata},
    {"2003::1", kPublic},
    // Teredo: the server in front, the client inverted behind
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", kReserved},  // client 192.0.2.45
    {"2001:0:808:808:0:0:f7f7:f7f7", kTransition},        // client 8.8.8.8
    {"2001:0:808:808:0:0:80ff:fffe", kLoopback},          // client 127.0.0.1
    {"2001:0:a00:1:0:0:f7f7:f7f7", kPrivate},             // server 10.0.0.1
    {"2001:0:808:808:0:0:5601:5601", kMetadata},          // client 169.254.169.254
    // ISATAP
    {"2606:4700::5efe:10.0.0.1", kPrivate},
    {"2606:4700::200:5efe:127.0.0.1", kLoopback},
    {"2606:4700::200:5efe:8.8.8.8", kTransition},
    {"2606:4700::300:5efe:127.0.0.1", kPublic},
    {"fe80::5efe:8.8.8.8", kLinkLocal},
    {"fd00::5efe:8.8.8.8", kPrivate},
    {"fe80::5efe:169.254.169.254", kMetadata},
};

TEST(AddressClassTest, AnIpv4AddressInsideIpv6IsJudgedByWhatItIs) { expect_classes(kEmbedded); }

TEST(AddressClassTest, NamesParseBack) {
  for (std::size_t i = 0; i < kAddressClassCount; ++i) {
    const auto address_class = static_cast<AddressClass>(i);
    EXPECT_EQ(parse_address_class(to_string(address_class)), address_class);
  }
  EXPECT_EQ(parse_address_class("Private"), std::nullopt);
  EXPECT_EQ(parse_address_class(""), std::nullopt);
}

}  // namespace
}  // namespace wgr::egress
