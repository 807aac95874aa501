// A server on the loopback with a sink that echoes, in the thread of the test.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "gtest/gtest.h"

#include "certificates.h"
#include "core/io/sockaddr.h"
#include "test_client.h"
#include "ws/server.h"
#include "ws/source_limits.h"
#include "ws/tls.h"

namespace wgr::ws {

// Notes what it is told and sends every payload back.
class EchoSink : public SessionSink {
 public:
  void session_opened(const SessionInfo& session, Instant) override { sessions[session.id] = session; }
  void frames_received(const SessionInfo& session, std::span<const MutableBytes> frames,
                       Instant now) override {
    echo(session, frames, now);
  }
  void datagrams_received(const SessionInfo& session, std::span<const MutableBytes> datagrams,
                          Instant now) override {
    echo(session, datagrams, now);
  }
  void session_heard(SessionId, Instant) override { ++heard; }
  void session_closed(SessionId session, Instant) override {
    EXPECT_EQ(sessions.erase(session), 1u);
    ++closed;
  }

  std::map<SessionId, SessionInfo> sessions;
  std::size_t batches = 0;
  std::size_t payloads = 0;
  std::size_t heard = 0;
  std::size_t closed = 0;
  bool is_echoing = true;
  Server* server = nullptr;

 private:
  void echo(const SessionInfo& session, std::span<const MutableBytes> received, Instant now) {
    EXPECT_TRUE(sessions.contains(session.id));
    ++batches;
    payloads += received.size();
    for (const MutableBytes payload : received) {
      if (is_echoing) server->send(session.id, payload, now);
    }
  }
};

// Answers every request with its method, path and body, at once or when the test does.
class EchoHandler : public HttpHandler {
 public:
  void request_received(RequestId id, Service, const SocketAddress&, const HttpRequest& request,
                        Instant now) override {
    HttpResponse response;
    response.body = request.method + " " + request.path + " " + request.body;
    if (is_late) {
      waiting.emplace_back(id, response);
    } else {
      server->respond(id, response, now);
    }
  }

  bool is_late = false;
  std::vector<std::pair<RequestId, HttpResponse>> waiting;
  Server* server = nullptr;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    ListenerConfig listener;
    listener.addresses = {IpAddress::v4(127, 0, 0, 1)};
    listener.routes = {{"/", Service::kEthernet, "lan"},
                       {"/wg", Service::kWireGuard, ""},
                       {"/dns-query", Service::kDns, ""}};
    config_.listeners = {listener};
  }

  void start() {
    config = std::make_shared<const Config>(config_);
    limits.set_limits(config->limits);
    server = std::make_unique<Server>(context, WorkerIndex{0}, config,
                                      std::make_shared<const TlsContexts>(*config), limits, sink, handler);
    sink.server = handler.server = server.get();
    server->start();
  }
  SocketAddress address(std::size_t listener = 0) const { return server->addresses().at(listener); }

  TestClient& connect(std::shared_ptr<const TlsContext> tls = nullptr) {
    return *clients.emplace_back(std::make_unique<TestClient>(address(), std::move(tls)));
  }
  TestClient& connect_upgraded(std::string_view path = "/", std::shared_ptr<const TlsContext> tls = nullptr) {
    TestClient& client = connect(std::move(tls));
    client.upgrade(path);
    EXPECT_TRUE(run_until([&] { return client.is_upgraded; })) << client.text;
    return client;
  }

  void turn() {
    context.run_one_for(std::chrono::milliseconds{1});
    context.poll();
    server->flush(Clock::now());
    for (const auto& client : clients) client->pump();
  }
  // Bounds every wait; reached only when something is broken.
  static constexpr std::chrono::seconds kPatience{10};
  bool run_until(const std::function<bool()>& claim) {
    const Instant deadline = Clock::now() + kPatience;
    while (!claim()) {
      if (Clock::now() > deadline) return false;
      turn();
    }
    return true;
  }

  Config config_;  // until start()
  boost::asio::io_context context{1};
  EchoSink sink;
  EchoHandler handler;
  std::shared_ptr<const Config> config;
  SourceLimits limits{Limits{}};
  std::unique_ptr<Server> server;
  std::vector<std::unique_ptr<TestClient>> clients;
};

}  // namespace wgr::ws
