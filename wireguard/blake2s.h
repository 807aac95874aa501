// BLAKE2s (RFC 7693): hash and keyed MAC, any output of 1 to 32 bytes.
//
// Thread: a value; confined to its owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"

namespace wgr::wireguard {

using Hash = std::array<std::uint8_t, 32>;
using Mac = std::array<std::uint8_t, 16>;

class Blake2s {
 public:
  static constexpr std::size_t kBlockSize = 64;
  static constexpr std::size_t kMaxOutput = 32;

  // REQUIRES: 0 < output_size <= 32, key.size() <= 32.
  explicit Blake2s(std::size_t output_size = kMaxOutput, Bytes key = {}) noexcept;
  Blake2s(const Blake2s&) noexcept = default;
  Blake2s& operator=(const Blake2s&) noexcept = default;
  ~Blake2s();  // erases: the state may hold a key

  Blake2s& update(Bytes input) noexcept;
  // Writes output_size bytes. The object is spent afterwards.
  void finish(std::uint8_t* out) noexcept;

 private:
  void compress(const std::uint8_t* block, bool is_last) noexcept;

  std::array<std::uint32_t, 8> state_;
  std::uint64_t total_ = 0;  // bytes compressed so far
  std::array<std::uint8_t, kBlockSize> buffer_{};
  std::size_t buffered_ = 0;
  std::size_t output_size_;
};

// Hash(a || b).
Hash hash(Bytes a, Bytes b = {}) noexcept;
// Mac(key, input): keyed BLAKE2s with 16 bytes of output. REQUIRES: key.size() <= 32.
Mac mac(Bytes key, Bytes input) noexcept;

}  // namespace wgr::wireguard
