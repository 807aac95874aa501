// One WebSocket to the router or to the limit for load: a TCP socket from a loopback address of choice, and
// what the dialer uses above it (ws/client_stream).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/io/descriptor.h"
#include "tests/bench/scenario.h"
#include "ws/client_stream.h"

namespace wgr::bench {

// A blocking connection to a port of 127.0.0.1; ends the program if there is none.
io::Descriptor connect_from(const IpAddress& source, std::uint16_t port);

// Of a client that trusts whoever is there; null for plain.
std::shared_ptr<const ws::TlsContext> client_context(Security security);

// What the clients of a generator use in turn. Its queue is never what drops: the flows bound what is sent.
struct ClientMemory {
  static constexpr std::size_t kReadBytes = 128 * 1024;

  ClientMemory();

  ws::ChunkPool pool;
  Rng rng;
  ws::WebSocket::Settings settings;
  std::vector<std::uint8_t> read = std::vector<std::uint8_t>(kReadBytes);
  std::vector<std::uint8_t> plain;  // of TLS
  std::vector<ws::Message> messages;
};

class WebSocketClient {
 public:
  struct Options {
    IpAddress source = IpAddress::v4(127, 0, 0, 1);
    std::uint16_t port = 0;
    std::string path = "/";
    std::shared_ptr<const ws::TlsContext> tls;
  };

  // Connects and asks for the upgrade. `memory` outlives this object.
  WebSocketClient(const Options& options, ClientMemory& memory);

  // One read; messages stay in place until end_read().
  std::span<const ws::Message> read(Instant now);
  void end_read() noexcept;
  void send(Bytes message) { stream_.send(message); }
  void close(Instant now) { stream_.close(ws::close_code::kNormal, {}, now); }
  // Writes what the socket takes.
  void write();

  int descriptor() const noexcept { return socket_.get(); }
  bool is_open() const noexcept { return stream_.state() == ws::ClientStream::State::kOpen; }
  bool is_blocked() const noexcept { return is_blocked_; }
  // The other side has ended the connection.
  bool has_ended() const noexcept { return has_ended_; }
  const std::string& failure() const noexcept { return stream_.failure(); }
  std::uint64_t reads() const noexcept { return reads_; }
  std::uint64_t writes() const noexcept { return writes_; }

 private:
  ClientMemory& memory_;
  io::Descriptor socket_;
  ws::ClientStream stream_;
  bool is_blocked_ = false;
  bool has_ended_ = false;
  std::uint64_t reads_ = 0;
  std::uint64_t writes_ = 0;
};

}  // namespace wgr::bench
