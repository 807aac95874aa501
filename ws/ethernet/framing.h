// How Ethernet frames ride on WebSocket messages.
//
//   raw    one binary message is one frame without FCS (v86, JSLinux, jor1k). The latter two also send text
//          "ping:X" and want "pong:X"; other text means nothing.
//   QEMU   the stream of `-netdev socket`, over binary messages that may cut and join it anywhere
//          (container2wasm): |length, 32 bits big-endian|frame|length|frame ...
//
// To a client of QEMU's stream each frame goes as a message of its own, length and frame, so that a full
// queue drops whole frames and the stream stays in step. Whether a frame makes sense is the LAN's business:
// runts pass; only nothing at all is left out.
//
// Thread: confined to the session.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"

namespace wgr::ws::ethernet {

inline constexpr std::size_t kMaxFrame = 14 + 4 + 65535;  // header, VLAN tag, the longest packet
inline constexpr std::size_t kQemuLengthSize = 4;
inline constexpr std::size_t kMaxPing = 256;  // of a text that is answered

// What to answer behind "pong:" if the text is "ping:" and something short.
std::optional<Bytes> ping_payload(Bytes text) noexcept;

// To be sent right before the frame. REQUIRES: size <= kMaxFrame.
std::array<std::uint8_t, kQemuLengthSize> qemu_length(std::size_t size) noexcept;

// The frames in what a client of QEMU's stream sends.
class QemuStream {
 public:
  // Appends the frames that `bytes` completes. They point into `bytes` or into memory of this object: valid,
  // and free to be written to, until end_turn(). False: a length beyond kMaxFrame; the stream cannot go on.
  [[nodiscard]] bool receive(MutableBytes bytes, std::vector<MutableBytes>& frames);
  // Nobody looks at the frames any more.
  void end_turn() noexcept;

 private:
  bool take_length(MutableBytes& bytes);
  void gather(Bytes piece);

  bool is_broken_ = false;
  bool in_frame_ = false;
  std::uint8_t length_size_ = 0;
  std::array<std::uint8_t, kQemuLengthSize> length_{};
  std::size_t frame_size_ = 0;                        // of the frame being received
  std::vector<std::uint8_t> gathered_;                // its bytes so far
  std::vector<std::vector<std::uint8_t>> completed_;  // in this turn
};

}  // namespace wgr::ws::ethernet
