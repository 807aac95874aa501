// A whole router on the loopback, in a thread of its own and with the process's signals, and what a client
// and an operator see of it.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "boost/asio/io_context.hpp"

#include "cmd/router.h"
#include "tests/cmd/config_fixture.h"
#include "tests/core/egress/loopback.h"
#include "tests/ws/test_client.h"

namespace wgr {

class RunningRouterTest : public ConfigTest {
 protected:
  // Free when they were looked for; two routers of one machine can still meet.
  struct Ports {
    std::uint16_t plain = free_port();
    std::uint16_t tls = free_port();
    std::uint16_t metrics = free_port();
  };

  ~RunningRouterTest() override { stop(); }

  static std::uint16_t free_port() { return egress::TestSocket{Family::kV4, SOCK_STREAM}.address().port; }

  // The configuration of the first start: `text` says it for these ports.
  void start(const std::function<std::string(const Ports&)>& text) {
    for (int attempt = 0; router_ == nullptr && attempt < 5; ++attempt) {
      ports_ = Ports{};
      write_config(text(ports_));
      try {
        router_ = std::make_unique<Router>(ConfigSource{places_}.load(), ConfigSource{places_});
      } catch (const std::system_error& error) {
        if (error.code() != std::errc::address_in_use) throw;
      }
    }
    ASSERT_NE(router_, nullptr) << "no port is free";
    thread_ = std::thread{[this] { exit_code_ = router_->run(); }};
  }
  void write_config(const std::string& text) { yaml(text); }

  // `text` with each @NAME@ as `values` say.
  static std::string filled(std::string text, const std::map<std::string, std::string>& values) {
    for (const auto& [name, value] : values) {
      const std::string mark = "@" + name + "@";
      for (std::size_t at; (at = text.find(mark)) != std::string::npos;) text.replace(at, mark.size(), value);
    }
    return text;
  }

  static void signal(int number) { ::kill(::getpid(), number); }
  int stop() {
    if (thread_.joinable()) {
      signal(SIGTERM);
      thread_.join();
    }
    clients_.clear();
    router_.reset();
    return exit_code_;
  }

  ws::TestClient& connect(std::uint16_t port, std::shared_ptr<const ws::TlsContext> tls = nullptr) {
    return *clients_.emplace_back(std::make_unique<ws::TestClient>(
        SocketAddress{egress::loopback_of(Family::kV4), port}, std::move(tls)));
  }

  // Whether the client's station is served: text is answered as JSLinux expects it.
  bool is_served(ws::TestClient& client) {
    if (client.is_at_end || !client.websocket) return false;
    client.messages.clear();
    client.send_message("ping:", ws::MessageKind::kText);
    return run_until([&] { return !client.messages.empty() || has_ended(client); }) && !has_ended(client);
  }
  // Whether a new client with this token becomes a session. TLS: only if the certificate is that authority's.
  bool may_enter(std::string_view token, std::uint16_t port,
                 std::shared_ptr<const ws::TlsContext> tls = nullptr) {
    ws::TestClient& client = connect(port, std::move(tls));
    client.upgrade("/?token=" + std::string{token});
    return run_until([&] { return client.is_upgraded || client.is_at_end; }) && is_served(client);
  }

  // Bounds every wait; reached only when something is broken.
  static constexpr std::chrono::seconds kMostPatience{20};
  bool run_until(const std::function<bool()>& claim) {
    const Instant deadline = Clock::now() + kMostPatience;
    while (!claim()) {
      if (Clock::now() > deadline) return false;
      for (const auto& client : clients_) client->pump();
      std::this_thread::yield();
    }
    return true;
  }

  // What a scrape says behind `name` and a blank; empty: no such line.
  std::string metric(const std::string& name) {
    const std::string text = scrape();
    const std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find_first_of("\r\n", begin) - begin);
  }
  std::string scrape() {
    const egress::TestSocket socket{Family::kV4, SOCK_STREAM};
    sockaddr_storage name{};
    const socklen_t length = io::to_sockaddr({egress::loopback_of(Family::kV4), ports_.metrics}, name);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), length) != 0) return {};
    constexpr std::string_view kRequest =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    ::send(socket.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
    std::string text;
    std::array<char, 65536> piece;
    for (ssize_t size; (size = ::recv(socket.get(), piece.data(), piece.size(), 0)) > 0;) {
      text.append(piece.data(), static_cast<std::size_t>(size));
    }
    return text;
  }

  Ports ports_;

 private:
  static bool has_ended(const ws::TestClient& client) {
    return client.is_at_end || !client.websocket || client.websocket->state() != ws::WebSocket::State::kOpen;
  }

  std::unique_ptr<Router> router_;
  std::thread thread_;
  int exit_code_ = -1;
  std::vector<std::unique_ptr<ws::TestClient>> clients_;
};

}  // namespace wgr
