// A client of the server on the loopback, driven by the test: a non-blocking socket, TLS if wished, HTTP as
// text, and a WebSocket of our own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/io/descriptor.h"
#include "core/rng.h"
#include "ws/tls.h"
#include "ws/websocket.h"

namespace wgr::ws {

class TestClient {
  ChunkPool pool_;  // outlives the WebSocket that takes from it

 public:
  explicit TestClient(const SocketAddress& server, std::shared_ptr<const TlsContext> tls = nullptr,
                      const SocketAddress& from = {});

  void send(std::string_view text);
  // The same and close_notify in one flight; what comes then is counted only. REQUIRES: TLS is open.
  void send_last(std::string_view text);
  // Asks for an upgrade of `path`; `headers` are whole lines.
  void upgrade(std::string_view path, std::string_view headers = "");
  void send_message(std::string_view text, MessageKind kind = MessageKind::kBinary);
  void close_websocket(std::uint16_t code);

  // Moves what can be moved now.
  void pump();
  void stop_reading() { is_reading_ = false; }
  void reset();  // closes with RST
  void shut_down();
  // The connection stays; nobody speaks on this end.
  io::Descriptor release_socket() { return std::move(socket_); }

  std::string text;                   // of HTTP, as it came
  std::size_t bytes_received = 0;     // of the socket
  std::vector<std::string> messages;  // after the upgrade
  bool is_upgraded = false;
  bool is_at_end = false;  // the server has closed, or reset
  std::optional<WebSocket> websocket;

 private:
  void receive(MutableBytes bytes);
  void send_bytes(Bytes bytes);
  bool has_opened() const { return tls_ == nullptr || tls_->state() == TlsChannel::State::kOpen; }

  Rng rng_{/*seed=*/1};
  WebSocket::Settings settings_;
  io::Descriptor socket_;
  std::unique_ptr<TlsChannel> tls_;
  std::vector<std::uint8_t> unsent_;  // on the wire
  std::string waiting_;               // for TLS to open
  bool is_reading_ = true;
};

}  // namespace wgr::ws
