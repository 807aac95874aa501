// A connection that speaks HTTP: requests in pieces, wrong ones, kept ones, and those a handler answers.
#include <string>

#include "tests/ws/connection_fixture.h"

namespace wgr::ws {
namespace {

TEST_F(ConnectionTest, AnyCutOfTheRequestWillDo) {
  open();
  const std::string request =
      "GET /wg HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      std::string{kKey} + "\r\n";
  for (const char c : request) {
    EXPECT_FALSE(connection_->is_session());
    receive({&c, 1});
  }
  EXPECT_TRUE(connection_->is_session());
  EXPECT_EQ(connection_->info().service, Service::kWireGuard);
}

// Slow-loris: a byte now and then does not buy time.
TEST_F(ConnectionTest, ARequestInDribletsIsTimedOut) {
  open();
  receive("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 4; ++i) {
    advance(1s);
    receive("X-A: b\r\n");
  }
  advance(1s);
  EXPECT_TRUE(take_output().starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(connection_->is_ending());
  advance(1min);
  EXPECT_TRUE(connection_->is_ended());
}

TEST_F(ConnectionTest, PlainHttpWhereTlsIsSpokenIsToldSo) {
  open(/*is_tls=*/true);
  connection_->met_plain_http(now_);
  EXPECT_TRUE(connection_->is_ending());
  const std::string answer = take_output();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << answer;
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\n\r\nthis port speaks TLS: use https://"), std::string::npos) << answer;
  EXPECT_EQ(counters_.refused_plain_http.value(), 1u);
  EXPECT_EQ(counters_.refused_tls.value(), 0u);
  receive("more of the request");  // read and thrown away, lest the answer is lost with a reset
  EXPECT_FALSE(connection_->is_ended());
  advance(config_.limits.close_timeout);
  EXPECT_TRUE(connection_->is_ended());
}

TEST_F(ConnectionTest, WhatIsTooLongOrMalformedIsAnsweredAndEnded) {
  const struct {
    std::string request;
    const char* expected;
  } kCases[] = {
      {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", "HTTP/1.1 431"},
      {"POST /dns-query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n", "HTTP/1.1 413"},
      {"POST /dns-query HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 501"},
      {"\x16\x03\x01\r\n\r\n", "HTTP/1.1 400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 "},
  };
  for (const auto& c : kCases) {
    open();
    receive(c.request);
    const std::string answer = take_output();
    EXPECT_TRUE(answer.starts_with(c.expected)) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(connection_->is_ending());
    advance(1min);
    EXPECT_TRUE(connection_->is_ended());
    EXPECT_EQ(limits_.half_open(), 0u);
  }
}

TEST_F(ConnectionTest, KeepsAliveBetweenRequestsForAWhile) {
  open();
  for (int i = 0; i < 3; ++i) {
    get("/");
    EXPECT_TRUE(take_output().starts_with("HTTP/1.1 200"));
    advance(29s);
  }
  EXPECT_FALSE(connection_->is_ending());
  advance(1s);
  EXPECT_TRUE(connection_->is_ending());
  EXPECT_EQ(counters_.requests.value(), 3u);
}

TEST_F(ConnectionTest, ARefusedPageIsToldToTheLog) {
  open();
  upgrade("/", "Origin: https://copy.sh\r\n");
  EXPECT_NE(out_.refused.find("https://copy.sh"), std::string::npos);
  EXPECT_EQ(counters_.refused_origin.value(), 1u);

  open();
  get("/dns-query", "Origin: https://copy.sh\r\n");
  EXPECT_NE(out_.refused.find("https://copy.sh"), std::string::npos);
  EXPECT_TRUE(take_output().starts_with("HTTP/1.1 403"));
  EXPECT_EQ(counters_.refused_origin.value(), 2u);
}

// RFC 9110 7.8
TEST_F(ConnectionTest, AskingForAnUpgradeSaysSoToTheNextHop) {
  open();
  get("/wg");
  std::string answer = take_output();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 426")) << answer;
  EXPECT_NE(answer.find("Connection: keep-alive, Upgrade\r\n"), std::string::npos) << answer;

  open();
  get("/wg", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n");
  answer = take_output();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 426")) << answer;
  EXPECT_NE(answer.find("Connection: close, Upgrade\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Upgrade: websocket\r\n"), std::string::npos) << answer;
}

TEST_F(ConnectionTest, ALaterRequestInDribletsIsTimedOutToo) {
  open();
  get("/");
  take_output();
  advance(20s);
  receive("GET /");
  advance(5s);
  EXPECT_TRUE(take_output().starts_with("HTTP/1.1 408"));
}

TEST_F(ConnectionTest, PipelinedRequestsAreNotServed) {
  open();
  receive("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string answer = take_output();
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_EQ(counters_.requests.value(), 1u);
  EXPECT_TRUE(connection_->is_ending());

  open();
  get("/dns-query");
  get("/dns-query");
  connection_->respond(connection_->request_number(), {.body = "one"}, now_);
  EXPECT_TRUE(take_output().ends_with("one"));
  EXPECT_TRUE(connection_->is_ending());
}

TEST_F(ConnectionTest, AHandlerThatSaysNothingIsAnsweredFor) {
  open();
  get("/dns-query?dns=AAAA");
  ASSERT_TRUE(out_.request.has_value());
  EXPECT_EQ(out_.request->path, "/dns-query");
  EXPECT_EQ(out_.request->query, "dns=AAAA");
  advance(10s);
  EXPECT_TRUE(take_output().starts_with("HTTP/1.1 504"));
  connection_->respond(connection_->request_number(), {.body = "late"}, now_);
  EXPECT_EQ(take_output(), "");
}

TEST_F(ConnectionTest, AHandlerSeesThePathWithoutTheToken) {
  config_.listeners[0].tokens = {{"alice", "SECRET", {}}};
  open();
  get("/SECRET/dns-query");
  ASSERT_TRUE(out_.request.has_value());
  EXPECT_EQ(out_.request->path, "/dns-query");
}

TEST_F(ConnectionTest, HeadHasNoBodyAndAllowNamesTheMethods) {
  open();
  receive("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(take_output().ends_with("\r\n\r\n"));
  receive("PUT /dns-query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  const std::string answer = take_output();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405"));
  EXPECT_NE(answer.find("Allow: GET,HEAD,POST,OPTIONS"), std::string::npos);
}

TEST_F(ConnectionTest, AClientThatHasAskedMayStopSending) {
  open();
  get("/dns-query");
  connection_->input_ended(now_);
  EXPECT_FALSE(connection_->is_ended());
  connection_->respond(connection_->request_number(), {.body = "one"}, now_);
  EXPECT_TRUE(take_output().ends_with("one"));
}

TEST_F(ConnectionTest, DrainLetsARequestFinish) {
  open();
  receive("GET / HTTP/1.1\r\n");
  connection_->drain(now_);
  receive("Host: localhost\r\n\r\n");
  EXPECT_NE(take_output().find("Connection: close"), std::string::npos);

  open();
  connection_->drain(now_);
  EXPECT_TRUE(connection_->is_ending());
}

}  // namespace
}  // namespace wgr::ws
