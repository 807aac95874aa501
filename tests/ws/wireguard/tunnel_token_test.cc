#include "ws/wireguard/tunnel_token.h"

#include "gtest/gtest.h"

#include "core/base64.h"
#include "tests/ws/frames.h"

namespace wgr::ws::wireguard {
namespace {

std::string token(std::string_view claims) {
  return "authorization.bearer." + to_base64url(bytes_of(R"({"typ":"JWT","alg":"HS256"})")) + "." +
         to_base64url(bytes_of(claims)) + ".c2ln";
}

TEST(TunnelTokenTest, UdpRequestSaysWhereTo) {
  const auto request = parse_tunnel_token(token(
      R"({"id":"018c4c2e-6d4b-7000-8000-000000000000","p":{"Udp":{"timeout":{"secs":30,"nanos":0}}},"r":"127.0.0.1","rp":51820})"));
  ASSERT_TRUE(request);
  EXPECT_EQ(*request, (TunnelRequest{"Udp", "127.0.0.1", 51820}));
  EXPECT_TRUE(request->is_udp());
}

TEST(TunnelTokenTest, OrderSpaceAndUnknownClaimsDoNotMatter) {
  const auto request =
      parse_tunnel_token(token(" { \"rp\" : 1 , \"x\": [1, {\"y\": null}, \"z\\\"\"], "
                               "\"r\":\"[fd00::1]\",\n\"p\":{\"Udp\":{\"timeout\":null}}} "));
  ASSERT_TRUE(request);
  EXPECT_EQ(*request, (TunnelRequest{"Udp", "fd00::1", 1}));
}

TEST(TunnelTokenTest, OtherProtocolsAreNamed) {
  const auto tcp =
      parse_tunnel_token(token(R"({"id":"a","p":{"Tcp":{"proxy_protocol":false}},"r":"h","rp":22})"));
  ASSERT_TRUE(tcp);
  EXPECT_EQ(tcp->protocol, "Tcp");
  EXPECT_FALSE(tcp->is_udp());
  const auto bare = parse_tunnel_token(token(R"({"id":"a","p":"ReverseSocks5","r":"h","rp":22})"));
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->is_udp());
}

TEST(TunnelTokenTest, WhatMakesNoSenseIsRefused) {
  const std::string good = R"({"id":"a","p":{"Udp":{}},"r":"h","rp":1})";
  ASSERT_TRUE(parse_tunnel_token(token(good)));
  const std::string_view claims[] = {
      "",
      "[]",
      "{}",
      R"({"p":{"Udp":{}},"r":"h"})",
      R"({"p":{"Udp":{}},"rp":1})",
      R"({"r":"h","rp":1})",
      R"({"p":{},"r":"h","rp":1})",
      R"({"p":{"Udp":{},"Tcp":{}},"r":"h","rp":1})",
      R"({"p":{"Udp":{}},"r":"h","rp":65536})",
      R"({"p":{"Udp":{}},"r":"h","rp":-1})",
      R"({"p":{"Udp":{}},"r":"h","rp":"1"})",
      R"({"p":{"Udp":{}},"r":"","rp":1})",
      R"({"p":{"Udp":{}},"r":"a b","rp":1})",
      R"({"p":{"Udp":{}},"r":"h","r":"i","rp":1})",
      R"({"p":{"Udp":{}},"r":"h","rp":1} x)",
      R"({"p":{"Udp":{}},"r":"h","rp":1)",
      R"({"p":{"Udp":[[[[[[[[[[]]]]]]]]]]},"r":"h","rp":1})",
      "{\"p\":{\"Udp\":{}},\"r\":\"\xff\",\"rp\":1}",
  };
  for (const std::string_view text : claims) EXPECT_FALSE(parse_tunnel_token(token(text))) << text;
}

TEST(TunnelTokenTest, WhatIsNoTokenIsRefused) {
  EXPECT_FALSE(parse_tunnel_token("v1"));
  EXPECT_FALSE(parse_tunnel_token("authorization.bearer."));
  EXPECT_FALSE(parse_tunnel_token("authorization.bearer.a.b"));
  EXPECT_FALSE(parse_tunnel_token("authorization.bearer.a.!.c"));
  EXPECT_FALSE(parse_tunnel_token(token(R"({"p":{"Udp":{}},"r":"h","rp":1})") + ".more"));
  EXPECT_FALSE(
      parse_tunnel_token(token(R"({"p":{"Udp":{}},"r":"h","rp":1,"x":")" + std::string(5000, 'x') + "\"}")));
}

TEST(TunnelTokenTest, PathEndsInEventsBelowAPrefix) {
  EXPECT_TRUE(is_tunnel_path("/v1/events"));
  EXPECT_TRUE(is_tunnel_path("/any/prefix/events"));
  EXPECT_FALSE(is_tunnel_path("/events"));
  EXPECT_FALSE(is_tunnel_path("//events/x"));
  EXPECT_FALSE(is_tunnel_path("v1/events"));
}

}  // namespace
}  // namespace wgr::ws::wireguard
