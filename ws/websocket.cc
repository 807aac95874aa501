#include "ws/websocket.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace wgr::ws {
namespace {

constexpr std::size_t kMaxCloseReason = kMaxControlPayload - sizeof(std::uint16_t);
constexpr std::uint8_t kMaxUnansweredPings = 2;
constexpr std::size_t kKeptCompleted = 8;     // entries of the vector between turns
constexpr std::size_t kReserveAtOnce = 4096;  // of a message that has only been announced
constexpr Duration kControlBurst = std::chrono::seconds{1};

// RFC 6455 5.5: a reason is cut between characters.
std::string_view cut_reason(std::string_view reason) {
  if (reason.size() <= kMaxCloseReason) return reason;
  std::size_t end = kMaxCloseReason;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;
  return reason.substr(0, end);
}

}  // namespace

WebSocket::WebSocket(Role role, const Settings& settings, ChunkPool& pool, Rng& rng, Instant now)
    : role_(role),
      settings_(settings),
      rng_(rng),
      queue_(pool, settings.queue_bytes),
      now_(now),
      last_heard_(now) {}

bool WebSocket::may_be_sent(std::uint16_t code) noexcept {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

// ---- input

void WebSocket::receive(MutableBytes bytes, Instant now, std::vector<Message>& out) {
  end_turn();
  if (bytes.empty() || state_ == State::kClosed) return;
  now_ = now;
  last_heard_ = now;
  unanswered_pings_ = 0;
  while (!bytes.empty() && state_ != State::kClosed) {
    bytes = in_frame_ ? take_payload(bytes, out) : take_header(bytes, out);
  }
}

void WebSocket::end_turn() noexcept {
  completed_.clear();
  if (completed_.capacity() > kKeptCompleted) std::vector<std::vector<std::uint8_t>>().swap(completed_);
}

MutableBytes WebSocket::take_header(MutableBytes bytes, std::vector<Message>& out) {
  if (header_size_ == 0 && bytes.size() >= kMinFrameHeader) {
    const std::size_t size = frame_header_size(bytes[0], bytes[1]);
    if (bytes.size() >= size) {
      begin_frame(bytes.first(size), out);
      return bytes.subspan(size);
    }
  }
  // It is cut: byte by byte, since its first two tell its size.
  while (!bytes.empty()) {
    header_[header_size_++] = bytes.front();
    bytes = bytes.subspan(1);
    if (header_size_ < kMinFrameHeader || header_size_ < frame_header_size(header_[0], header_[1])) continue;
    const Bytes header = Bytes{header_}.first(std::exchange(header_size_, std::uint8_t{0}));
    begin_frame(header, out);
    return bytes;
  }
  return bytes;
}

void WebSocket::begin_frame(Bytes header, std::vector<Message>& out) {
  frame_ = read_frame_header(header);
  if (frame_.reserved_bits != 0) {
    fail(close_code::kProtocolError, "reserved bits");
    return;
  }
  if (role_ == Role::kServer && !frame_.is_masked && !settings_.accepts_unmasked) {
    fail(close_code::kProtocolError, "not masked");
    return;
  }
  if (role_ == Role::kClient && frame_.is_masked) {
    fail(close_code::kProtocolError, "masked");
    return;
  }
  if (!length_is_minimal(header)) {
    fail(close_code::kProtocolError, "length");
    return;
  }
  if (!(frame_.is_control() ? may_begin_control() : may_begin_data())) return;
  in_frame_ = true;
  if (frame_.length == 0) take_payload({}, out);
}

bool WebSocket::may_begin_control() {
  control_size_ = 0;
  if (frame_.opcode > Opcode::kPong) return fail(close_code::kProtocolError, "opcode");
  if (!frame_.is_final) return fail(close_code::kProtocolError, "fragmented control frame");
  if (frame_.length > kMaxControlPayload) return fail(close_code::kProtocolError, "long control frame");
  return true;
}

bool WebSocket::may_begin_data() {
  if (frame_.opcode > Opcode::kBinary) return fail(close_code::kProtocolError, "opcode");
  if (state_ != State::kOpen) return true;  // thrown away
  if ((frame_.opcode == Opcode::kContinuation) != in_message_) {
    return fail(close_code::kProtocolError, in_message_ ? "message in message" : "nothing to continue");
  }
  if (!in_message_) {
    if (frame_.opcode == Opcode::kText && !settings_.accepts_text) {
      return fail(close_code::kUnsupported, "text");
    }
    in_message_ = true;
    kind_ = frame_.opcode == Opcode::kText ? MessageKind::kText : MessageKind::kBinary;
    utf8_ = {};
    fragments_ = 0;
  }
  if (++fragments_ > settings_.fragments) {
    return fail(close_code::kPolicy, "too many fragments", Ending::kPolicy);
  }
  if (frame_.length > settings_.message_bytes - std::min(settings_.message_bytes, gathered_.size())) {
    return fail(close_code::kTooBig, "message too big");
  }
  return true;
}

MutableBytes WebSocket::take_payload(MutableBytes bytes, std::vector<Message>& out) {
  const MutableBytes piece =
      bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), frame_.length)));
  frame_.length -= piece.size();
  if (frame_.is_masked && !piece.empty()) {
    apply_mask(piece, frame_.key);
    if (frame_.length > 0) frame_.key = advance_key(frame_.key, piece.size());
  }
  if (frame_.length == 0) in_frame_ = false;
  if (frame_.is_control()) {
    std::copy(piece.begin(), piece.end(), control_.begin() + control_size_);
    control_size_ = static_cast<std::uint8_t>(control_size_ + piece.size());
    if (!in_frame_) end_control_frame();
  } else if (state_ == State::kOpen) {
    take_data(piece, out);
  }
  return bytes.subspan(piece.size());
}

void WebSocket::take_data(MutableBytes piece, std::vector<Message>& out) {
  if (kind_ == MessageKind::kText && !utf8_.add(piece)) {
    fail(close_code::kInvalidText, "not UTF-8");
    return;
  }
  if (!in_frame_ && frame_.is_final && gathered_.empty()) {
    // Nothing of it came before: the message is what lies here.
    if (kind_ == MessageKind::kText && !utf8_.is_complete()) {
      fail(close_code::kInvalidText, "not UTF-8");
      return;
    }
    in_message_ = false;
    out.push_back({kind_, piece});
    return;
  }
  gather(piece);
  if (!in_frame_ && frame_.is_final) end_data_frame(out);
}

// Memory follows what has come, not what was announced.
void WebSocket::gather(Bytes piece) {
  const std::size_t size = gathered_.size() + piece.size();
  if (size > gathered_.capacity()) {
    const std::size_t whole = size + static_cast<std::size_t>(frame_.length);
    gathered_.reserve(std::min(whole, std::max(2 * size, kReserveAtOnce)));
  }
  gathered_.insert(gathered_.end(), piece.begin(), piece.end());
}

void WebSocket::end_data_frame(std::vector<Message>& out) {
  if (kind_ == MessageKind::kText && !utf8_.is_complete()) {
    fail(close_code::kInvalidText, "not UTF-8");
    return;
  }
  in_message_ = false;
  completed_.push_back(std::exchange(gathered_, {}));
  out.push_back({kind_, completed_.back()});
}

void WebSocket::end_control_frame() {
  const Bytes payload = Bytes{control_}.first(control_size_);
  if (frame_.opcode == Opcode::kClose) {
    receive_close(payload);
    return;
  }
  if (state_ != State::kOpen) return;
  if (!control_is_within_rate()) {
    fail(close_code::kPolicy, "too many pings", Ending::kPolicy);
    return;
  }
  if (frame_.opcode == Opcode::kPing) push_frame(OutQueue::Kind::kPong, Opcode::kPong, payload, {});
}

bool WebSocket::control_is_within_rate() {
  const Duration share =
      Duration{kControlBurst} / std::max<std::uint32_t>(1, settings_.control_frames_per_second);
  control_frames_paid_until_ = std::max(control_frames_paid_until_, now_) + share;
  return control_frames_paid_until_ - now_ <= kControlBurst;
}

void WebSocket::receive_close(Bytes payload) {
  if (state_ == State::kClosing) {
    end(State::kClosed, ending_, code_);
    return;
  }
  if (payload.empty()) {
    push_close({}, {});
    end(State::kClosed, Ending::kByOtherSide, close_code::kNone);
    return;
  }
  if (payload.size() < sizeof(std::uint16_t)) {
    fail(close_code::kProtocolError, "half a close code");
    return;
  }
  const auto code = load_be<std::uint16_t>(payload.data());
  if (!may_be_sent(code)) {
    fail(close_code::kProtocolError, "close code");
  } else if (!is_utf8(payload.subspan(sizeof code))) {
    fail(close_code::kInvalidText, "not UTF-8");
  } else {
    push_close(payload.first(sizeof code), {});
    end(State::kClosed, Ending::kByOtherSide, code);
  }
}

// ---- output

bool WebSocket::send(MessageKind kind, Bytes first, Bytes second) {
  if (state_ != State::kOpen) return false;
  return push_frame(OutQueue::Kind::kMessage, kind == MessageKind::kText ? Opcode::kText : Opcode::kBinary,
                    first, second);
}

bool WebSocket::push_frame(OutQueue::Kind kind, Opcode opcode, Bytes first, Bytes second) {
  FrameHeader header;
  header.opcode = opcode;
  header.length = first.size() + second.size();
  header.is_masked = role_ == Role::kClient;
  if (header.is_masked) store_le(header.key.data(), static_cast<std::uint32_t>(rng_.next()));
  const MutableBytes frame =
      queue_.push(kind, frame_header_size(header) + static_cast<std::size_t>(header.length));
  if (frame.empty()) return false;
  std::uint8_t* const payload = frame.data() + write_frame_header(frame.data(), header);
  if (header.is_masked) {
    copy_masked(payload, first, header.key);
    copy_masked(payload + first.size(), second, advance_key(header.key, first.size()));
  } else {
    std::copy(first.begin(), first.end(), payload);
    std::copy(second.begin(), second.end(), payload + first.size());
  }
  return true;
}

void WebSocket::push_close(Bytes code, Bytes reason) {
  push_frame(OutQueue::Kind::kControl, Opcode::kClose, code, reason);
}

void WebSocket::close(std::uint16_t code, std::string_view reason, Instant now) {
  assert(may_be_sent(code));
  if (state_ != State::kOpen) return;
  std::array<std::uint8_t, sizeof code> code_bytes;
  store_be(code_bytes.data(), code);
  push_close(code_bytes, bytes_of(cut_reason(reason)));
  end(State::kClosing, Ending::kByUs, code);
  close_deadline_ = now + settings_.close_timeout;
}

// RFC 6455 7.1.7. The first Close frame is the last frame, so a fault while closing only ends the wait.
// Returns false, for the checks that end in it.
bool WebSocket::fail(std::uint16_t code, std::string_view reason, Ending ending) {
  if (state_ == State::kOpen) {
    std::array<std::uint8_t, sizeof code> code_bytes;
    store_be(code_bytes.data(), code);
    push_close(code_bytes, bytes_of(reason));
    end(State::kClosed, ending, code);
  } else {
    end(State::kClosed, ending_, code_);
  }
  return false;
}

void WebSocket::end(State state, Ending ending, std::uint16_t code) {
  state_ = state;
  ending_ = ending;
  code_ = code;
  in_message_ = false;
  std::vector<std::uint8_t>().swap(gathered_);
}

// ---- time

Instant WebSocket::next_deadline() const noexcept {
  switch (state_) {
    case State::kOpen:
      if (settings_.ping_interval == Duration{0}) return kNever;
      return (unanswered_pings_ == 0 ? last_heard_ : ping_sent_at_) + settings_.ping_interval;
    case State::kClosing:
      return close_deadline_;
    case State::kClosed:
      return kNever;
  }
  return kNever;
}

void WebSocket::on_deadline(Instant now) {
  if (now < next_deadline()) return;
  if (state_ == State::kClosing) {
    end(State::kClosed, ending_, code_);
    return;
  }
  if (unanswered_pings_ == kMaxUnansweredPings) {
    end(State::kClosed, Ending::kDead, close_code::kNone);
    return;
  }
  push_frame(OutQueue::Kind::kControl, Opcode::kPing, {}, {});
  ++unanswered_pings_;
  ++pings_sent_;
  ping_sent_at_ = now;
}

}  // namespace wgr::ws
