// A server behind TLS: what its clients see of it, and what those that speak no TLS do.
#include <algorithm>

#include "server_world.h"

namespace wgr::ws {
namespace {

using namespace std::chrono_literals;

class TlsServerTest : public ServerTest {
 protected:
  TlsServerTest() {
    files_ = folder_.make();
    config_.listeners[0].tls = files_;
    client_ = TlsContext::for_client(files_.certificate, /*verify=*/true);
  }

  CertificateFolder folder_;
  TlsFiles files_;
  std::shared_ptr<const TlsContext> client_;
};

TEST_F(TlsServerTest, EchoesThroughTls) {
  start();
  TestClient& client = connect_upgraded("/", client_);
  client.send_message("first");
  client.send_message(std::string(60'000, 'x'));
  ASSERT_TRUE(run_until([&] { return client.messages.size() == 2; }));
  EXPECT_EQ(client.messages[1], std::string(60'000, 'x'));
}

// RFC 8446 6.1: close_notify ends one direction.
TEST_F(TlsServerTest, WhoAsksAndEndsItsSideIsAnswered) {
  start();
  const std::string head = "POST /dns-query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000\r\n\r\n";
  for (const bool is_late : {false, true}) {
    TestClient& client = connect(client_);
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(run_until([&] { return client.text.find("</html>") != std::string::npos; }));
    const std::size_t before = client.bytes_received;
    handler.is_late = is_late;
    client.send_last(head + std::string(30'000, 'x'));
    ASSERT_TRUE(run_until([&] { return !is_late || handler.waiting.size() == 1; }));
    if (is_late) server->respond(handler.waiting[0].first, handler.waiting[0].second, Clock::now());
    ASSERT_TRUE(run_until([&] { return client.is_at_end; }));
    EXPECT_GT(client.bytes_received - before, 30'000u);
  }
}

TEST_F(TlsServerTest, ThePageSaysThatTheCertificateWasAccepted) {
  start();
  TestClient& client = connect(client_);
  client.send("GET /wg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return client.is_at_end; }));
  EXPECT_TRUE(client.text.starts_with("HTTP/1.1 426")) << client.text;
  EXPECT_NE(client.text.find("accepts the certificate"), std::string::npos);
}

TEST_F(TlsServerTest, PlainHttpOnATlsPortIsAnsweredInPlainHttp) {
  start();
  TestClient& client = connect();
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return client.is_at_end; }));
  EXPECT_TRUE(client.text.starts_with("HTTP/1.1 400 ")) << client.text;
  EXPECT_TRUE(client.text.ends_with("this port speaks TLS: use https:// (a WebSocket: wss://)\n"));
  EXPECT_EQ(server->counters().refused_plain_http.value(), 1u);
  EXPECT_EQ(server->counters().refused_tls.value(), 0u);
}

TEST_F(TlsServerTest, NoiseOnATlsPortIsAnsweredWithAnAlertOnly) {
  start();
  TestClient& client = connect();
  client.send("SSH-2.0-OpenSSH_9.2\r\n");
  ASSERT_TRUE(run_until([&] { return client.is_at_end; }));
  EXPECT_EQ(client.text.find("HTTP"), std::string::npos);
  EXPECT_EQ(server->counters().refused_tls.value(), 1u);
}

TEST_F(TlsServerTest, AClientThatNeverSpeaksTlsIsDisconnected) {
  config_.limits.tls_timeout = 50ms;
  start();
  TestClient& client = connect();
  ASSERT_TRUE(run_until([&] { return client.is_at_end; }));
  EXPECT_EQ(server->counters().refused_tls.value(), 1u);
}

TEST_F(TlsServerTest, ReloadTakesANewCertificateAndKeepsSessions) {
  start();
  TestClient& before = connect_upgraded("/", client_);
  const TlsFiles renewed = folder_.make();
  Config changed = config_;
  changed.listeners[0].tls = renewed;
  const auto shared = std::make_shared<const Config>(changed);
  server->reload(shared, std::make_shared<const TlsContexts>(changed));

  TestClient& after = connect_upgraded("/", TlsContext::for_client(renewed.certificate, /*verify=*/true));
  after.send_message("new");
  before.send_message("old");
  ASSERT_TRUE(run_until([&] { return before.messages.size() == 1 && after.messages.size() == 1; }));
}

TEST_F(TlsServerTest, AStalledReaderBehindTlsIsBoundedToo) {
  config_.limits.write_timeout = 200ms;
  config_.limits.queue_bytes = 64 * 1024;
  start();
  TestClient& client = connect_upgraded("/", client_);
  const SessionId id = sink.sessions.begin()->first;
  client.stop_reading();
  const std::vector<std::uint8_t> frame(60'000);
  std::size_t most = 0;
  ASSERT_TRUE(run_until([&] {
    for (int i = 0; i < 10; ++i) server->send(id, frame, Clock::now());
    most = std::max(most, server->queued_bytes(id));
    return sink.closed == 1;
  }));
  EXPECT_LE(most, 3 * config_.limits.queue_bytes);
}

}  // namespace
}  // namespace wgr::ws
