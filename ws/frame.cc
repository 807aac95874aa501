#include "ws/frame.h"

#include <cassert>

namespace wgr::ws {
namespace {

constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLengthMask = 0x7f;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;
constexpr std::uint64_t kMaxLength7 = 125;
constexpr std::uint64_t kMaxLength16 = 0xffff;
constexpr std::uint64_t kMaxLength63 = ~std::uint64_t{0} >> 1;

std::size_t length_bytes(std::uint64_t length) noexcept {
  if (length <= kMaxLength7) return 0;
  return length <= kMaxLength16 ? 2 : 8;
}

std::uint64_t read_length(Bytes header) noexcept {
  const std::uint8_t length = header[1] & kLengthMask;
  if (length == kLength16) return load_be<std::uint16_t>(&header[2]);
  if (length == kLength64) return load_be<std::uint64_t>(&header[2]);
  return length;
}

// A vector register of every CPU this runs on. Wider ones gain a few nanoseconds per message and cost a
// choice at run time.
using Block = std::uint64_t __attribute__((vector_size(16)));

Block load_block(const std::uint8_t* from) noexcept {
  Block block;
  std::memcpy(&block, from, sizeof block);
  return block;
}

void store_block(std::uint8_t* to, Block block) noexcept { std::memcpy(to, &block, sizeof block); }

// `from` may equal `to`.
void xor_bytes(std::uint8_t* to, const std::uint8_t* from, std::size_t size, MaskingKey key) noexcept {
  std::uint64_t word;
  std::memcpy(&word, key.data(), sizeof key);
  std::memcpy(reinterpret_cast<std::uint8_t*>(&word) + sizeof key, key.data(), sizeof key);
  const Block mask = {word, word};
  std::size_t at = 0;
  for (; at + 64 <= size; at += 64) {
    const Block a = load_block(from + at) ^ mask;
    const Block b = load_block(from + at + 16) ^ mask;
    const Block c = load_block(from + at + 32) ^ mask;
    const Block d = load_block(from + at + 48) ^ mask;
    store_block(to + at, a);
    store_block(to + at + 16, b);
    store_block(to + at + 32, c);
    store_block(to + at + 48, d);
  }
  for (; at + 8 <= size; at += 8) {
    std::uint64_t each;
    std::memcpy(&each, from + at, sizeof each);
    each ^= word;
    std::memcpy(to + at, &each, sizeof each);
  }
  for (; at < size; ++at) to[at] = from[at] ^ key[at % key.size()];
}

}  // namespace

std::size_t frame_header_size(std::uint8_t, std::uint8_t second) noexcept {
  std::size_t size = kMinFrameHeader;
  const std::uint8_t length = second & kLengthMask;
  if (length == kLength16) size += 2;
  if (length == kLength64) size += 8;
  if ((second & kMasked) != 0) size += sizeof(MaskingKey);
  return size;
}

FrameHeader read_frame_header(Bytes header) noexcept {
  assert(header.size() >= kMinFrameHeader && header.size() == frame_header_size(header[0], header[1]));
  FrameHeader read;
  read.is_final = (header[0] & kFinal) != 0;
  read.reserved_bits = static_cast<std::uint8_t>((header[0] >> 4) & 0x7);
  read.opcode = static_cast<Opcode>(header[0] & 0xf);
  read.is_masked = (header[1] & kMasked) != 0;
  read.length = read_length(header);
  if (read.is_masked) std::memcpy(read.key.data(), header.last(read.key.size()).data(), read.key.size());
  return read;
}

bool length_is_minimal(Bytes header) noexcept {
  const std::uint64_t length = read_length(header);
  const std::uint8_t form = header[1] & kLengthMask;
  if (form == kLength16) return length > kMaxLength7;
  if (form == kLength64) return length > kMaxLength16 && length <= kMaxLength63;
  return true;
}

std::size_t frame_header_size(const FrameHeader& header) noexcept {
  return kMinFrameHeader + length_bytes(header.length) + (header.is_masked ? sizeof(MaskingKey) : 0);
}

std::size_t write_frame_header(std::uint8_t* to, const FrameHeader& header) noexcept {
  assert(header.length <= kMaxLength63);
  to[0] = static_cast<std::uint8_t>((header.is_final ? kFinal : 0) | header.reserved_bits << 4 |
                                    static_cast<std::uint8_t>(header.opcode));
  std::size_t size = kMinFrameHeader + length_bytes(header.length);
  if (size == kMinFrameHeader) {
    to[1] = static_cast<std::uint8_t>(header.length);
  } else if (size == kMinFrameHeader + 2) {
    to[1] = kLength16;
    store_be(to + 2, static_cast<std::uint16_t>(header.length));
  } else {
    to[1] = kLength64;
    store_be(to + 2, header.length);
  }
  if (header.is_masked) {
    to[1] |= kMasked;
    std::memcpy(to + size, header.key.data(), header.key.size());
    size += header.key.size();
  }
  return size;
}

MaskingKey advance_key(MaskingKey key, std::size_t distance) noexcept {
  MaskingKey advanced;
  for (std::size_t i = 0; i < key.size(); ++i) advanced[i] = key[(i + distance) % key.size()];
  return advanced;
}

void apply_mask(MutableBytes bytes, MaskingKey key) noexcept {
  xor_bytes(bytes.data(), bytes.data(), bytes.size(), key);
}

void copy_masked(std::uint8_t* to, Bytes from, MaskingKey key) noexcept {
  xor_bytes(to, from.data(), from.size(), key);
}

}  // namespace wgr::ws
