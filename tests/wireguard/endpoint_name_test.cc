#include "wireguard/endpoint_name.h"

#include "gtest/gtest.h"

#include "core/egress/host_name.h"

namespace wgr::wireguard {
namespace {

TEST(EndpointNameTest, ReadsAddressesAndNames) {
  const std::pair<const char*, EndpointName> rows[] = {
      {"192.0.2.1:51820", {"192.0.2.1", 51820}},
      {"[2001:db8::1]:1", {"2001:db8::1", 1}},
      {"vpn.example.com:65535", {"vpn.example.com", 65535}},
      {"localhost:80", {"localhost", 80}},
      {"my_host-1.svc.cluster.local:5", {"my_host-1.svc.cluster.local", 5}},
      {"3com.example:5", {"3com.example", 5}},
      {"3f2a9c:5", {"3f2a9c", 5}},
  };
  for (const auto& [text, expected] : rows) {
    EXPECT_EQ(parse_endpoint_name(text), expected) << text;
    EXPECT_EQ(to_string(expected), text);
  }
}

// As a zone file writes it; what looks it up knows names without that dot only.
TEST(EndpointNameTest, WholeNameIsTheNameWithoutTheRootsDot) {
  const auto endpoint = parse_endpoint_name("vpn.example.com.:51820");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "vpn.example.com");
  EXPECT_TRUE(egress::is_host_name(endpoint->host));
}

// Both ask the same question; one answer would be lost where the other is no.
TEST(EndpointNameTest, WhateverPassesMayBeLookedUp) {
  for (const char* const host : {"a", "a.3b", "3com.example", "x_y.z", "localhost", "a.0x7f", "1.2.3", "a..b",
                                 "a-", "-a", "a.b.", "a.b..", ".", "1.2.3.4."}) {
    const auto endpoint = parse_endpoint_name(std::string{host} + ":5");
    const std::string name = std::string_view{host} == "a.b." ? "a.b" : host;
    EXPECT_EQ(endpoint.has_value(), egress::is_host_name(name)) << host;
  }
}

TEST(EndpointNameTest, RefusesWhatIsNeitherOrCouldBeReadAsAnAddress) {
  const std::string long_label(64, 'a');
  const std::string long_name = std::string(254, 'a');
  for (const std::string& text : {std::string{},
                                  std::string{":51820"},
                                  std::string{"host"},
                                  std::string{"host:"},
                                  std::string{"host:0"},
                                  std::string{"host:65536"},
                                  std::string{"host:-1"},
                                  std::string{"host:1x"},
                                  std::string{"2001:db8::1:51820"},
                                  std::string{"[192.0.2.1]:5"},
                                  std::string{"[2001:db8::1]"},
                                  std::string{"[host]:5"},
                                  std::string{"0177.0.0.1:5"},
                                  std::string{"2130706433:5"},
                                  std::string{"127.1:5"},
                                  std::string{"1.2.3.4.5:5"},
                                  std::string{"0x7f.1:5"},
                                  std::string{"fe80::1%eth0:5"},
                                  std::string{"a..b:5"},
                                  std::string{".a:5"},
                                  std::string{"-a:5"},
                                  std::string{"a b:5"},
                                  std::string{"a/b:5"},
                                  long_label + ":5",
                                  long_name + ":5"}) {
    EXPECT_FALSE(parse_endpoint_name(text)) << text;
  }
}

}  // namespace
}  // namespace wgr::wireguard
