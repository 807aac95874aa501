#include "cmd/session_port.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "tests/cmd/shard_fixture.h"
#include "tests/ws/test_client.h"

namespace wgr {
namespace {

using namespace slirp::lan::test;
using testing::HasSubstr;
using ws::TestClient;

std::string text_of(const Frame& frame) { return {frame.begin(), frame.end()}; }

// RFC 8484 4.1.1, of gateway.lan A.
constexpr const char* kQuestion = "AAABAAABAAAAAAAAB2dhdGV3YXkDbGFuAAABAAE";

class SessionPortTest : public ShardTest {
 protected:
  SessionPortTest() {
    port_.start();
    auto names = std::make_shared<slirp::DnsNames>();
    names->add_domain("lan");
    names->add("gateway.lan", {kGateway});
    shard_.stack().set_dns_names(names);
  }

  static SessionPort::Settings port_settings() {
    ws::ListenerConfig listener;
    listener.addresses = {IpAddress::v4(127, 0, 0, 1)};
    listener.routes = {{"/", ws::Service::kEthernet, "lab"},
                       {"/gone", ws::Service::kEthernet, "of a former configuration"},
                       {"/wg", ws::Service::kWireGuard, ""},
                       {"/dns-query", ws::Service::kDns, ""},
                       {"/metrics", ws::Service::kMetrics, ""}};
    auto config = std::make_shared<ws::Config>();
    config->listeners = {listener};
    return {.config = config, .tls = std::make_shared<const ws::TlsContexts>(*config), .networks = {"lab"}};
  }

  TestClient& connect() {
    return *clients_.emplace_back(std::make_unique<TestClient>(port_.server().addresses().at(0)));
  }
  TestClient& open(std::string_view path) {
    TestClient& client = connect();
    client.upgrade(path);
    EXPECT_TRUE(run([&] { return client.is_upgraded; })) << client.text;
    return client;
  }
  // What it is answered.
  std::string get(const std::string& target) {
    TestClient& client = connect();
    client.send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(run([&] { return client.is_at_end; }));
    return client.text;
  }

  void turn() {
    context_.run_one_for(std::chrono::milliseconds{1});
    context_.poll();
    while (shard_.seal(now())) {
    }
    for (const auto& frame : shard_.lan().frames().frames()) port_.send(frame.to, frame.bytes, now());
    shard_.lan().frames().clear();
    port_.flush(now());
    for (const auto& client : clients_) client->pump();
  }
  template <typename Claim>
  bool run(Claim claim) {
    return run_until([this] { turn(); }, claim);
  }
  std::int64_t attached() { return shard_.lan().segment(kLab)->counters().stations_attached.value(); }

  boost::asio::io_context context_{1};
  ws::SourceLimits limits_{ws::Limits{}};
  SessionPort port_{context_, 0, port_settings(), limits_, shard_};
  std::vector<std::unique_ptr<TestClient>> clients_;
};

TEST_F(SessionPortTest, FramesOfASessionReachItsNetworkAndTheAnswerComesBack) {
  TestClient& client = open("/");
  client.send_message(text_of(arp_request(kAnna, host(20), kGateway)));

  ASSERT_TRUE(run([&] { return client.messages.size() == 1; }));
  EXPECT_THAT(client.messages.front(), testing::StartsWith(text_of({0x00, 0x22, 0x15, 0x00, 0x00, 0x0a})));
  EXPECT_EQ(attached(), 1);
}

TEST_F(SessionPortTest, StationIsDetachedWithItsSession) {
  TestClient& client = open("/");
  client.send_message(text_of(arp_request(kAnna, host(20), kGateway)));
  ASSERT_TRUE(run([&] { return attached() == 1; }));

  client.reset();
  EXPECT_TRUE(run([&] { return attached() == 0; }));
}

// A reload may take a network away whose route a listener still has.
TEST_F(SessionPortTest, SessionOfANetworkThatIsGoneIsClosedByPolicy) {
  TestClient& client = open("/gone");
  ASSERT_TRUE(run([&] { return client.websocket->state() != ws::WebSocket::State::kOpen; }));

  EXPECT_EQ(client.websocket->ended_with(), 1008);
  client.reset();
  EXPECT_TRUE(run([this] { return port_.server().active_sessions() == 0; }));
}

TEST_F(SessionPortTest, MessagesOfAWireGuardSessionAreDatagramsForTheDevice) {
  TestClient& client = open("/wg");
  client.send_message("no WireGuard");
  client.send_message("nor this");

  EXPECT_TRUE(run([&] { return shard_.device().counters().received_datagrams.value() == 2; }));
}

TEST_F(SessionPortTest, MessageToASessionThatIsGoneIsACountedDrop) {
  const std::vector<std::uint8_t> message(100);
  port_.send(SessionId{0, 99}, message, now());

  EXPECT_EQ(unsent(), 1u);
}

// RFC 8484: through the stack, which knows the names of the network.
TEST_F(SessionPortTest, DnsOverHttpsIsAnsweredByTheStack) {
  const std::string reply = get(std::string{"/dns-query?dns="} + kQuestion);

  EXPECT_THAT(reply, testing::StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(reply, HasSubstr("application/dns-message"));
  EXPECT_THAT(reply, HasSubstr(std::string{'\xc0', '\xa8', '\x56', '\x01'}));
}

TEST_F(SessionPortTest, QuestionThatIsNoneIsRefusedAtOnce) {
  EXPECT_THAT(get("/dns-query?dns=!"), testing::StartsWith("HTTP/1.1 400"));
}

TEST_F(SessionPortTest, OtherServicesAreNotFound) {
  EXPECT_THAT(get("/metrics"), testing::StartsWith("HTTP/1.1 404"));
}

TEST_F(SessionPortTest, DrainSaysGoodbye) {
  TestClient& client = open("/wg");
  port_.drain(now());
  ASSERT_TRUE(run([&] { return client.websocket->state() != ws::WebSocket::State::kOpen; }));

  EXPECT_EQ(client.websocket->ended_with(), 1001);
}

}  // namespace
}  // namespace wgr
