#include "core/authority.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

TEST(AuthorityTest, HostAndPortAreRead) {
  struct Row {
    std::string_view text;
    std::string_view host;
    std::optional<std::uint16_t> port;
  };
  const Row rows[] = {
      {"host", "host", std::nullopt},
      {"vpn.example.org:51820", "vpn.example.org", 51820},
      {"192.0.2.1", "192.0.2.1", std::nullopt},
      {"192.0.2.1:1", "192.0.2.1", 1},
      {"[2001:db8::1]", "2001:db8::1", std::nullopt},
      {"[2001:DB8::1]:65535", "2001:DB8::1", 65535},
      {"host:00080", "host", 80},
      {"what ever", "what ever", std::nullopt},
  };
  for (const Row& row : rows) {
    const auto authority = parse_authority(row.text);
    ASSERT_TRUE(authority) << row.text << ": " << authority.error();
    EXPECT_EQ(authority->host, row.host);
    EXPECT_EQ(authority->port, row.port);
  }
}

TEST(AuthorityTest, WhatIsNoneIsNamed) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", "the host is missing"},
      {":80", "the host is missing"},
      {"host:", "the port is no number from 1 to 65535"},
      {"host:0", "the port is no number from 1 to 65535"},
      {"host:65536", "the port is no number from 1 to 65535"},
      {"host:-1", "the port is no number from 1 to 65535"},
      {"host:8x", "the port is no number from 1 to 65535"},
      {"host:99999999999999999999", "the port is no number from 1 to 65535"},
      {"[::1]:", "the port is no number from 1 to 65535"},
      {"::1", "an IPv6 address needs brackets"},
      {"2001:db8::1:80", "an IPv6 address needs brackets"},
      {"a:b:80", "there is more than one colon"},
      {"[::1", "the bracket is not closed"},
      {"[::1]80", "only :PORT may follow the bracket"},
      {"[::1]]:80", "only :PORT may follow the bracket"},
      {"[]:80", "brackets are for IPv6 addresses"},
      {"[host]:80", "brackets are for IPv6 addresses"},
      {"[192.0.2.1]:80", "brackets are for IPv6 addresses"},
      {"[fe80::1%eth0]:80", "brackets are for IPv6 addresses"},
      {"[[::1]]", "only :PORT may follow the bracket"},
  };
  for (const auto& [text, problem] : rows) {
    const auto authority = parse_authority(text);
    ASSERT_FALSE(authority) << text;
    EXPECT_EQ(authority.error(), problem) << text;
  }
}

TEST(AuthorityTest, CutLeavesWhatItDoesNotKnow) {
  const auto prefix = cut_host("[fd00::/8]:80-90/udp");
  ASSERT_TRUE(prefix);
  EXPECT_TRUE(prefix->is_bracketed);
  EXPECT_EQ(prefix->host, "fd00::/8");
  EXPECT_EQ(prefix->rest, "80-90/udp");

  EXPECT_EQ(cut_host("fd00::/8")->host, "fd00::/8");
  EXPECT_EQ(cut_host("fd00::/8")->rest, std::nullopt);
  EXPECT_EQ(cut_host("10.0.0.0/8:80")->rest, "80");
  EXPECT_EQ(cut_host("host:")->rest, "");
}

TEST(AuthorityTest, HostIsANameOrAnAddress) {
  for (const std::string_view host : {"localhost", "a.example", "192.0.2.1", "2001:db8::1"}) {
    EXPECT_TRUE(is_host(host)) << host;
  }
  for (const std::string_view host : {"", "127.1", "0x7f.1", "a b", "a.", "[::1]", "host:80"}) {
    EXPECT_FALSE(is_host(host)) << host;
  }
}

TEST(AuthorityTest, ColonsAreWrittenInBrackets) {
  EXPECT_EQ(bracketed("host"), "host");
  EXPECT_EQ(bracketed("::1"), "[::1]");
  EXPECT_EQ(host_and_port("192.0.2.1", 80), "192.0.2.1:80");
  EXPECT_EQ(host_and_port("2001:db8::1", 80), "[2001:db8::1]:80");
}

}  // namespace
}  // namespace wgr
