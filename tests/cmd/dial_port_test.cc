#include "cmd/dial_port.h"

#include "tests/cmd/shard_fixture.h"
#include "ws/server.h"
#include "ws/source_limits.h"

namespace wgr {
namespace {

using ws::wireguard::DialUrl;

// The far end: sends every message back.
class Echo final : public ws::SessionSink, public ws::HttpHandler {
 public:
  void session_opened(const ws::SessionInfo&, Instant) override { ++opened; }
  void datagrams_received(const ws::SessionInfo& session, std::span<const MutableBytes> datagrams,
                          Instant now) override {
    for (const MutableBytes datagram : datagrams) {
      received.emplace_back(datagram.begin(), datagram.end());
      server->send(session.id, datagram, now);
    }
  }
  void session_closed(SessionId, Instant) override { ++closed; }
  void request_received(ws::RequestId, ws::Service, const SocketAddress&, const ws::HttpRequest&,
                        Instant) override {}

  int opened = 0;
  int closed = 0;
  std::vector<std::string> received;
  ws::Server* server = nullptr;
};

class DialPortTest : public ShardTest {
 protected:
  DialPortTest() {
    echo_.server = &server_;
    server_.start();
  }

  static std::shared_ptr<const ws::Config> server_config() {
    ws::ListenerConfig listener;
    listener.addresses = {IpAddress::v4(127, 0, 0, 1)};
    listener.routes = {{"/wg", ws::Service::kWireGuard, ""}, {"/other", ws::Service::kWireGuard, ""}};
    auto config = std::make_shared<ws::Config>();
    config->listeners = {listener};
    return config;
  }
  DialUrl url(const std::string& path = "/wg") const {
    return *ws::wireguard::parse_dial_url("ws://" + server_.addresses().at(0).to_string() + path);
  }
  void dial(const DialPort::Dials& dials) { port_.set_dials(dials, {}, now()); }
  SessionId session() const { return SessionId::from_value(endpoint_of_peer().session); }
  void send(const std::string& text) {
    port_.send(session(), {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now());
  }

  void turn() {
    context_.run_one_for(std::chrono::milliseconds{1});
    context_.poll();
    port_.on_deadline(now());
    port_.flush(now());
    server_.flush(now());
  }
  template <typename Claim>
  bool run(Claim claim) {
    return run_until([this] { turn(); }, claim);
  }
  bool connect(const DialPort::Dials& dials) {
    dial(dials);
    return run([this] { return port_.counters().open.value() == 1; });
  }

  boost::asio::io_context context_{1};
  Echo echo_;
  std::shared_ptr<const ws::Config> config_ = server_config();
  ws::SourceLimits limits_{ws::Limits{}};
  ws::Server server_{context_, 1,     config_, std::make_shared<const ws::TlsContexts>(*config_),
                     limits_,  echo_, echo_};
  DialPort port_{context_, 0, shard_};
};

TEST_F(DialPortTest, WithoutDialsThereIsNothingToDo) {
  dial({});

  EXPECT_EQ(port_.next_deadline(), kNever);
  port_.send(SessionId{0, ws::wireguard::kFirstDialSerial}, {}, now());
  EXPECT_EQ(unsent(), 1u);
}

TEST_F(DialPortTest, DialStandsAsItsPeersEndpointBeforeItIsConnected) {
  dial({{kPeer, url()}});

  EXPECT_EQ(endpoint_of_peer().kind, Endpoint::Kind::kSession);
  EXPECT_TRUE(ws::wireguard::is_dialed(session()));
  EXPECT_EQ(port_.counters().open.value(), 0);
  EXPECT_LE(port_.next_deadline(), now());
}

TEST_F(DialPortTest, DatagramsCrossBothWays) {
  ASSERT_TRUE(connect({{kPeer, url()}}));
  send("a datagram");

  ASSERT_TRUE(run([this] { return shard_.device().counters().received_datagrams.value() == 1; }));
  EXPECT_EQ(echo_.received, std::vector<std::string>{"a datagram"});
  EXPECT_EQ(unsent(), 0u);
}

TEST_F(DialPortTest, DialThatStaysTheSameStaysConnected) {
  ASSERT_TRUE(connect({{kPeer, url()}}));
  const SessionId before = session();
  dial({{kPeer, url()}});
  send("still here");

  ASSERT_TRUE(run([this] { return echo_.received.size() == 1; }));
  EXPECT_EQ(session(), before);
  EXPECT_EQ(echo_.opened, 1);
  EXPECT_EQ(echo_.closed, 0);
}

TEST_F(DialPortTest, NewLimitsHoldForWhatIsConnected) {
  ASSERT_TRUE(connect({{kPeer, url()}}));
  ws::wireguard::Dialer::Settings settings;
  settings.limits.wireguard_message_bytes = 100;
  port_.set_dials({{kPeer, url()}}, settings, now());
  send(std::string(101, 'x'));  // comes back

  EXPECT_TRUE(run([this] { return echo_.closed == 1; }));
}

TEST_F(DialPortTest, ChangedUrlIsDialedAnewUnderAnotherSession) {
  ASSERT_TRUE(connect({{kPeer, url()}}));
  const SessionId before = session();
  dial({{kPeer, url("/other")}});

  ASSERT_TRUE(
      run([this] { return echo_.opened == 2 && echo_.closed == 1 && port_.counters().open.value() == 1; }));
  EXPECT_NE(session(), before);
}

// The peer was heard over UDP, and then no more: the connection that still stands is what reaches it.
TEST_F(DialPortTest, DialIsTheEndpointAgainWhenTheOtherWayIsNoLongerInUse) {
  ASSERT_TRUE(connect({{kPeer, url()}}));
  const Endpoint dialed = endpoint_of_peer();
  const Endpoint heard = Endpoint::udp(*SocketAddress::parse("192.0.2.1:51820"));
  shard_.device().set_endpoint(kPeer, heard, wireguard::EndpointOrigin::kOperator, now());
  ASSERT_EQ(endpoint_of_peer(), heard);

  port_.restore_endpoints(now());
  EXPECT_EQ(endpoint_of_peer(), dialed);
}

TEST_F(DialPortTest, DialThatIsTakenAwayHangsUp) {
  ASSERT_TRUE(connect({{kPeer, url()}}));
  dial({});
  ASSERT_TRUE(run([this] { return echo_.closed == 1; }));
  send("to nobody");

  EXPECT_EQ(port_.counters().open.value(), 0);
  EXPECT_EQ(port_.next_deadline(), kNever);
  EXPECT_EQ(unsent(), 1u);
}

}  // namespace
}  // namespace wgr
