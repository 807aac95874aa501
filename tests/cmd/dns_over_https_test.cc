#include "cmd/dns_over_https.h"

#include <algorithm>
#include <string>

#include "gtest/gtest.h"

namespace wgr {
namespace {

// RFC 8484 4.1.1: www.example.com A, and its base64url.
constexpr const char* kQuestion = "AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB";

ws::HttpRequest get(const std::string& query) {
  return {.method = "GET", .path = "/dns-query", .query = query, .headers = {}, .body = ""};
}

ws::HttpRequest post(const std::string& type, const std::string& body) {
  return {
      .method = "POST", .path = "/dns-query", .query = "", .headers = {{"content-type", type}}, .body = body};
}

unsigned status_of(const ws::HttpRequest& request) {
  const auto result = read_dns_request(request);
  const auto* response = std::get_if<ws::HttpResponse>(&result);
  return response != nullptr ? response->status : 0;
}

TEST(DnsOverHttpsTest, Rfc8484_4_1_GetCarriesTheQuestionInTheQuery) {
  const auto result = read_dns_request(get(std::string{"dns="} + kQuestion));
  ASSERT_TRUE(std::holds_alternative<DnsQuestion>(result));
  const auto& message = std::get<DnsQuestion>(result).message;
  ASSERT_EQ(message.size(), 33u);
  EXPECT_EQ(message[2], 0x01);
  EXPECT_EQ(std::string(message.begin() + 13, message.begin() + 16), "www");
}

// RFC 9110 9.3.2: as GET, and who answers leaves the body out.
TEST(DnsOverHttpsTest, HeadAsksWhatGetAsks) {
  ws::HttpRequest request = get(std::string{"dns="} + kQuestion);
  request.method = "HEAD";
  EXPECT_TRUE(std::holds_alternative<DnsQuestion>(read_dns_request(request)));
}

TEST(DnsOverHttpsTest, Rfc8484_4_1_PostCarriesTheQuestionInTheBody) {
  const std::string body(33, 'x');
  const auto result = read_dns_request(post("Application/DNS-Message; charset=x", body));
  ASSERT_TRUE(std::holds_alternative<DnsQuestion>(result));
  EXPECT_EQ(std::get<DnsQuestion>(result).message.size(), body.size());
}

TEST(DnsOverHttpsTest, WhatIsNoQuestionIsRefusedWithItsReason) {
  EXPECT_EQ(status_of(get("")), 400u);
  EXPECT_EQ(status_of(get("dns=AAAB")), 400u);
  EXPECT_EQ(status_of(get("dns=AAAB+")), 400u);
  EXPECT_EQ(status_of(get("dns=" + std::string{kQuestion} + "AB")), 400u);  // RFC 4648 3.5
  EXPECT_EQ(status_of(get("dnsx=" + std::string{kQuestion})), 400u);
  EXPECT_EQ(status_of(get("dns=" + std::string(10000, 'A'))), 400u);
  EXPECT_EQ(status_of(post("text/plain", std::string(33, 'x'))), 415u);
  EXPECT_EQ(status_of(post("application/dns-message", "short")), 400u);
  EXPECT_EQ(status_of(post("application/dns-message", std::string(5000, 'x'))), 400u);
  EXPECT_EQ(status_of({.method = "PUT", .path = "/", .query = "", .headers = {}, .body = ""}), 405u);
}

TEST(DnsOverHttpsTest, APageOfAnotherOriginMayAsk) {
  const auto result =
      read_dns_request({.method = "OPTIONS", .path = "/dns-query", .query = "", .headers = {}, .body = ""});
  const auto& preflight = std::get<ws::HttpResponse>(result);
  EXPECT_EQ(preflight.status, 204u);
  const std::pair<std::string, std::string> everybody{"Access-Control-Allow-Origin", "*"};
  EXPECT_EQ(preflight.headers.front(), everybody);
  const std::pair<std::string, std::string> with_token{"Access-Control-Allow-Headers",
                                                       "content-type, accept, authorization"};
  EXPECT_NE(std::find(preflight.headers.begin(), preflight.headers.end(), with_token),
            preflight.headers.end());
  EXPECT_EQ(dns_response(std::vector<std::uint8_t>{1, 2}).headers.front(), everybody);
  EXPECT_EQ(dns_response(std::vector<std::uint8_t>{1, 2}).body.size(), 2u);
  EXPECT_EQ(dns_response({}).status, 400u);
}

}  // namespace
}  // namespace wgr
