// One endpoint of a WebSocket after the upgrade (RFC 6455 sections 5 to 7), for both roles, without a
// socket: bytes in, messages out; messages in, bytes of queue() out.
//
// Input is unmasked in place and messages are views into it. Only what the end of the input cuts, and
// fragmented messages, are gathered in memory of their own, which end_turn() gives back: an idle session
// costs next to nothing. Nothing is negotiated: no extension, so RSV bits are errors.
//
// Every way to end runs through one Close frame at most: after it nothing is sent, and nothing received is
// delivered. Half a message of text is already checked as UTF-8 and refused at its first bad byte.
//
// Thread: confined to one worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/rng.h"
#include "core/time.h"
#include "ws/out_queue.h"
#include "ws/utf8.h"

namespace wgr::ws {

inline constexpr std::size_t kMaxControlPayload = 125;  // RFC 6455 5.5

// RFC 6455 7.4.1
namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kUnsupported = 1003;
inline constexpr std::uint16_t kNone = 1005;  // never sent: a Close frame without a code
inline constexpr std::uint16_t kInvalidText = 1007;
inline constexpr std::uint16_t kPolicy = 1008;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kTryAgainLater = 1013;
inline constexpr std::uint16_t kRefused = 4003;  // ours: the gate said no after the upgrade
}  // namespace close_code

enum class Role : std::uint8_t { kServer, kClient };
enum class MessageKind : std::uint8_t { kBinary, kText };

struct Message {
  MessageKind kind = MessageKind::kBinary;
  MutableBytes bytes;
};

class WebSocket {
 public:
  struct Settings {
    std::size_t message_bytes = 65535;                  // received; beyond: close 1009
    std::size_t fragments = 64;                         // of one message; beyond: close 1008
    std::size_t queue_bytes = 256 * 1024;               // to be written
    std::uint32_t control_frames_per_second = 10;       // received pings and pongs; beyond: close 1008
    bool accepts_text = false;                          // otherwise close 1003
    Duration ping_interval = std::chrono::seconds{30};  // of silence; dead after two unanswered. 0: never
    Duration close_timeout = std::chrono::seconds{2};   // for the answer to our Close frame
  };

  enum class State : std::uint8_t {
    kOpen,
    kClosing,  // our Close frame is queued, theirs has not come: keep reading
    kClosed,   // write what is queued, then end the connection; see was_lost()
  };

  // Why it is not open.
  enum class Ending : std::uint8_t {
    kNone,
    kByUs,           // close()
    kByOtherSide,    // its Close frame came first
    kProtocolError,  // 1002, 1003, 1007, 1009
    kPolicy,         // 1008: too many pings or fragments
    kDead,           // two pings unanswered
  };

  // Settings, pool and rng outlive this object. `rng` makes the masking keys of a client; they keep
  // proxies from reading a payload as something else, they keep no secret.
  WebSocket(Role role, const Settings& settings, ChunkPool& pool, Rng& rng, Instant now);

  // Appends the messages that `bytes` completes to `out`, in order. They point into `bytes` or into memory
  // of this object: valid, and free to be written to, until end_turn() or the next receive().
  void receive(MutableBytes bytes, Instant now, std::vector<Message>& out);
  // Nobody looks at the messages any more: memory goes back. Calling it is optional but for memory.
  void end_turn() noexcept;

  // Queues a message; false if it cannot be sent: not open, or longer than the queue (counted there).
  // REQUIRES: text is UTF-8.
  bool send(MessageKind kind, Bytes message) { return send(kind, {}, message); }
  // One message of two pieces, such as a length and a frame.
  bool send(MessageKind kind, Bytes first, Bytes second);

  // Queues a Close frame; ignored unless open. The reason is cut to 123 bytes.
  // REQUIRES: may_be_sent(code); the reason is UTF-8.
  void close(std::uint16_t code, std::string_view reason, Instant now);
  // RFC 6455 7.4: what a Close frame may say.
  static bool may_be_sent(std::uint16_t code) noexcept;

  State state() const noexcept { return state_; }
  Ending ending() const noexcept { return ending_; }
  // The code of the Close frame that began the end, ours or theirs; kNone if it had none.
  std::uint16_t ended_with() const noexcept { return code_; }
  // kClosed and nobody listens: no use in writing what is queued.
  bool was_lost() const noexcept { return ending_ == Ending::kDead; }

  Instant next_deadline() const noexcept;
  // Pings, finds the other side dead, gives up waiting for its Close frame.
  void on_deadline(Instant now);

  Instant last_heard() const noexcept { return last_heard_; }
  std::uint64_t pings_sent() const noexcept { return pings_sent_; }
  OutQueue& queue() noexcept { return queue_; }
  const OutQueue& queue() const noexcept { return queue_; }

 private:
  // The frame being received.
  struct Frame {
    std::uint8_t opcode = 0;
    bool is_final = false;
    std::uint64_t remaining = 0;        // payload bytes still to come
    std::array<std::uint8_t, 4> key{};  // as it applies to the next byte
  };

  MutableBytes take_header(MutableBytes bytes);
  bool parse_header(Bytes header);
  MutableBytes take_payload(MutableBytes bytes, std::vector<Message>& out, Instant now);

  Role role_;
  State state_ = State::kOpen;
  Ending ending_ = Ending::kNone;
  const Settings& settings_;
  Rng& rng_;
  Instant last_heard_;
  OutQueue queue_;
  std::uint16_t code_ = close_code::kNone;
  std::uint64_t pings_sent_ = 0;
};

}  // namespace wgr::ws
