#include "cmd/http_url.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

HttpUrl parse(std::string_view text) {
  std::string problem;
  const auto url = parse_http_url(text, problem);
  EXPECT_TRUE(url) << text << ": " << problem;
  return url.value_or(HttpUrl{});
}

std::string problem_of(std::string_view text) {
  std::string problem;
  EXPECT_FALSE(parse_http_url(text, problem)) << text;
  return problem;
}

TEST(HttpUrlTest, PartsAreTakenAndDefaultsStand) {
  const HttpUrl plain = parse("http://example.com");
  EXPECT_EQ(plain.host, "example.com");
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.target, "/");

  const HttpUrl full = parse("HTTP://192.0.2.1:9586/readyz?verbose#part");
  EXPECT_EQ(full.host, "192.0.2.1");
  EXPECT_EQ(full.port, 9586);
  EXPECT_EQ(full.target, "/readyz?verbose");

  const HttpUrl tls = parse("https://example.com/a");
  EXPECT_TRUE(tls.is_tls);
  EXPECT_EQ(tls.port, 443);

  const HttpUrl v6 = parse("http://[2001:db8::1]:81?a=b");
  EXPECT_EQ(v6.host, "2001:db8::1");
  EXPECT_EQ(v6.port, 81);
  EXPECT_EQ(v6.target, "/?a=b");
}

TEST(HttpUrlTest, WhatIsNoUrlIsRefused) {
  EXPECT_EQ(problem_of("example.com"), "a URL begins with http:// or https://");
  for (const char* text : {"", "http://", "http:///x", "http://user@host/", "http://a b/", "http://host:0/",
                           "http://host:65536/", "http://host:/", "http://host:x/", "http://[::1/",
                           "http://[host]/", "http://[192.0.2.1]/", "http://[::1]80/", "http://127.1/",
                           "http://host/a b", "http://host/a\r\nHost: evil"}) {
    EXPECT_FALSE(problem_of(text).empty()) << text;
  }
  EXPECT_EQ(problem_of("http://host/" + std::string(3000, 'a')), "too long");
}

TEST(HttpUrlTest, RequestNamesHostAndTarget) {
  EXPECT_EQ(http_get(parse("http://[2001:db8::1]:81/x?y")),
            "GET /x?y HTTP/1.1\r\nHost: [2001:db8::1]:81\r\nUser-Agent: wgrouter\r\nAccept: */*\r\n"
            "Connection: close\r\n\r\n");
  EXPECT_NE(http_get(parse("https://example.com")).find("\r\nHost: example.com\r\n"), std::string::npos);
  EXPECT_NE(http_get(parse("http://example.com")).find("\r\nHost: example.com\r\n"), std::string::npos);
}

}  // namespace
}  // namespace wgr
