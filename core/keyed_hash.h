// A keyed 64-bit hash (SipHash-2-4) for hash tables fed by the network and for RFC 6528 sequence
// numbers: whoever does not know the key cannot choose collisions or guess values.
//
// Thread: immutable after construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/address.h"
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

// For tables of addresses that strangers choose: they must not know which of them fall together.
struct KeyedAddressHash {
  std::size_t operator()(const IpAddress& address) const noexcept { return hash(address.bytes()); }
  KeyedHash hash;
};

}  // namespace wgr
