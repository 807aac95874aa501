// Dials into a simulated internet with a server of WebSockets in it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/sim_sockets.h"
#include "tests/ws/certificates.h"
#include "tests/ws/frames.h"
#include "ws/wireguard/dialer.h"

namespace wgr::ws::wireguard {

using namespace std::chrono_literals;

// A server of WebSockets in the simulated internet: echoes messages.
class EchoServer {
 public:
  EchoServer(sim::Internet& internet, const SocketAddress& address,
             std::shared_ptr<const TlsContext> tls = nullptr, std::size_t send_buffer = 256 * 1024)
      : internet_(internet), tls_(std::move(tls)) {
    sim::TcpServer& server = internet.listen(address);
    server.send_buffer = send_buffer;
    server.on_accept = [this](sim::RemoteStream& accepted) { accept(accepted); };
  }

  bool is_proxy = false;  // expects CONNECT first
  bool is_forbidding = false;
  bool is_mute = false;  // accepts and says nothing
  std::string proxy_request;
  HttpRequest request;  // the last upgrade
  std::vector<std::string> messages;
  sim::RemoteStream* stream = nullptr;  // of the last client

 private:
  struct Client {
    std::string proxy_head;
    bool is_behind_proxy = false;
    std::unique_ptr<TlsChannel> tls;
    HttpRequestParser parser{8192, 0};
    std::optional<WebSocket> socket;
  };

  void accept(sim::RemoteStream& accepted) {
    stream = &accepted;
    auto client = std::make_shared<Client>();
    client->is_behind_proxy = is_proxy;
    if (tls_) client->tls = TlsChannel::accept(tls_);
    accepted.on_data = [this, client](sim::RemoteStream& from, Bytes bytes) {
      receive(*client, from, bytes);
    };
  }

  void receive(Client& client, sim::RemoteStream& from, Bytes bytes) {
    if (is_mute) return;
    if (client.is_behind_proxy) {
      client.proxy_head += text_of(bytes);
      if (client.proxy_head.find("\r\n\r\n") == std::string::npos) return;
      proxy_request = client.proxy_head;
      client.is_behind_proxy = false;
      from.send(is_forbidding ? "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
                              : "HTTP/1.1 200 OK\r\n\r\n");
      return;
    }
    if (!client.tls) return receive_plain(client, from, bytes);
    std::vector<std::uint8_t> plain;
    std::vector<std::uint8_t> out;
    client.tls->receive(bytes, plain, out);
    if (!out.empty()) from.send(Bytes{out});
    if (!plain.empty()) receive_plain(client, from, plain);
  }

  void receive_plain(Client& client, sim::RemoteStream& from, Bytes bytes) {
    std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
    MutableBytes rest = input;
    if (!client.socket) {
      rest = rest.subspan(client.parser.receive(rest));
      ASSERT_NE(client.parser.state(), HttpRequestParser::State::kFailed);
      if (client.parser.state() != HttpRequestParser::State::kComplete) return;
      request = client.parser.take();
      ASSERT_EQ(check_upgrade(request), UpgradeFault::kNone);
      if (is_forbidding) return send(client, from, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      send(client, from, upgrade_response(request, ""));
      client.socket.emplace(Role::kServer, settings_, pool_, rng_, internet_.now());
    }
    std::vector<Message> received;
    client.socket->receive(rest, internet_.now(), received);
    for (const Message& message : received) {
      messages.push_back(text_of(message.bytes));
      client.socket->send(message.kind, message.bytes);
    }
    send(client, from, take_written(client.socket->queue()));
  }

  static void send(Client& client, sim::RemoteStream& to, std::string_view text) {
    if (text.empty()) return;
    if (!client.tls) return to.send(text);
    std::vector<std::uint8_t> out;
    client.tls->send(bytes_of(text), out);
    to.send(Bytes{out});
  }

  sim::Internet& internet_;
  const std::shared_ptr<const TlsContext> tls_;
  WebSocket::Settings settings_;
  ChunkPool pool_;
  Rng rng_{2};
};

class Sink : public SessionSink {
 public:
  void session_opened(const SessionInfo& session, Instant) override { opened.push_back(session); }
  void frames_received(const SessionInfo&, std::span<const MutableBytes>, Instant) override { FAIL(); }
  void datagrams_received(const SessionInfo& session, std::span<const MutableBytes> received,
                          Instant) override {
    EXPECT_EQ(session.service, Service::kWireGuard);
    for (const MutableBytes datagram : received) datagrams.push_back(text_of(datagram));
    if (on_datagrams) on_datagrams(session.id, received);
  }
  void session_heard(SessionId, Instant) override { ++heard; }
  void session_closed(SessionId session, Instant) override { closed.push_back(session); }

  std::vector<SessionInfo> opened;
  std::vector<std::string> datagrams;
  std::vector<SessionId> closed;
  int heard = 0;
  std::function<void(SessionId, std::span<const MutableBytes>)> on_datagrams;
};

class DialerTest : public testing::Test {
 protected:
  Dialer& dialer() {
    if (!dialer_) dialer_.emplace(3, settings_, sockets_, sink_, counters_, rng_);
    return *dialer_;
  }
  SessionId dial(std::string_view url) {
    const SessionId session = dialer().dial(*parse_dial_url(url), now_);
    settle();
    return session;
  }
  // Everything that happens without time passing.
  void settle() {
    for (int i = 0; i < 50; ++i) {
      if (dialer().next_deadline() <= now_) dialer().on_deadline(now_);
      for (const Dialer::Lookup& lookup : dialer().take_lookups()) {
        dialer().resolved(lookup.session, names_[lookup.name], "unknown name", now_);
      }
      internet_.run_until(now_);
      for (const auto& [token, ready] : sockets_.take_ready()) dialer().socket_ready(token, ready, now_);
      dialer().flush(now_);
    }
  }
  void advance(Duration by) {
    const Instant until = now_ + by;
    while (now_ < until) {
      now_ = std::min(until, now_ + 500ms);
      settle();
    }
  }
  void send(SessionId session, std::string_view text) {
    EXPECT_TRUE(dialer().send(session, bytes_of(text), now_));
    dialer().flush(now_);
    settle();
  }

  Instant now_{1h};
  sim::Internet internet_;
  sim::SimSockets sockets_{internet_};
  Sink sink_;
  DialCounters counters_;
  Rng rng_{1};
  Dialer::Settings settings_;
  std::map<std::string, std::vector<IpAddress>> names_;
  std::optional<Dialer> dialer_;
  const IpAddress ip_ = IpAddress::v4(198, 51, 100, 7);
};

}  // namespace wgr::ws::wireguard
