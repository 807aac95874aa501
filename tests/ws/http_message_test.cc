#include "ws/http_message.h"

#include "gtest/gtest.h"

#include "tests/ws/frames.h"

namespace wgr::ws {
namespace {

using State = HttpRequestParser::State;

constexpr std::string_view kGet = "GET /path?a=b&c HTTP/1.1\r\nHost: example.org\r\nX-Odd:  value \r\n\r\n";

class HttpRequestTest : public testing::Test {
 protected:
  std::size_t receive(std::string_view text) { return parser_.receive(bytes_of(text)); }
  // Of a parser of its own.
  static HttpFault fault_of(std::string_view text) {
    HttpRequestParser parser{500, 100};
    parser.receive(bytes_of(text));
    EXPECT_EQ(parser.state() == State::kFailed, parser.fault() != HttpFault::kNone);
    return parser.fault();
  }
  static HttpRequest request_of(std::string_view text) {
    HttpRequestParser parser{500, 100};
    parser.receive(bytes_of(text));
    EXPECT_EQ(parser.state(), State::kComplete) << text;
    return parser.state() == State::kComplete ? parser.take() : HttpRequest{};
  }

  HttpRequestParser parser_{500, 100};
};

TEST_F(HttpRequestTest, RequestIsReadAndWhatFollowsIsLeft) {
  EXPECT_TRUE(parser_.is_idle());
  EXPECT_EQ(receive(std::string{kGet} + "\x81\x80"), kGet.size());
  ASSERT_EQ(parser_.state(), State::kComplete);
  EXPECT_TRUE(parser_.wants_keep_alive());
  const HttpRequest request = parser_.take();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/path");
  EXPECT_EQ(request.query, "a=b&c");
  EXPECT_EQ(request.header("host"), "example.org");
  EXPECT_EQ(request.header("x-odd"), "value");
  EXPECT_EQ(request.header("absent"), "");
  EXPECT_TRUE(parser_.is_idle());
}

TEST_F(HttpRequestTest, RequestMayComeByteByByteAndAnotherAfterIt) {
  for (int i = 0; i < 2; ++i) {
    for (const char c : kGet) {
      ASSERT_EQ(parser_.state(), State::kReading);
      EXPECT_EQ(receive({&c, 1}), 1u);
    }
    ASSERT_EQ(parser_.state(), State::kComplete);
    EXPECT_EQ(parser_.take().path, "/path");
  }
}

TEST_F(HttpRequestTest, BodyIsReadToItsLength) {
  const std::string head = "POST /dns-query HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";
  EXPECT_EQ(receive(head + "he"), head.size() + 2);
  EXPECT_EQ(parser_.state(), State::kReading);
  EXPECT_FALSE(parser_.is_idle());
  EXPECT_EQ(receive("lloGET"), 3u);
  ASSERT_EQ(parser_.state(), State::kComplete);
  EXPECT_EQ(parser_.take().body, "hello");
}

TEST_F(HttpRequestTest, ConnectionHeaderAndVersionDecideOnKeepAlive) {
  receive("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(parser_.wants_keep_alive());
  parser_.take();
  receive("GET / HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(parser_.wants_keep_alive());
}

TEST_F(HttpRequestTest, LongHeadersAreRefusedBeforeTheyEnd) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1000, 'x');
  EXPECT_EQ(receive(text), 500u);
  EXPECT_EQ(parser_.fault(), HttpFault::kHeaderTooLong);
  EXPECT_EQ(status_of(parser_.fault()), 431u);
  EXPECT_EQ(receive("more"), 0u);
}

TEST_F(HttpRequestTest, LongBodiesAreRefusedByTheirLength) {
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n"), HttpFault::kBodyTooLong);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n"),
            HttpFault::kBodyTooLong);
}

TEST_F(HttpRequestTest, TlsOnAPlainPortFailsAtItsFirstByte) {
  EXPECT_EQ(fault_of("\x16\x03\x01"), HttpFault::kMalformed);
}

// What proxies and servers have been made to disagree about.
TEST_F(HttpRequestTest, AmbiguousRequestsAreRefused) {
  const std::string_view malformed[] = {
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
      "GET /\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\nHost: h\r\n\r\n",
      "GET path HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
      "CONNECT host:443 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET http://user@host/ HTTP/1.1\r\nHost: h\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
  };
  for (const std::string_view text : malformed) {
    EXPECT_EQ(fault_of(text), HttpFault::kMalformed) << text;
  }
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"),
            HttpFault::kEncoding);
}

TEST_F(HttpRequestTest, AbsoluteTargetsAreReducedAndNameTheHost) {
  const HttpRequest request = request_of("GET HTTP://real:8086/wg?x HTTP/1.1\r\nHost: said\r\n\r\n");
  EXPECT_EQ(request.path, "/wg");
  EXPECT_EQ(request.query, "x");
  EXPECT_EQ(request.header("host"), "real:8086");
  EXPECT_EQ(request_of("GET https://real HTTP/1.1\r\nHost: said\r\n\r\n").path, "/");
  EXPECT_EQ(request_of("GET http://real?q HTTP/1.1\r\nHost: said\r\n\r\n").query, "q");
}

TEST_F(HttpRequestTest, AsteriskBelongsToOptions) {
  EXPECT_EQ(request_of("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").path, "*");
}

TEST(HttpResponseTest, TextHasLengthAndNoVersion) {
  HttpResponse response;
  response.body = "hello\n";
  response.headers = {{"Vary", "Origin"}, {"Bad", "a\r\nInjected: b"}, {"Bad Name", "x"}};
  EXPECT_EQ(to_text(response, KeepAlive::kYes),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n"
            "Connection: keep-alive\r\nVary: Origin\r\n\r\nhello\n");
  EXPECT_TRUE(to_text(response, KeepAlive::kNo, Body::kLeftOut)
                  .ends_with("Connection: close\r\nVary: Origin\r\n\r\n"));
}

TEST(HttpResponseTest, NoContentHasNoLength) {
  HttpResponse response;
  response.status = 204;
  EXPECT_EQ(to_text(response, KeepAlive::kNo), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST(HttpAnswerTest, HeadIsReadAndWhatFollowsIsLeft) {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  for (std::size_t cut = 0; cut <= head.size(); ++cut) {
    HttpAnswerParser parser{500};
    EXPECT_EQ(parser.receive(bytes_of(head.substr(0, cut))), cut);
    EXPECT_EQ(parser.receive(bytes_of(head.substr(cut) + (cut < head.size() ? "\x82\x01x" : ""))),
              head.size() - cut);
    ASSERT_EQ(parser.state(), State::kComplete);
    EXPECT_EQ(parser.answer().status, 101u);
    EXPECT_EQ(parser.answer().header("upgrade"), "websocket");
  }
}

TEST(HttpAnswerTest, InterimAnswersAreSkipped) {
  HttpAnswerParser parser{500};
  parser.receive(bytes_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
  ASSERT_EQ(parser.state(), State::kComplete);
  EXPECT_EQ(parser.answer().status, 200u);
}

TEST(HttpAnswerTest, WhatIsNoAnswerFails) {
  for (const std::string_view text :
       {std::string_view{"SSH-2.0-OpenSSH\r\n\r\n"}, std::string_view{"HTTP/1.1 abc\r\n\r\n"}}) {
    HttpAnswerParser parser{500};
    parser.receive(bytes_of(text));
    EXPECT_EQ(parser.state(), State::kFailed) << text;
  }
  for (const std::string_view text :
       {"HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200\r\n\r\n", "HTTP/1.1 +20\r\n\r\n"}) {
    HttpAnswerParser parser{500};
    parser.receive(bytes_of(text));
    EXPECT_EQ(parser.state(), State::kFailed) << text;
  }
  HttpAnswerParser parser{500};
  parser.receive(bytes_of("HTTP/1.1 200 OK\r\nX: " + std::string(500, 'x')));
  EXPECT_EQ(parser.state(), State::kFailed);
}

// A server that waits for us to speak its own protocol sends no more.
TEST(HttpAnswerTest, WhatCannotBecomeAnAnswerFailsAtOnce) {
  for (const std::string_view text :
       {"S", "HTTP/2 200", "HTTP/1 ", "\n", "\x16\x03\x01", "http/1.1 200 OK"}) {
    HttpAnswerParser parser{500};
    parser.receive(bytes_of(text));
    EXPECT_EQ(parser.state(), State::kFailed) << text;
  }
  for (const std::string_view text : {"H", "HTTP/1.", "HTTP/1.1 200 OK\r\n"}) {
    HttpAnswerParser parser{500};
    parser.receive(bytes_of(text));
    EXPECT_EQ(parser.state(), State::kReading) << text;
  }
}

TEST(HttpTokenTest, TokensAreFoundInAnyCase) {
  EXPECT_TRUE(has_token("keep-alive, Upgrade", "upgrade"));
  EXPECT_TRUE(has_token("Upgrade", "upgrade"));
  EXPECT_FALSE(has_token("Upgrades, xupgrade", "upgrade"));
  EXPECT_FALSE(has_token("", "upgrade"));
}

}  // namespace
}  // namespace wgr::ws
