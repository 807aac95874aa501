#include "cmd/admin_port.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/ws/test_client.h"

namespace wgr {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class AdminPortTest : public testing::Test {
 protected:
  AdminPortTest() {
    config_.listener.addresses = {IpAddress::v4(127, 0, 0, 1)};
    config_.listener.port = 0;
  }

  std::unique_ptr<AdminPort> make() {
    return std::make_unique<AdminPort>(
        context_, config_, /*workers=*/1, resolver_,
        [this](WorkerIndex, HealthMonitor::Answer answer) { heartbeats_.push_back(std::move(answer)); },
        [this](Admin::SnapshotTaken taken) { scrapes_.push_back(std::move(taken)); });
  }
  void ask(const std::string& path) {
    client_ = std::make_unique<ws::TestClient>(port_->addresses().at(0));
    client_->send("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  }
  // What it is answered.
  std::string get(const std::string& path) {
    ask(path);
    EXPECT_TRUE(run_until([this] { return client_->is_at_end; }));
    return client_->text;
  }

  // Bounds every wait; reached only when something is broken.
  static constexpr std::chrono::seconds kPatience{10};
  template <typename Claim>
  bool run_until(Claim claim) {
    const Instant deadline = Clock::now() + kPatience;
    while (!claim()) {
      if (Clock::now() > deadline) return false;
      context_.run_one_for(std::chrono::milliseconds{1});
      context_.poll();
      client_->pump();
    }
    return true;
  }

  metrics::Config config_;
  boost::asio::io_context context_{1};
  egress::Resolver resolver_{[](const std::string&) { return egress::Resolver::Answer{}; }};
  std::vector<HealthMonitor::Answer> heartbeats_;
  std::vector<Admin::SnapshotTaken> scrapes_;
  std::unique_ptr<ws::TestClient> client_;
  std::unique_ptr<AdminPort> port_;
};

TEST_F(AdminPortTest, ScrapeIsAnsweredOnceTheSnapshotIsTaken) {
  port_ = make();
  port_->start();
  ask("/metrics");
  ASSERT_TRUE(run_until([this] { return scrapes_.size() == 1; }));
  EXPECT_EQ(client_->text, "");

  scrapes_.front()(metrics::Snapshot{});
  ASSERT_TRUE(run_until([this] { return client_->is_at_end; }));
  EXPECT_THAT(client_->text, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client_->text, HasSubstr("wgrouter_draining 0\n"));
}

TEST_F(AdminPortTest, RouterIsReadyOnceItsWorkersHaveAnswered) {
  port_ = make();
  port_->health().facts().is_configured = true;
  port_->start();
  EXPECT_THAT(get("/readyz"), HasSubstr("\r\n\r\nudp_listening: worker 0 has not told yet\n"));
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200"));

  ASSERT_EQ(heartbeats_.size(), 1u);
  heartbeats_.front()({});
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200"));
}

// What the server answers itself leaves like everything else.
TEST_F(AdminPortTest, OtherPathsAndUpgradesAreNotServed) {
  port_ = make();
  port_->start();
  EXPECT_THAT(get("/wg"), StartsWith("HTTP/1.1 404"));

  client_ = std::make_unique<ws::TestClient>(port_->addresses().at(0));
  client_->upgrade("/metrics");
  ASSERT_TRUE(run_until([this] { return !client_->text.empty() || !scrapes_.empty(); }));
  EXPECT_FALSE(client_->is_upgraded);
}

TEST_F(AdminPortTest, WithoutAListenerTheWorkersAreWatchedAllTheSame) {
  config_.listener.enabled = false;
  port_ = make();
  port_->start();

  EXPECT_TRUE(port_->addresses().empty());
  EXPECT_EQ(heartbeats_.size(), 1u);
}

TEST_F(AdminPortTest, PortInUseIsASentenceForTheOperator) {
  const auto first = make();
  config_.listener.port = first->addresses().at(0).port;
  try {
    make();
    FAIL() << "two share a port";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("127.0.0.1:" + std::to_string(config_.listener.port)));
  }
}

}  // namespace
}  // namespace wgr
