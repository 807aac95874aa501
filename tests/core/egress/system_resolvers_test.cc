#include "core/egress/system_resolvers.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/egress/local_addresses.h"

namespace wgr::egress {
namespace {

std::vector<std::string> servers_in(std::string_view text) {
  std::vector<std::string> servers;
  for (const SocketAddress& server : parse_resolv_conf(text)) servers.push_back(server.to_string());
  return servers;
}

using Servers = std::vector<std::string>;

TEST(SystemResolversTest, NameserverLinesAreReadInOrderAndOnce) {
  EXPECT_EQ(
      servers_in("# made by a tool\n"
                 "search example.org\n"
                 "nameserver 127.0.0.53\n"
                 "nameserver\t2001:4860:4860::8888\n"
                 "options edns0 trust-ad\n"
                 "nameserver 9.9.9.9 # quad nine\n"
                 "nameserver 8.8.8.8;google\r\n"
                 "nameserver 127.0.0.53\n"
                 "nameserver 1.1.1.1"),
      (Servers{"127.0.0.53:53", "[2001:4860:4860::8888]:53", "9.9.9.9:53", "8.8.8.8:53", "1.1.1.1:53"}));
}

TEST(SystemResolversTest, WhatIsNoPlainAddressIsLeftOut) {
  EXPECT_EQ(servers_in("nameserver fe80::1%eth0\n"
                       "nameserver fe80::1\n"
                       "nameserver dns.example.org\n"
                       "nameserver 127.1\n"
                       "nameserver 0.0.0.0\n"
                       "nameserver ::\n"
                       "nameserver\n"
                       "nameserver8.8.8.8\n"
                       "nameservers 8.8.8.8\n"
                       " nameserver 8.8.8.8\n"
                       "#nameserver 8.8.8.8\n"
                       ";nameserver 8.8.8.8\n"),
            Servers{});
}

TEST(SystemResolversTest, TheirNumberIsBounded) {
  std::string text;
  for (int i = 1; i <= 200; ++i) text += "nameserver 192.0.2." + std::to_string(i) + "\n";

  EXPECT_EQ(servers_in(text).size(), kMaxSystemResolvers);
}

TEST(SystemResolversTest, AMissingFileNamesNone) {
  EXPECT_TRUE(system_resolvers("/nonexistent/resolv.conf").empty());
}

TEST(LocalAddressesTest, TheLoopbackIsAmongThem) {
  const std::vector<IpAddress> addresses = local_addresses();

  EXPECT_TRUE(std::ranges::binary_search(addresses, IpAddress::v4(127, 0, 0, 1)));
  EXPECT_TRUE(std::ranges::is_sorted(addresses));
  EXPECT_EQ(std::ranges::adjacent_find(addresses), addresses.end());
}

}  // namespace
}  // namespace wgr::egress
