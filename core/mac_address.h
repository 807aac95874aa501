// An Ethernet (EUI-48) address.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace wgr {

class MacAddress {
 public:
  static constexpr std::size_t kSize = 6;

  constexpr MacAddress() noexcept = default;  // 00:00:00:00:00:00: none
  constexpr explicit MacAddress(std::array<std::uint8_t, kSize> bytes) noexcept : bytes_(bytes) {}
  // REQUIRES: from.size() >= kSize.
  static MacAddress read(Bytes from) noexcept {
    MacAddress mac;
    std::copy_n(from.begin(), kSize, mac.bytes_.begin());
    return mac;
  }
  static constexpr MacAddress broadcast() noexcept {
    return MacAddress{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
  }
  // "02:00:5e:10:00:01", hex digits of either case.
  static std::optional<MacAddress> parse(std::string_view text) noexcept;
  std::string to_string() const;

  constexpr const std::array<std::uint8_t, kSize>& bytes() const noexcept { return bytes_; }
  constexpr bool is_none() const noexcept { return *this == MacAddress{}; }
  constexpr bool is_broadcast() const noexcept { return *this == broadcast(); }
  // Multicast or broadcast.
  constexpr bool is_group() const noexcept { return (bytes_[0] & 1) != 0; }
  // What a station may call itself.
  constexpr bool is_unicast() const noexcept { return !is_group() && !is_none(); }

  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) noexcept = default;

 private:
  std::array<std::uint8_t, kSize> bytes_{};
};

}  // namespace wgr

template <>
struct std::hash<wgr::MacAddress> {
  std::size_t operator()(const wgr::MacAddress& mac) const noexcept {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : mac.bytes()) value = value << 8 | byte;
    return static_cast<std::size_t>(value * 0x9e3779b97f4a7c15u);
  }
};
