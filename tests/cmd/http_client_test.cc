#include "cmd/http_client.h"

#include "gtest/gtest.h"

#include "tests/support/sim_sockets.h"

namespace wgr {
namespace {

using Outcome = HttpClient::Outcome;
using Wanted = HttpClient::Wanted;

const SocketAddress kWeb = SocketAddress::parse("198.51.100.80:80").value();

// How the server goes on after its answer.
enum class After : std::uint8_t { kStay, kFinish };

class HttpClientTest : public testing::Test {
 protected:
  // A web server that answers every request with `answer`.
  void serve(const std::string& answer, After after = After::kStay) {
    internet_.listen(kWeb).on_accept = [answer, after](sim::RemoteStream& stream) {
      stream.on_data = [answer, after](sim::RemoteStream& from, Bytes) {
        from.send(answer);
        if (after == After::kFinish) from.finish();
      };
    };
  }

  std::optional<Outcome> ask(Wanted wanted, std::vector<IpAddress> addresses = {kWeb.ip}) {
    client_.emplace(HttpUrl{.is_tls = false, .host = "example.com", .port = 80, .target = "/up"}, wanted,
                    sockets_,
                    /*token=*/1, nullptr);
    std::optional<Outcome> outcome = client_->start(addresses);
    for (bool more = true; more && !outcome;) {
      internet_.run_until(internet_.now());
      const auto news = sockets_.take_ready();
      more = !news.empty();
      for (const auto& [token, ready] : news) {
        if (!outcome) outcome = client_->socket_ready(ready);
      }
    }
    return outcome;
  }

  sim::Internet internet_;
  sim::SimSockets sockets_{internet_};
  std::optional<HttpClient> client_;
};

TEST_F(HttpClientTest, BodyEndsWithItsLength) {
  serve("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\nand more");
  const auto outcome = ask(Wanted::kBody);

  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 200u);
  EXPECT_TRUE(outcome->body.starts_with("ok\n"));
  EXPECT_EQ(sockets_.open_sockets, 0u);
}

TEST_F(HttpClientTest, BodyWithoutALengthEndsWithTheConnection) {
  serve("HTTP/1.1 503 no\r\n\r\nnot ready\n", After::kFinish);
  const auto outcome = ask(Wanted::kBody);

  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 503u);
  EXPECT_EQ(outcome->body, "not ready\n");
}

TEST_F(HttpClientTest, BodyIsCutAtItsBound) {
  serve("HTTP/1.1 200 OK\r\n\r\n" + std::string(2 * HttpClient::kMaxBody, 'x'));
  const auto outcome = ask(Wanted::kBody);

  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 200u);
  EXPECT_EQ(outcome->body.size(), HttpClient::kMaxBody);
}

TEST_F(HttpClientTest, StatusDoesNotWaitForTheBody) {
  serve("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  const auto outcome = ask(Wanted::kStatus);

  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 204u);
}

TEST_F(HttpClientTest, UnfinishedAnswerWaits) {
  serve("HTTP/1.1 200 OK\r\n");
  EXPECT_FALSE(ask(Wanted::kStatus));
  serve("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234");
  EXPECT_FALSE(ask(Wanted::kBody));

  client_->stop();
  EXPECT_EQ(sockets_.open_sockets, 0u);
}

TEST_F(HttpClientTest, WhatIsNoAnswerIsToldAtOnce) {
  serve("SSH-2.0-x\r\n");
  EXPECT_EQ(ask(Wanted::kStatus)->problem, "the answer is not HTTP");
  serve("HTTP/1.1 200 OK\r\nX: " + std::string(HttpClient::kMaxHead, 'x'));
  EXPECT_EQ(ask(Wanted::kBody)->problem, "the answer is not HTTP");
  serve("HTTP/1.1 200 OK\r\n", After::kFinish);
  EXPECT_EQ(ask(Wanted::kBody)->problem, "closed without an answer");
  EXPECT_EQ(sockets_.open_sockets, 0u);
}

TEST_F(HttpClientTest, AddressesAreTriedInTheirOrder) {
  serve("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(ask(Wanted::kStatus, {IpAddress::v4(198, 51, 100, 7), kWeb.ip})->status, 200u);
  EXPECT_EQ(sockets_.connects, 2u);

  EXPECT_TRUE(ask(Wanted::kStatus, {IpAddress::v4(198, 51, 100, 7)})->problem.starts_with("connecting: "));
  EXPECT_EQ(ask(Wanted::kStatus, {})->problem, "no address");
}

}  // namespace
}  // namespace wgr
