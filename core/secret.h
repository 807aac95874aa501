// Secret bytes: erased on destruction, compared in constant time, never printed.
//
// Thread: a value; confined to its owner.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"

namespace wgr {

// Overwrites memory in a way the compiler keeps.
void erase_memory(void* memory, std::size_t size) noexcept;
// Constant time in the contents. False when the sizes differ.
bool equal_secret(Bytes a, Bytes b) noexcept;
// From the kernel's generator (libsodium). Aborts if there is none.
void random_bytes(MutableBytes out) noexcept;

// N bytes that are erased when they go. There is no operator<< and no operator==: use equal_secret().
template <std::size_t N>
class SecretBytes {
 public:
  static constexpr std::size_t kSize = N;

  SecretBytes() noexcept : bytes_{} {}
  explicit SecretBytes(std::span<const std::uint8_t, N> from) noexcept {
    std::copy(from.begin(), from.end(), bytes_.begin());
  }
  SecretBytes(const SecretBytes&) noexcept = default;
  SecretBytes& operator=(const SecretBytes&) noexcept = default;
  ~SecretBytes() { erase(); }

  static SecretBytes random() noexcept {
    SecretBytes secret;
    random_bytes(secret.bytes_);
    return secret;
  }

  void erase() noexcept { erase_memory(bytes_.data(), N); }
  bool is_zero() const noexcept {
    std::uint8_t seen = 0;
    for (std::uint8_t byte : bytes_) seen = static_cast<std::uint8_t>(seen | byte);
    return seen == 0;
  }

  std::uint8_t* data() noexcept { return bytes_.data(); }
  const std::uint8_t* data() const noexcept { return bytes_.data(); }
  static constexpr std::size_t size() noexcept { return N; }
  std::span<const std::uint8_t, N> bytes() const noexcept { return bytes_; }
  std::span<std::uint8_t, N> bytes() noexcept { return bytes_; }

 private:
  std::array<std::uint8_t, N> bytes_;
};

}  // namespace wgr
