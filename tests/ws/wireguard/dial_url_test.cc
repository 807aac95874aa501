#include "ws/wireguard/dial_url.h"

#include "gtest/gtest.h"

namespace wgr::ws::wireguard {
namespace {

TEST(DialUrlTest, PartsAreReadAndDefaultsFilledIn) {
  struct Row {
    std::string_view text;
    DialUrl url;
    std::string_view authority;
  };
  const Row rows[] = {
      {"wss://host", {true, "host", 443, "/wg"}, "host"},
      {"wss://host/", {true, "host", 443, "/wg"}, "host"},
      {"WS://Host.example.org:8086/a/b?token=x",
       {false, "Host.example.org", 8086, "/a/b?token=x"},
       "Host.example.org:8086"},
      {"ws://192.0.2.1", {false, "192.0.2.1", 80, "/wg"}, "192.0.2.1"},
      {"wss://[2001:db8::1]:443/x", {true, "2001:db8::1", 443, "/x"}, "[2001:db8::1]"},
      {"wss://[2001:db8::1]:8087", {true, "2001:db8::1", 8087, "/wg"}, "[2001:db8::1]:8087"},
      {"ws://host:443?q", {false, "host", 443, "/?q"}, "host:443"},
  };
  for (const Row& row : rows) {
    const auto url = parse_dial_url(row.text);
    ASSERT_TRUE(url) << row.text << ": " << url.error();
    EXPECT_EQ(*url, row.url) << row.text;
    EXPECT_EQ(url->authority(), row.authority);
  }
}

TEST(DialUrlTest, WhatCannotBeDialedIsNamed) {
  for (const std::string_view text :
       {"", "host", "http://host", "wss://", "wss:///wg", "wss://host:0", "wss://host:65536", "wss://host:x",
        "wss://user:secret@host", "wss://host/a#b", "wss://ho st", "wss://host/\r\nX: y", "wss://[::1",
        "wss://::1", "wss://[192.0.2.1]", "wss://[::1]x", "wss://127.1"}) {
    const auto url = parse_dial_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_FALSE(url.error().empty());
  }
}

TEST(DialUrlTest, MessagesLeaveOutWhatMayHoldAToken) {
  EXPECT_EQ(parse_dial_url("wss://host:8087/secret/wg?token=secret")->to_string(), "wss://host:8087");
}

TEST(ProxyUrlTest, PasswordBecomesAHeader) {
  EXPECT_EQ(*parse_proxy_url("http://Aladdin:open%20sesame@proxy:3128/"),
            (ProxyUrl{"proxy", 3128, "Basic QWxhZGRpbjpvcGVuJTIwc2VzYW1l"}));
  EXPECT_EQ(*parse_proxy_url("http://[::1]"), (ProxyUrl{"::1", 80, ""}));
  EXPECT_FALSE(parse_proxy_url("socks5://proxy"));
  EXPECT_FALSE(parse_proxy_url("http://"));
}

}  // namespace
}  // namespace wgr::ws::wireguard
