#include "ws/handshake.h"

#include "gtest/gtest.h"

#include "core/base64.h"
#include "tests/ws/frames.h"

namespace wgr::ws {
namespace {

// RFC 6455 1.2 and 1.3
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

HttpRequest upgrade() {
  HttpRequest request;
  request.method = "GET";
  request.path = "/wg";
  request.headers = {{"host", "example.org"},
                     {"upgrade", "WebSocket"},
                     {"connection", "keep-alive, Upgrade"},
                     {"sec-websocket-key", std::string{kKey}},
                     {"sec-websocket-version", "13"}};
  return request;
}

HttpRequest with(std::string_view name, std::string_view value) {
  HttpRequest request = upgrade();
  for (auto& [key, old] : request.headers) {
    if (key == name) old = value;
  }
  return request;
}

HttpRequest without(std::string_view name) {
  HttpRequest request = upgrade();
  std::erase_if(request.headers, [&](const auto& header) { return header.first == name; });
  return request;
}

TEST(HandshakeTest, AcceptKeyIsThatOfTheStandard) { EXPECT_EQ(accept_key(kKey), kAccept); }

TEST(HandshakeTest, RightUpgradeIsAnsweredWithTheChosenSubprotocol) {
  ASSERT_EQ(check_upgrade(upgrade()), UpgradeFault::kNone);
  EXPECT_EQ(upgrade_response(upgrade(), "binary"),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: binary\r\n\r\n");
  EXPECT_EQ(upgrade_response(upgrade(), "").find("Protocol:"), std::string::npos);
}

TEST(HandshakeTest, WrongUpgradesAreRefusedForWhatTheyAre) {
  HttpRequest post = upgrade();
  post.method = "POST";
  HttpRequest with_body = upgrade();
  with_body.body = "x";
  HttpRequest two_keys = upgrade();
  two_keys.headers.emplace_back("sec-websocket-key", kKey);
  struct Row {
    HttpRequest request;
    UpgradeFault fault;
  };
  const Row rows[] = {
      {post, UpgradeFault::kMethod},
      {with("sec-websocket-version", "8"), UpgradeFault::kVersion},
      {without("sec-websocket-version"), UpgradeFault::kVersion},
      {with("connection", "close"), UpgradeFault::kMalformed},
      {with("upgrade", "h2c"), UpgradeFault::kMalformed},
      {without("host"), UpgradeFault::kMalformed},
      {without("sec-websocket-key"), UpgradeFault::kMalformed},
      {with("sec-websocket-key", "dGhlIHNhbXBsZQ=="), UpgradeFault::kMalformed},          // 10 bytes
      {with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ"), UpgradeFault::kMalformed},    // no padding
      {with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZR=="), UpgradeFault::kMalformed},  // stray bits
      {two_keys, UpgradeFault::kMalformed},
      {with_body, UpgradeFault::kMalformed},
  };
  for (const Row& row : rows) EXPECT_EQ(check_upgrade(row.request), row.fault);
}

TEST(HandshakeTest, RefusalSaysWhatWouldBeRight) {
  EXPECT_EQ(refusal_of(UpgradeFault::kMethod).status, 405u);
  const HttpResponse version = refusal_of(UpgradeFault::kVersion);
  EXPECT_EQ(version.status, 426u);
  EXPECT_NE(to_text(version, KeepAlive::kNo).find("Sec-WebSocket-Version: 13\r\n"), std::string::npos);
}

TEST(HandshakeTest, PlainRequestsAskForNothing) {
  EXPECT_TRUE(asks_for_upgrade(upgrade()));
  EXPECT_FALSE(asks_for_upgrade(without("upgrade")));
  EXPECT_FALSE(asks_for_upgrade(with("upgrade", "h2c")));
}

TEST(HandshakeTest, OfferedSubprotocolsKeepTheirOrderOverAllHeaders) {
  HttpRequest request = upgrade();
  EXPECT_TRUE(offered_subprotocols(request).empty());
  request.headers.emplace_back("sec-websocket-protocol", "v1, authorization.bearer.a.b-_c");
  request.headers.emplace_back("sec-websocket-protocol", "binary");
  EXPECT_EQ(offered_subprotocols(request),
            (std::vector<std::string>{"v1", "authorization.bearer.a.b-_c", "binary"}));
  request.headers.emplace_back("sec-websocket-protocol", "no token");
  EXPECT_TRUE(offered_subprotocols(request).empty());
}

// ---- client

class HandshakeClientTest : public testing::Test {
 protected:
  std::optional<std::string> fault_of(std::string_view answer) {
    HttpAnswerParser parser{8192};
    parser.receive(bytes_of(answer));
    EXPECT_EQ(parser.state(), HttpRequestParser::State::kComplete);
    return find_fault(request_, parser.answer());
  }

  Rng rng_{1};
  UpgradeRequest request_{.host = "example.org:8086",
                          .target = "/wg?token=x",
                          .subprotocols = {"wireguard", "v1"},
                          .headers = {{"Authorization", "Bearer x"}},
                          .key = make_key(rng_)};
};

TEST_F(HandshakeClientTest, ServerTakesWhatTheClientSendsAndTheOtherWayRound) {
  HttpRequestParser parser{8192, 0};
  const std::string text = to_text(request_);
  EXPECT_EQ(parser.receive(bytes_of(text)), text.size());
  ASSERT_EQ(parser.state(), HttpRequestParser::State::kComplete);
  const HttpRequest request = parser.take();
  EXPECT_EQ(check_upgrade(request), UpgradeFault::kNone);
  EXPECT_EQ(request.path, "/wg");
  EXPECT_EQ(request.header("authorization"), "Bearer x");
  EXPECT_EQ(offered_subprotocols(request), request_.subprotocols);
  EXPECT_EQ(fault_of(upgrade_response(request, "v1")), std::nullopt);
  EXPECT_NE(fault_of(upgrade_response(request, "")), std::nullopt);
  EXPECT_NE(fault_of(upgrade_response(request, "other")), std::nullopt);
  request_.subprotocols.clear();
  EXPECT_EQ(fault_of(upgrade_response(request, "")), std::nullopt);
  EXPECT_NE(fault_of(upgrade_response(request, "v1")), std::nullopt);
}

TEST_F(HandshakeClientTest, WrongAnswersAreNamed) {
  EXPECT_EQ(fault_of("HTTP/1.1 403 Forbidden\r\n\r\n"), "it answers 403");
  EXPECT_EQ(fault_of("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
            "its answer is to another key");
  EXPECT_EQ(fault_of("HTTP/1.1 101 X\r\nUpgrade: h2c\r\n\r\n"), "its answer upgrades to something else");
}

}  // namespace
}  // namespace wgr::ws
