// The bits of an IP address, numbered from the most significant: what a trie of prefixes branches on.
//
// Both families have the same form, so that what walks bits need not know of families: an IPv4 address is the
// first 32 bits, and zeros follow.
//
// Thread: a value.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>

#include "core/address.h"
#include "core/bytes.h"

namespace wgr {

struct AddressBits {
  static constexpr unsigned kCount = 128;

  std::uint64_t high = 0;
  std::uint64_t low = 0;

  // REQUIRES: address.size() == 4 or 16.
  static AddressBits of(Bytes address) noexcept {
    assert(address.size() == 4 || address.size() == 16);
    if (address.size() == 4) return {std::uint64_t{load_be<std::uint32_t>(address.data())} << 32, 0};
    return {load_be<std::uint64_t>(address.data()), load_be<std::uint64_t>(address.data() + 8)};
  }

  // REQUIRES: index < kCount.
  unsigned operator[](unsigned index) const noexcept {
    return static_cast<unsigned>((index < 64 ? high >> (63 - index) : low >> (127 - index)) & 1);
  }
  // How many of the first bits are the same; kCount if all are.
  static unsigned common(const AddressBits& a, const AddressBits& b) noexcept {
    if (a.high != b.high) return static_cast<unsigned>(std::countl_zero(a.high ^ b.high));
    return 64 + static_cast<unsigned>(std::countl_zero(a.low ^ b.low));
  }
  // The first `length` bits, and zeros behind them. REQUIRES: length <= kCount.
  AddressBits first(unsigned length) const noexcept {
    if (length == 0) return {};
    if (length <= 64) return {high & ~std::uint64_t{0} << (64 - length), 0};
    return {high, low & ~std::uint64_t{0} << (128 - length)};
  }

  // The address that has these bits.
  IpAddress address(Family family) const noexcept {
    std::uint8_t bytes[16];
    store_be(bytes, high);
    store_be(bytes + 8, low);
    return IpAddress::from_bytes(Bytes{bytes, family == Family::kV4 ? std::size_t{4} : std::size_t{16}});
  }

  friend bool operator==(const AddressBits&, const AddressBits&) = default;
};

}  // namespace wgr
