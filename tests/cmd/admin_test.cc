#include "cmd/admin.h"

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "cmd/admin_port.h"
#include "core/io/descriptor.h"
#include "core/io/sockaddr.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Pair;

class AdminTest : public testing::Test {
 protected:
  void SetUp() override {
    health_.ports_told(0, {});
    health_.facts().is_configured = true;
  }

  Admin make(const std::string& token = "") {
    metrics::Config config;
    config.listener.token = token;
    return Admin{config, [this](Admin::SnapshotTaken taken) { waiting_.push_back(std::move(taken)); },
                 health_,
                 [this](ws::RequestId id, const ws::HttpResponse& response) { responses_[id] = response; }};
  }

  void ask(Admin& admin, ws::RequestId id, const std::string& path, ws::Service service,
           std::vector<std::pair<std::string, std::string>> headers = {}, const std::string& query = "",
           const std::string& method = "GET") {
    const ws::HttpRequest request{
        .method = method, .path = path, .query = query, .headers = std::move(headers), .body = {}};
    admin.request_received(id, service, SocketAddress{}, request, now_);
  }

  Instant now_ = Instant{} + 100s;
  metrics::Health health_{{}, 1};
  std::vector<Admin::SnapshotTaken> waiting_;
  std::map<ws::RequestId, ws::HttpResponse> responses_;
};

TEST_F(AdminTest, MetricsAreAnsweredWhenTheSnapshotIsTaken) {
  Admin admin = make();
  ask(admin, 7, "/metrics", ws::Service::kMetrics);
  ASSERT_EQ(waiting_.size(), 1u);
  EXPECT_TRUE(responses_.empty());

  waiting_.front()(metrics::Snapshot{});
  const ws::HttpResponse& response = responses_.at(7);
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("wgrouter_metrics_scrapes_total 1\n"));
  EXPECT_THAT(response.headers, testing::Contains(Pair("Cache-Control", "no-store")));
}

TEST_F(AdminTest, MetricsWantTheirTokenAndHealthDoesNot) {
  Admin admin = make("s3cret");
  ask(admin, 1, "/metrics", ws::Service::kMetrics);
  ask(admin, 2, "/metrics", ws::Service::kMetrics, {{"authorization", "Bearer wrong!"}});
  ask(admin, 3, "/metrics", ws::Service::kMetrics, {{"authorization", "Basic s3cret"}});
  ask(admin, 4, "/livez", ws::Service::kHealth);
  ask(admin, 5, "/metrics", ws::Service::kMetrics, {{"authorization", "bearer s3cret"}});

  for (const ws::RequestId refused : {1, 2, 3}) {
    EXPECT_EQ(responses_.at(refused).status, 401u);
    EXPECT_THAT(responses_.at(refused).headers, testing::Contains(Pair("WWW-Authenticate", "Bearer")));
  }
  EXPECT_EQ(responses_.at(4).status, 200u);
  EXPECT_EQ(waiting_.size(), 1u);
}

TEST_F(AdminTest, AnotherTokenCountsAtOnce) {
  Admin admin = make("former");
  admin.set_token("next");
  ask(admin, 1, "/metrics", ws::Service::kMetrics, {{"authorization", "Bearer former"}});
  ask(admin, 2, "/metrics", ws::Service::kMetrics, {{"authorization", "Bearer next"}});

  EXPECT_EQ(responses_.at(1).status, 401u);
  EXPECT_EQ(waiting_.size(), 1u);
}

TEST_F(AdminTest, HealthIsAnsweredAtOnce) {
  Admin admin = make();
  ask(admin, 1, "/readyz", ws::Service::kHealth);
  ask(admin, 2, "/healthz/", ws::Service::kHealth, {{"accept", "application/json"}});
  ask(admin, 3, "/livez", ws::Service::kHealth, {}, "verbose");

  EXPECT_EQ(responses_.at(1).body, "ok\n");
  EXPECT_THAT(responses_.at(2).body, testing::StartsWith(R"({"status":"ok")"));
  EXPECT_EQ(responses_.at(3).content_type, "application/json");
}

TEST_F(AdminTest, BadHealthIs503) {
  Admin admin = make();
  health_.facts().is_draining = true;
  ask(admin, 1, "/readyz", ws::Service::kHealth);

  EXPECT_EQ(responses_.at(1).status, 503u);
  EXPECT_EQ(responses_.at(1).body, "not_draining: stopping\n");
}

TEST_F(AdminTest, DescriptorsAreThoseOfThisMoment) {
  Admin admin = make();
  ask(admin, 1, "/readyz", ws::Service::kHealth);

  EXPECT_GE(health_.facts().open_descriptors.value_or(0), 3u);
}

TEST_F(AdminTest, OtherMethodsAreRefused) {
  Admin admin = make();
  ask(admin, 1, "/metrics", ws::Service::kMetrics, {}, "", "POST");
  ask(admin, 2, "/livez", ws::Service::kHealth, {}, "", "HEAD");

  EXPECT_EQ(responses_.at(1).status, 405u);
  EXPECT_THAT(responses_.at(1).headers, testing::Contains(Pair("Allow", "GET, HEAD")));
  EXPECT_EQ(responses_.at(2).status, 200u);
}

TEST_F(AdminTest, WhatItDoesNotServeIsNotFound) {
  Admin admin = make();
  ask(admin, 1, "/dns-query", ws::Service::kDns);
  ask(admin, 2, "/health", ws::Service::kHealth);

  EXPECT_EQ(responses_.at(1).status, 404u);
  EXPECT_EQ(responses_.at(2).status, 404u);
}

TEST(AdminListenerTest, EveryRouteIsServedOnLoopback) {
  const ws::ListenerConfig listener = admin_listener(metrics::ListenerConfig{});

  EXPECT_EQ(listener.port, 9586);
  EXPECT_EQ(listener.addresses, std::vector{IpAddress::v4(127, 0, 0, 1)});
  std::vector<std::string> paths;
  for (const ws::Route& route : listener.routes) paths.push_back(route.path);
  EXPECT_THAT(paths, testing::ElementsAre("/metrics", "/livez", "/readyz", "/healthz"));
  EXPECT_TRUE(listener.tokens.empty());
}

// Over its socket: what Admin does not answer, the server does, and nobody ends a turn on the main thread.
TEST(AdminPortAnswersTest, WhatIsNotServedIsAnsweredAtOnceAndClosed) {
  boost::asio::io_context context{1};
  egress::Resolver resolver{[](const std::string&) { return egress::Resolver::Answer{}; }};
  metrics::Config config;
  config.listener.port = 0;
  AdminPort port{
      context,       config,
      /*workers=*/1, resolver, [](WorkerIndex, const auto&) {}, [](const Admin::SnapshotTaken&) {}};
  port.start();
  const std::pair<const char*, const char*> rows[] = {
      {"GET /nope HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 404"},
      {"POST /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 405"},
      {"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "HTTP/1.1 403"},
      {"nonsense\r\n\r\n", "HTTP/1.1 400"}};
  for (const auto& [request, answer] : rows) {
    const io::Descriptor client{socket(AF_INET, SOCK_STREAM, 0)};
    sockaddr_storage name{};
    const socklen_t length = io::to_sockaddr(port.addresses().at(0), name);
    ASSERT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&name), length), 0);
    ASSERT_GT(send(client.get(), request, std::strlen(request), MSG_NOSIGNAL), 0);
    std::string text;
    const Instant patience = Clock::now() + 10s;
    for (bool is_open = true; is_open;) {
      ASSERT_LT(Clock::now(), patience) << request << text;
      context.run_one_for(1ms);
      std::array<char, 4096> bytes;
      const ssize_t size = recv(client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (size > 0) text.append(bytes.data(), static_cast<std::size_t>(size));
      is_open = size != 0;
    }
    EXPECT_THAT(text, testing::StartsWith(answer)) << request;
  }
}

}  // namespace
}  // namespace wgr
