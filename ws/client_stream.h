// One outgoing WebSocket over a TCP connection that somebody else has opened, without IO:
//
//   [CONNECT through a proxy] -> [TLS] -> upgrade -> WebSocket
//
// Bytes of the network come in, messages come out; messages go in, bytes for the network come out.
//
// Thread: confined to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/rng.h"
#include "core/time.h"
#include "ws/handshake.h"
#include "ws/http_message.h"
#include "ws/tls.h"
#include "ws/websocket.h"

namespace wgr::ws {

class ClientStream {
 public:
  struct Target {
    std::string host;       // named by the server's certificate
    std::string authority;  // of the Host header
    std::string path;       // and query
    // host:port for the proxy to connect to; empty: there is no proxy.
    std::string behind_proxy;
    std::string proxy_authorization;  // secret; empty: none
  };

  enum class State : std::uint8_t { kProxy, kTls, kUpgrade, kOpen, kClosed };

  // `tls`: null for plain. Settings, pool and rng outlive this object. The first bytes are pending at once.
  ClientStream(const Target& target, std::shared_ptr<const TlsContext> tls,
               const WebSocket::Settings& settings, ChunkPool& pool, Rng& rng);

  // Appends messages, which point into `bytes`, into `plain` (scratch of the caller, for TLS) or into memory
  // of this object: valid until end_turn().
  void receive(MutableBytes bytes, std::vector<std::uint8_t>& plain, Instant now, std::vector<Message>& out);
  void end_turn() noexcept;
  // The other side sends no more.
  void input_ended();

  // Queues a binary message; false unless open.
  bool send(Bytes message);
  void close(std::uint16_t code, std::string_view reason, Instant now);

  // What is to be written, in order; stays in place until the next call of anything else.
  std::size_t pending(std::span<Bytes> out);
  void consume(std::size_t size);
  // Of messages, in the queue that drops its oldest.
  std::size_t queued_bytes() const noexcept { return websocket_ ? websocket_->queue().bytes() : 0; }

  State state() const noexcept { return state_; }
  // Why it is kClosed: one clause for the operator, never a secret.
  const std::string& failure() const noexcept { return failure_; }
  const OutQueue::Tally* tally() const noexcept {
    return websocket_ ? &websocket_->queue().tally() : nullptr;
  }

  Instant next_deadline() const noexcept { return websocket_ ? websocket_->next_deadline() : kNever; }
  void on_deadline(Instant now);

 private:
  void ask_proxy();
  void begin_tls();
  void begin_upgrade();
  void append(std::string_view text);
  MutableBytes take_answer(MutableBytes bytes);
  void proxy_answered();
  void upgrade_answered(Instant now);
  void receive_plain(MutableBytes bytes, Instant now, std::vector<Message>& out);
  void receive_sealed(MutableBytes bytes, std::vector<std::uint8_t>& plain, Instant now,
                      std::vector<Message>& out);
  void follow_websocket();
  void seal();
  void fail(std::string why);

  const Target target_;
  const WebSocket::Settings& settings_;
  ChunkPool& pool_;
  Rng& rng_;
  const std::shared_ptr<const TlsContext> tls_context_;

  State state_ = State::kProxy;
  std::string failure_;
  std::optional<HttpAnswerParser> parser_;  // kProxy, kUpgrade
  UpgradeRequest upgrade_;
  std::unique_ptr<TlsChannel> tls_;     // from kTls on, unless plain
  std::optional<WebSocket> websocket_;  // kOpen and after
  std::vector<std::uint8_t> out_;       // requests, TLS records
  std::size_t out_position_ = 0;
  std::vector<std::uint8_t> gathered_;  // for a record
};

}  // namespace wgr::ws
