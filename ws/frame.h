// The head of a WebSocket frame (RFC 6455 5.2) and masking (5.3).
//
//   |FIN RSV1-3 opcode|MASK length 7| length 16 or 64, for 126 and 127 | key 4, if masked | payload
//
// Thread: values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"

namespace wgr::ws {

enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

inline constexpr std::size_t kMinFrameHeader = 2;
inline constexpr std::size_t kMaxFrameHeader = 14;
inline constexpr std::size_t kMaxControlPayload = 125;  // 5.5

using MaskingKey = std::array<std::uint8_t, 4>;

struct FrameHeader {
  bool is_final = true;
  std::uint8_t reserved_bits = 0;   // RSV1 to RSV3, as a number up to 7
  Opcode opcode = Opcode::kBinary;  // any of 16: the values without a name are reserved
  bool is_masked = false;
  std::uint64_t length = 0;  // of the payload
  MaskingKey key{};

  bool is_control() const noexcept { return (static_cast<std::uint8_t>(opcode) & 0x8) != 0; }
};

// How long a header is, by its first two bytes.
std::size_t frame_header_size(std::uint8_t first, std::uint8_t second) noexcept;
// REQUIRES: header.size() == frame_header_size() of its first two bytes.
FrameHeader read_frame_header(Bytes header) noexcept;
// 5.2: the fewest bytes that hold the length, and no more than 63 bits. REQUIRES: as above.
bool length_is_minimal(Bytes header) noexcept;

std::size_t frame_header_size(const FrameHeader& header) noexcept;
// Returns the size. REQUIRES: `to` holds it; the header has a minimal length by construction.
std::size_t write_frame_header(std::uint8_t* to, const FrameHeader& header) noexcept;

// The key as it applies `distance` bytes further on.
MaskingKey advance_key(MaskingKey key, std::size_t distance) noexcept;
// Masking and unmasking are the same.
void apply_mask(MutableBytes bytes, MaskingKey key) noexcept;
// REQUIRES: `to` holds from.size() bytes and does not overlap `from`.
void copy_masked(std::uint8_t* to, Bytes from, MaskingKey key) noexcept;

}  // namespace wgr::ws
