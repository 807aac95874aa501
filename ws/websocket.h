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
#include "ws/frame.h"
#include "ws/out_queue.h"
#include "ws/utf8.h"

namespace wgr::ws {

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
    bool accepts_unmasked = false;                      // of a client that does not keep RFC 6455 5.1
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
    kProtocolError,  // of the other side: 1002, 1003, 1007, 1009
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
  // Input. Each takes from the front of `bytes` and returns the rest.
  MutableBytes take_header(MutableBytes bytes, std::vector<Message>& out);
  MutableBytes take_payload(MutableBytes bytes, std::vector<Message>& out);
  void begin_frame(Bytes header, std::vector<Message>& out);
  bool may_begin_control();
  bool may_begin_data();
  void take_data(MutableBytes piece, std::vector<Message>& out);
  void gather(Bytes piece);
  void end_data_frame(std::vector<Message>& out);
  void end_control_frame();
  void receive_close(Bytes payload);
  bool control_is_within_rate();

  // Output.
  bool push_frame(OutQueue::Kind kind, Opcode opcode, Bytes first, Bytes second);
  void push_close(Bytes code, Bytes reason);
  bool fail(std::uint16_t code, std::string_view reason, Ending ending = Ending::kProtocolError);
  void end(State state, Ending ending, std::uint16_t code);

  const Role role_;
  State state_ = State::kOpen;
  Ending ending_ = Ending::kNone;
  std::uint16_t code_ = close_code::kNone;
  std::uint8_t unanswered_pings_ = 0;
  const Settings& settings_;
  Rng& rng_;
  OutQueue queue_;
  std::uint64_t pings_sent_ = 0;

  Instant now_;  // of the receive() that runs
  Instant last_heard_;
  Instant ping_sent_at_{};
  Instant close_deadline_ = kNever;
  Instant control_frames_paid_until_{};  // each costs its share of a second

  // The frame being received: a part of its header, or the payload still to come.
  bool in_frame_ = false;
  std::uint8_t header_size_ = 0;
  std::uint8_t control_size_ = 0;
  FrameHeader frame_;  // the length is what remains, the key as it applies to the next byte
  std::array<std::uint8_t, kMaxFrameHeader> header_;
  std::array<std::uint8_t, kMaxControlPayload> control_;

  // The message being received.
  bool in_message_ = false;
  MessageKind kind_ = MessageKind::kBinary;
  Utf8Checker utf8_;
  std::size_t fragments_ = 0;
  std::vector<std::uint8_t> gathered_;
  std::vector<std::vector<std::uint8_t>> completed_;  // in this turn
};

}  // namespace wgr::ws
