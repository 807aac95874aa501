// The PROXY protocol header, version 2, of a TCP connection (haproxy's proxy-protocol.txt, 2.2): tells a
// server behind us who the client is and where it has connected. Written only.
//
//   |signature 12|version 2, PROXY|family, stream|length 2|source|destination|source port|destination port|
//
// Thread: pure.
#pragma once

#include <array>
#include <cstdint>

#include "core/address.h"
#include "core/bytes.h"

namespace wgr::wire {

inline constexpr std::size_t kMaxProxyHeader = 16 + 36;

// Returns what of `into` was written. REQUIRES: both addresses of one family.
Bytes write_proxy_header(std::array<std::uint8_t, kMaxProxyHeader>& into, const SocketAddress& client,
                         const SocketAddress& local) noexcept;

}  // namespace wgr::wire
