// Connections that a trusted proxy brings: of the proxy until they are sessions, then of the client it names.
#include <string>

#include "gtest/gtest.h"

#include "server_world.h"

namespace wgr::ws {
namespace {

class ProxyConnectionsTest : public ServerTest {
 protected:
  ProxyConnectionsTest() {
    config_.trusted_proxies = {Prefix::parse("127.0.0.0/8").value()};
    config_.limits.connections_per_proxy = 2;
    config_.limits.half_open_per_source = 1;
    config_.limits.sessions_per_source = 1;
  }

  std::size_t of_proxy() const { return limits.connections_of_proxy(proxy_); }
  bool settles_at(std::size_t connections) {
    return run_until([&] { return of_proxy() == connections; });
  }
  TestClient& connect_for(const std::string& client) {
    TestClient& connected = connect();
    connected.upgrade("/", "Origin: http://localhost\r\nX-Forwarded-For: " + client + "\r\n");
    EXPECT_TRUE(run_until([&] { return connected.is_upgraded || connected.is_at_end; }));
    return connected;
  }

  const IpAddress proxy_ = IpAddress::v4(127, 0, 0, 1);
};

TEST_F(ProxyConnectionsTest, TheyAreBoundedForTheProxyAndTheRefusalIsCounted) {
  start();
  connect();
  connect();
  ASSERT_TRUE(settles_at(2));
  TestClient& third = connect();
  EXPECT_TRUE(run_until([&] { return third.is_at_end; }));
  EXPECT_EQ(server->counters().refused_proxy.value(), 1u);
  EXPECT_EQ(server->counters().refused_half_open.value(), 0u);
  EXPECT_EQ(limits.half_open(), 0u);

  clients.clear();
  EXPECT_TRUE(settles_at(0));
  EXPECT_EQ(server->counters().connections.value(), 0);
}

TEST_F(ProxyConnectionsTest, ASessionIsItsClientsAndLeavesThePlaceToTheNext) {
  start();
  for (const char* const client : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}) {
    EXPECT_TRUE(connect_for(client).is_upgraded) << client;
  }
  EXPECT_EQ(of_proxy(), 0u);
  EXPECT_EQ(limits.sessions(), 4u);
  EXPECT_EQ(limits.sessions_of(IpAddress::v4(192, 0, 2, 3)), 1u);

  TestClient& again = connect_for("192.0.2.3");
  EXPECT_TRUE(run_until([&] { return again.is_at_end; }));
  EXPECT_EQ(server->counters().refused_sessions.value(), 1u);
  EXPECT_TRUE(settles_at(0));
}

TEST_F(ProxyConnectionsTest, OneThatIsKeptAliveStaysTheProxys) {
  start();
  TestClient& client = connect();
  for (int i = 1; i <= 3; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(run_until([&] { return server->counters().requests.value() == static_cast<unsigned>(i); }));
    EXPECT_EQ(of_proxy(), 1u);
  }
  EXPECT_EQ(limits.kept_alive(), 0u);
  clients.clear();
  EXPECT_TRUE(settles_at(0));
}

}  // namespace
}  // namespace wgr::ws
