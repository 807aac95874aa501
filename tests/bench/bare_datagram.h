// Transport data without a protocol: the layout and the cipher of WireGuard (whitepaper 5.4.6), one key
// that everybody knows, no handshake, no index, no replay window. The limit programs speak it.
//
//   | type 4, 3 zero | index | counter, 8 bytes | sealed packet | tag, 16 bytes |
#pragma once

#include <cstring>

#include "core/bytes.h"
#include "wireguard/crypto.h"

namespace wgr::bench {

inline constexpr std::size_t kBareHeader = 16;
inline constexpr std::size_t kBareOverhead = kBareHeader + wireguard::kTagSize;

inline SecretBytes<32> bare_key() {
  SecretBytes<32> key;
  std::memset(key.data(), 0x42, key.size());
  return key;
}

// REQUIRES: out.size() == packet.size() + kBareOverhead.
inline void seal_bare(const wireguard::AeadKey& key, std::uint64_t counter, Bytes packet, MutableBytes out) {
  store_le(out.data(), std::uint32_t{4});
  store_le(out.data() + 4, std::uint32_t{0});
  store_le(out.data() + 8, counter);
  key.seal(counter, packet, {}, out.data() + kBareHeader);
}

// The packet, in place; empty if it does not authenticate.
inline MutableBytes open_bare(const wireguard::AeadKey& key, MutableBytes datagram) {
  if (datagram.size() < kBareOverhead) return {};
  const auto counter = load_le<std::uint64_t>(datagram.data() + 8);
  if (!key.open(counter, datagram.subspan(kBareHeader))) return {};
  return datagram.subspan(kBareHeader, datagram.size() - kBareOverhead);
}

}  // namespace wgr::bench
