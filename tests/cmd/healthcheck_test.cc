#include "cmd/wgrouter/healthcheck.h"

#include <array>
#include <sstream>
#include <thread>

#include "tests/cmd/config_fixture.h"
#include "tests/core/egress/loopback.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;
using egress::TestSocket;

// Answers one request on the loopback, whatever it is.
class OneReply {
 public:
  explicit OneReply(std::string reply) : listener_(Family::kV4, SOCK_STREAM) {
    listen(listener_.get(), 1);
    url_ = "http://" + listener_.address().to_string() + "/readyz";
    server_ = std::thread{[this, text = std::move(reply)] {
      const TestSocket stream = listener_.accept();
      std::array<char, 4096> request;
      const ssize_t size = recv(stream.get(), request.data(), request.size(), 0);
      request_.assign(request.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
      ::send(stream.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }};
  }
  ~OneReply() { server_.join(); }

  const std::string& url() const { return url_; }
  std::uint16_t port() const { return listener_.address().port; }

 private:
  TestSocket listener_;
  std::string url_;
  std::string request_;
  std::thread server_;
};

struct Result {
  int code = 0;
  std::string line;
};

Result check(const std::string& url, const ConfigSource& source = {}, Duration timeout = 5s) {
  std::ostringstream out;
  const int code = run_healthcheck(url, source, out, timeout);
  return {code, out.str()};
}

TEST(HealthcheckTest, ReadyRouterIsZero) {
  const OneReply server{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"};
  const Result result = check(server.url());

  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.line, "ok\n");
}

TEST(HealthcheckTest, FailedChecksAreOneLineAndOne) {
  const OneReply server{
      "HTTP/1.1 503 x\r\n\r\nnot_draining: stopping\ndescriptors: 0 of 9 are free\x1b[0m\n"};
  const Result result = check(server.url());

  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.line, "not_draining: stopping; descriptors: 0 of 9 are free?[0m\n");
}

TEST(HealthcheckTest, AnswerWithoutABodyIsTold) {
  const OneReply server{"HTTP/1.1 404 x\r\n\r\n"};
  EXPECT_EQ(check(server.url()).line, "answered 404\n");
}

TEST(HealthcheckTest, WhatIsNotHttpIsOne) {
  const OneReply server{"SSH-2.0\r\n"};
  const Result result = check(server.url());

  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.line, "the answer is not HTTP\n");
}

TEST(HealthcheckTest, NobodyThereIsOne) {
  const TestSocket bound{Family::kV4, SOCK_STREAM};  // does not listen
  const Result result = check("http://" + bound.address().to_string());

  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.line, testing::StartsWith("connecting: "));
}

TEST(HealthcheckTest, SilenceEndsWithTheTime) {
  const TestSocket silent{Family::kV4, SOCK_STREAM};
  listen(silent.get(), 1);
  const Result result = check("http://" + silent.address().to_string(), {}, 20ms);

  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.line, "no answer in time\n");
}

TEST(HealthcheckTest, UrlThatIsNoneIsOne) {
  EXPECT_EQ(check("https://127.0.0.1").line, "--url: https is not asked; use http://\n");
}

ConfigSource source_with(const std::string& key, const std::string& value) {
  ConfigSource::Places places;
  places.overrides = {{key, value, "--set " + key}};
  return ConfigSource{places};
}

TEST(HealthcheckTest, ConfiguredListenerIsAsked) {
  const OneReply server{"HTTP/1.1 200 OK\r\n\r\nok\n"};
  const Result result = check("", source_with("metrics.port", std::to_string(server.port())));

  EXPECT_EQ(result.code, 0) << result.line;
  EXPECT_EQ(result.line, "ok\n");
}

TEST(HealthcheckTest, ListenerThatIsTurnedOffIsOne) {
  const Result result = check("", source_with("metrics.enabled", "false"));

  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.line, testing::HasSubstr("use --url URL"));
}

// A router whose reload failed serves on: it is not to be called ill for it, nor is there a third exit code.
TEST(HealthcheckTest, ConfigurationThatDoesNotLoadIsAskedAroundAndTold) {
  const Result result = check("", source_with("no.such_key", "1"), 50ms);

  EXPECT_LE(result.code, 1);
  EXPECT_THAT(result.line, testing::HasSubstr("the configuration has problems"));
  EXPECT_THAT(result.line, testing::HasSubstr("asked the default listener"));
}

TEST(HealthcheckTest, ListenerIsAskedWhereItListens) {
  metrics::ListenerConfig listener;
  EXPECT_EQ(http_get(readiness_url(listener)).substr(0, 46),
            "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:9586\r\nUs");

  listener.addresses = {IpAddress::parse("2001:db8::1").value()};
  EXPECT_EQ(readiness_url(listener).host, "2001:db8::1");
  listener.addresses = {IpAddress::parse("::").value()};
  EXPECT_EQ(readiness_url(listener).host, "::1");
  listener.addresses = {IpAddress::v4(0)};
  EXPECT_EQ(readiness_url(listener).host, "127.0.0.1");
  listener.addresses = {};
  EXPECT_EQ(readiness_url(listener).host, "127.0.0.1");
}

}  // namespace
}  // namespace wgr
