// A keyed 64-bit hash (SipHash-2-4) for hash tables fed by the network and for RFC 6528 sequence
// numbers: whoever does not know the key cannot choose collisions or guess values.
//
// Thread: immutable after construction.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace wgr {

class KeyedHash {
 public:
  KeyedHash();  // random key
  explicit KeyedHash(std::array<std::uint8_t, 16> key) noexcept : key_(key) {}

  std::uint64_t operator()(Bytes input) const noexcept;

 private:
  std::array<std::uint8_t, 16> key_;
};

}  // namespace wgr
