// Byte spans and unaligned loads and stores in both byte orders.
// No function checks bounds: a caller holds a view that proves the length.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace wgr {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// The same memory, seen as the other.
inline Bytes bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

namespace detail {

template <std::unsigned_integral T>
constexpr T reverse_bytes(T value) noexcept {
  if constexpr (sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return static_cast<T>(__builtin_bswap16(value));
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

}  // namespace detail

// REQUIRES: sizeof(T) bytes are readable at `from`.
template <std::unsigned_integral T>
T load_be(const std::uint8_t* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? value : detail::reverse_bytes(value);
}

template <std::unsigned_integral T>
T load_le(const std::uint8_t* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : detail::reverse_bytes(value);
}

// REQUIRES: sizeof(T) bytes are writable at `to`.
template <std::unsigned_integral T>
void store_be(std::uint8_t* to, T value) noexcept {
  if constexpr (std::endian::native != std::endian::big) value = detail::reverse_bytes(value);
  std::memcpy(to, &value, sizeof value);
}

template <std::unsigned_integral T>
void store_le(std::uint8_t* to, T value) noexcept {
  if constexpr (std::endian::native != std::endian::little) value = detail::reverse_bytes(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace wgr
