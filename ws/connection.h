// One accepted client from its first plaintext byte to its last: HTTP requests, the gate, the upgrade, the
// WebSocket and its framing, and every deadline of that. No socket and no TLS: those are the session's.
//
//   kTls -> kRequest <-> kHandling            kWebSocket -> kEnding -> kEnded
//               |   (a handler's answer)          ^
//               +---------------------------------+
//
// Requests are served one at a time. Who sends the next before it has its answer is answered and
// disconnected, so that what waits for a handler is bounded by one.
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
#include "ws/config.h"
#include "ws/counters.h"
#include "ws/ethernet/framing.h"
#include "ws/http_gate.h"
#include "ws/http_handler.h"
#include "ws/http_message.h"
#include "ws/session_sink.h"
#include "ws/source_limits.h"
#include "ws/websocket.h"

namespace wgr::ws {

// One version of the configuration, as connections use it.
struct Profile {
  explicit Profile(std::shared_ptr<const Config> from);

  std::shared_ptr<const Config> config;
  WebSocket::Settings ethernet;
  WebSocket::Settings wireguard;
  WebSocket::Settings tunnel;  // WireGuard from a wstunnel client
};

class Connection {
 public:
  // What the connections of a worker share; outlives them.
  struct Shared {
    ChunkPool& pool;
    Rng& rng;
    SourceLimits& limits;
    Counters& counters;
  };

  // Who it is, constant from the start.
  struct Identity {
    SessionId id;
    Arrival arrival;
    std::size_t listener = 0;
    // A trusted one's. SourceLimits has counted it as that, or as half open, before; that ends here.
    bool is_from_proxy = false;
  };

  // What a call brought for the rest of the router.
  struct Out {
    std::vector<MutableBytes> payloads;  // frames or datagrams; valid until end_turn() or the next receive()
    bool is_opened = false;              // a session has begun: tell before the payloads
    bool is_heard = false;               // at most once a second
    std::string refused;                 // why a site may not enter, for the log; empty: none
    std::optional<HttpRequest> request;  // for the handler of service(); answer with respond()
    std::vector<Message> messages;       // as the WebSocket gives them

    void clear();
  };

  Connection(const Identity& identity, std::shared_ptr<const Profile> profile, const Shared& shared,
             Instant now);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void tls_opened(Instant now);
  // Bytes of the client, in any pieces. They are changed where they lie.
  void receive(MutableBytes bytes, Instant now, Out& out);
  // The client sends nothing more.
  void input_ended(Instant now);
  // The socket failed: nobody is there.
  void lost();
  void tls_failed();
  // HTTP without TLS came where TLS is spoken: what is pending from here on goes out without TLS.
  void met_plain_http(Instant now);
  // What receive() brought is done with.
  void end_turn() noexcept;

  // A message of the session; false if it cannot be sent.
  bool send(Bytes message);
  // Ends the session with a Close frame, or HTTP after its answer.
  void close(std::uint16_t code, std::string_view reason, Instant now);
  void drain(Instant now);
  // The handler's answer to request number `number`; a stale one is ignored.
  void respond(std::uint32_t number, const HttpResponse& response, Instant now);
  std::uint32_t request_number() const noexcept { return request_number_; }

  // The bytes to be written next; returns how many of `out` were filled. Valid until the next call.
  std::size_t pending(std::span<Bytes> out) const noexcept;
  void consume(std::size_t size);  // they were taken, or sealed
  bool has_output() const noexcept { return answer_position_ < answer_.size() || queued_bytes() > 0; }
  std::size_t queued_bytes() const noexcept { return websocket_ ? websocket_->queue().bytes() : 0; }
  // After trying to write: whether a byte has left, and whether some wait for room.
  void note_write(bool has_progress, bool is_blocked, Instant now);

  Instant next_deadline() const noexcept;
  void on_deadline(Instant now);

  // A session that nothing has ended, nor begun to.
  bool is_session() const noexcept {
    return is_session_ && state_ == State::kWebSocket && websocket_->state() == WebSocket::State::kOpen;
  }
  bool was_session() const noexcept { return is_session_; }
  // Everything is said: write what is pending, then send an end and wait for theirs.
  bool is_ending() const noexcept { return state_ == State::kEnding; }
  // Nothing more can happen; the socket may go.
  bool is_ended() const noexcept { return state_ == State::kEnded; }
  const SessionInfo& info() const noexcept { return info_; }
  Service service() const noexcept { return info_.service; }
  const Identity& identity() const noexcept { return identity_; }

 private:
  enum class State : std::uint8_t { kTls, kRequest, kHandling, kWebSocket, kEnding, kEnded };
  // What SourceLimits holds it for, beside a session.
  enum class Counted : std::uint8_t { kNothing, kHalfOpen, kKeptAlive, kOfProxy };

  // HTTP
  void receive_request(MutableBytes bytes, Instant now, Out& out);
  void serve(MutableBytes rest, Instant now, Out& out);
  void serve_plain(const Decision& decision, HttpRequest request, Instant now, Out& out);
  HttpResponse response_to(Answer answer, const Decision& decision, const HttpRequest& request) const;
  void answer(const HttpResponse& response, Instant now);
  void fail_request(unsigned status, Instant now);

  // WebSocket
  void upgrade(const Decision& decision, const HttpRequest& request, Instant now, Out& out);
  void receive_messages(MutableBytes bytes, Instant now, Out& out);
  SourceLimits::Verdict begin_session(Instant now);
  void count_refusal(Refusal::Why why);
  void take_message(const Message& message, Instant now, Out& out);
  void take_text(Bytes text);
  void note_websocket(Instant now);
  void count_ending();
  void sync_counters();
  ServiceCounters& service_counters() const;

  void begin_ending(Instant now);
  void end();
  bool may_keep_alive();
  void stop_counting();

  const Identity identity_;
  const Shared shared_;
  std::shared_ptr<const Profile> profile_;
  SessionInfo info_;
  State state_;

  std::unique_ptr<HttpRequestParser> parser_;  // until the upgrade
  std::string answer_;                         // bytes of HTTP to be written
  std::size_t answer_position_ = 0;
  std::uint32_t request_number_ = 0;
  bool keeps_alive_ = false;      // after the answer under way
  bool leaves_body_out_ = false;  // of the answer under way: HEAD
  bool is_draining_ = false;

  std::unique_ptr<WebSocket> websocket_;
  std::unique_ptr<ethernet::QemuStream> qemu_;  // null: one message is one payload
  OutQueue::Tally counted_;                     // of its queue
  std::size_t counted_queue_ = 0;
  std::uint64_t counted_pings_ = 0;
  bool is_session_ = false;  // counted in SourceLimits and told of
  Counted counted_as_;
  Instant heard_told_at_{};

  const Instant accepted_at_;
  Instant state_deadline_ = kNever;
  Instant write_deadline_ = kNever;
};

}  // namespace wgr::ws
