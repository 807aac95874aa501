#include "core/address.h"

#include <unordered_set>

#include "gtest/gtest.h"

namespace wgr {
namespace {

TEST(IpAddressTest, ParsesAndPrintsBothFamilies) {
  struct Case {
    const char* text;
    const char* printed;
  };
  constexpr Case kCases[] = {
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"10.1.2.3", "10.1.2.3"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0:0:0:0:7", "2001:db8::7"},
      {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  };
  for (const Case& c : kCases) {
    const auto address = IpAddress::parse(c.text);
    ASSERT_TRUE(address) << c.text;
    EXPECT_EQ(address->to_string(), c.printed);
    EXPECT_EQ(IpAddress::parse(address->to_string()), address);
    EXPECT_EQ(IpAddress::from_bytes(address->bytes()), *address);
  }
}

// Every spelling that inet_aton or a browser would take for an address and that hides another one.
TEST(IpAddressTest, RefusesEverythingButStrictNotation) {
  for (const char* text : {"",
                           " ",
                           "1",
                           "127.1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "0177.0.0.1",
                           "2130706433",
                           "0x7f.0.0.1",
                           "0x7f000001",
                           "1.2.3.256",
                           "1.2.3.-1",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1.2.3.4.",
                           "1.2.3.4/8",
                           "01.2.3.4",
                           "1..2.3",
                           "%31.2.3.4",
                           "localhost",
                           ":::",
                           "fe80::1%eth0",
                           "[::1]",
                           "::1::",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "12345::",
                           "::1.2.3.400",
                           "::ffff:0177.0.0.1"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string(1000, '1')));
  EXPECT_FALSE(IpAddress::parse(std::string_view{"1.2.3.4\0x", 9}));
}

TEST(IpAddressTest, ClassesHaveTheirBounds) {
  const auto address = [](const char* text) { return *IpAddress::parse(text); };
  EXPECT_TRUE(address("0.0.0.0").is_unspecified());
  EXPECT_TRUE(address("::").is_unspecified());
  EXPECT_FALSE(address("0.0.0.1").is_unspecified());

  EXPECT_TRUE(address("127.0.0.0").is_loopback());
  EXPECT_TRUE(address("127.255.255.255").is_loopback());
  EXPECT_FALSE(address("128.0.0.0").is_loopback());
  EXPECT_FALSE(address("126.255.255.255").is_loopback());
  EXPECT_TRUE(address("::1").is_loopback());
  EXPECT_FALSE(address("::2").is_loopback());
  EXPECT_FALSE(address("1::1").is_loopback());

  EXPECT_FALSE(address("223.255.255.255").is_multicast());
  EXPECT_TRUE(address("224.0.0.0").is_multicast());
  EXPECT_TRUE(address("239.255.255.255").is_multicast());
  EXPECT_FALSE(address("240.0.0.0").is_multicast());
  EXPECT_TRUE(address("ff02::1").is_multicast());
  EXPECT_FALSE(address("feff::1").is_multicast());

  EXPECT_TRUE(address("169.254.0.0").is_link_local());
  EXPECT_FALSE(address("169.253.255.255").is_link_local());
  EXPECT_FALSE(address("169.255.0.0").is_link_local());
  EXPECT_TRUE(address("fe80::").is_link_local());
  EXPECT_TRUE(address("febf:ffff::").is_link_local());
  EXPECT_FALSE(address("fec0::").is_link_local());
  EXPECT_FALSE(address("fe7f::").is_link_local());
}

TEST(IpAddressTest, FamiliesAreNeverEqual) {
  EXPECT_NE(IpAddress::v4(0, 0, 0, 0), *IpAddress::parse("::"));
  EXPECT_NE(IpAddress::v4(1, 2, 3, 4), *IpAddress::parse("::ffff:1.2.3.4"));
  EXPECT_EQ(IpAddress{}, IpAddress::v4(0, 0, 0, 0));
}

TEST(IpAddressTest, V4IsBuiltFromBytesOrANumber) {
  EXPECT_EQ(IpAddress::v4(0x0a010203u), IpAddress::v4(10, 1, 2, 3));
  EXPECT_EQ(IpAddress::v4(10, 1, 2, 3).to_v4(), 0x0a010203u);
}

TEST(IpAddressTest, HashTellsNeighboursApart) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint32_t i = 0; i < 1000; ++i)
    hashes.insert(std::hash<IpAddress>{}(IpAddress::v4(0x0a000000 + i)));
  EXPECT_GT(hashes.size(), 990u);
}

TEST(PrefixTest, ParsesPrintsAndClearsHostBits) {
  struct Case {
    const char* text;
    const char* printed;
  };
  constexpr Case kCases[] = {
      {"10.1.2.3/8", "10.0.0.0/8"},
      {"10.1.2.3", "10.1.2.3/32"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"255.255.255.255/31", "255.255.255.254/31"},
      {"10.255.0.0/9", "10.128.0.0/9"},
      {"fd00:1:2:3::4/64", "fd00:1:2:3::/64"},
      {"::1", "::1/128"},
      {"ffff::/0", "::/0"},
      {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
  };
  for (const Case& c : kCases) {
    const auto prefix = Prefix::parse(c.text);
    ASSERT_TRUE(prefix) << c.text;
    EXPECT_EQ(prefix->to_string(), c.printed);
  }
}

TEST(PrefixTest, RefusesLengthsThatAreNone) {
  for (const char* text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
                           "10.0.0.0/08", "10.0.0.0/8 ", "10.0.0.0/ 8", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0",
                           "10.0.0.0/256", "::/129", "::/1000", "10.0.0/8", "example.com/8"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(PrefixTest, ContainsItsOwnRangeOnly) {
  struct Case {
    const char *prefix, *address;
    bool contains;
  };
  constexpr Case kCases[] = {
      {"10.0.0.0/8", "10.0.0.0", true},
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.0/8", "9.255.255.255", false},
      {"192.168.1.128/25", "192.168.1.127", false},
      {"192.168.1.128/25", "192.168.1.128", true},
      {"0.0.0.0/0", "255.255.255.255", true},
      {"0.0.0.0/0", "::", false},
      {"::/0", "1.2.3.4", false},
      {"::/0", "ffff::", true},
      {"fd00::/7", "fcff::1", true},
      {"fd00::/8", "fcff::1", false},
      {"1.2.3.4/32", "1.2.3.4", true},
      {"1.2.3.4/32", "1.2.3.5", false},
      {"::ffff:0:0/96", "1.2.3.4", false},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Prefix::parse(c.prefix)->contains(*IpAddress::parse(c.address)), c.contains)
        << c.prefix << ' ' << c.address;
  }
}

TEST(SocketAddressTest, ParsesAndPrintsBothFamilies) {
  for (const char* text : {"1.2.3.4:80", "0.0.0.0:0", "[2001:db8::1]:51820", "[::]:65535"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(SocketAddressTest, RefusesWhatIsAmbiguous) {
  for (const char* text :
       {"",           ":",          ":80",          "1.2.3.4",        "1.2.3.4:", "1.2.3.4:65536",
        "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4:080",  "1.2.3.4: 80",    "::1:80",   "[::1]",
        "[::1]80",    "[::1]:",     "[1.2.3.4]:80", "2001:db8::1:80", "[::1:80",  "::1]:80",
        "host:80",    "[]:80",      "1.2.3.4:80:80"}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

// RFC 4291 2.5.4: the other half of an IPv6 address is its host's to choose.
TEST(SourceTest, IsAnIpv4AddressOrTheNetworkOfAnIpv6Address) {
  const auto source = [](const char* text) { return source_of(IpAddress::parse(text).value()); };
  EXPECT_EQ(source("192.0.2.1").to_string(), "192.0.2.1");
  EXPECT_NE(source("192.0.2.1"), source("192.0.2.2"));
  EXPECT_EQ(source("2001:db8:1:2:3:4:5:6").to_string(), "2001:db8:1:2::");
  EXPECT_EQ(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::"));
  EXPECT_NE(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
  EXPECT_NE(source("0.0.0.0"), source("::"));
}

}  // namespace
}  // namespace wgr
