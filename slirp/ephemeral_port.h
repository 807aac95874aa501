// Ports of the router's own inner addresses, for flows it opens towards guests (RFC 6056).
//
// Thread: pure, but for the kernel's randomness.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/secret.h"

namespace wgr::slirp {

// 32768 .. 65535: never the port of a service of ours.
inline std::uint16_t random_ephemeral_port() noexcept {
  std::array<std::uint8_t, 2> bytes;
  random_bytes(bytes);
  return load_be<std::uint16_t>(bytes.data()) | 0x8000;
}

}  // namespace wgr::slirp
