// Raw WebSocket frames for tests, and one endpoint that is fed them in pieces.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "ws/frame.h"
#include "ws/websocket.h"

namespace wgr::ws {

inline std::string text_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// As the side with `role` would send it.
struct RawFrame {
  Opcode opcode = Opcode::kBinary;
  std::string payload;
  bool is_final = true;
  std::uint8_t reserved_bits = 0;

  std::string encoded_by(Role role) const {
    const FrameHeader header{.is_final = is_final,
                             .reserved_bits = reserved_bits,
                             .opcode = opcode,
                             .is_masked = role == Role::kClient,
                             .length = payload.size(),
                             .key = {0x37, 0xfa, 0x21, 0x3d}};
    std::string bytes(kMaxFrameHeader + payload.size(), '\0');
    auto* const at = reinterpret_cast<std::uint8_t*>(bytes.data());
    const std::size_t size = write_frame_header(at, header);
    std::copy(payload.begin(), payload.end(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    bytes.resize(size + payload.size());
    if (header.is_masked) apply_mask({at + size, payload.size()}, header.key);
    return bytes;
  }

  friend bool operator==(const RawFrame&, const RawFrame&) = default;
  friend std::ostream& operator<<(std::ostream& out, const RawFrame& frame) {
    return out << "frame " << int(frame.opcode) << (frame.is_final ? "" : "+") << " of "
               << frame.payload.size() << ": " << frame.payload.substr(0, 40);
  }
};

// "\x03\xe8" and the reason.
inline std::string close_payload(std::uint16_t code, std::string_view reason = {}) {
  std::string payload{char(code >> 8), char(code & 0xff)};
  return payload.append(reason);
}
inline RawFrame close_frame(std::uint16_t code, std::string_view reason = {}) {
  return {Opcode::kClose, close_payload(code, reason)};
}

// What is queued, in order; the queue is empty afterwards.
inline std::string take_written(OutQueue& queue) {
  std::string written;
  while (!queue.empty()) {
    Bytes pieces[3];
    const std::size_t count = queue.pending(pieces);
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      written.append(text_of(pieces[i]));
      size += pieces[i].size();
    }
    queue.consume(size);
  }
  return written;
}

// The frames in `bytes`, unmasked.
inline std::vector<RawFrame> parse_frames(std::string_view bytes) {
  std::vector<RawFrame> frames;
  while (!bytes.empty()) {
    const std::size_t size = frame_header_size(std::uint8_t(bytes[0]), std::uint8_t(bytes[1]));
    const FrameHeader header = read_frame_header(bytes_of(bytes.substr(0, size)));
    std::string payload{bytes.substr(size, header.length)};
    if (header.is_masked) {
      apply_mask({reinterpret_cast<std::uint8_t*>(payload.data()), payload.size()}, header.key);
    }
    frames.push_back({header.opcode, payload, header.is_final, header.reserved_bits});
    bytes.remove_prefix(size + header.length);
  }
  return frames;
}

struct TakenMessage {
  MessageKind kind = MessageKind::kText;
  std::string bytes;

  friend bool operator==(const TakenMessage&, const TakenMessage&) = default;
  friend std::ostream& operator<<(std::ostream& out, const TakenMessage& message) {
    return out << (message.kind == MessageKind::kText ? "text of " : "binary of ") << message.bytes.size()
               << ": " << message.bytes.substr(0, 40);
  }
};

// How input is cut.
enum class Chop { kWhole, kOctets, kOdd };

// One endpoint with the messages it was sent.
class TestEndpoint {
 public:
  TestEndpoint(Role role, const WebSocket::Settings& settings, std::uint64_t seed = 1)
      : settings_(settings), rng_(seed), chops_(seed), socket_(role, settings_, pool_, rng_, now) {}

  void receive(std::string_view bytes, Chop chop = Chop::kWhole) {
    while (!bytes.empty()) {
      std::size_t size = bytes.size();
      if (chop == Chop::kOctets) size = 1;
      if (chop == Chop::kOdd) size = std::min<std::size_t>(size, 1 + chops_.below(97));
      std::vector<std::uint8_t> piece(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      std::vector<Message> batch;
      socket_.receive(piece, now, batch);
      for (const Message& message : batch) messages.push_back({message.kind, text_of(message.bytes)});
      socket_.end_turn();
      bytes.remove_prefix(size);
    }
  }

  std::vector<RawFrame> frames_written() { return parse_frames(take_written(socket_.queue())); }
  WebSocket& socket() { return socket_; }
  ChunkPool& pool() { return pool_; }

  Instant now{std::chrono::hours{1}};
  std::vector<TakenMessage> messages;

 private:
  const WebSocket::Settings settings_;
  ChunkPool pool_;
  Rng rng_;
  Rng chops_;
  WebSocket socket_;
};

}  // namespace wgr::ws
