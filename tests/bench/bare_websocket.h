// Messages without a protocol: what the limit of a WebSocket moves. One message is one packet of 1420 bytes,
// in an Ethernet frame or sealed as a datagram, behind the frame header of RFC 6455 5.2. There is no upgrade;
// TLS, if any, begins at once.
#pragma once

#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "core/wire/tcp.h"
#include "tests/bench/bare_datagram.h"
#include "ws/frame.h"

namespace wgr::bench {

inline constexpr std::size_t kBarePayload = 1380;
inline constexpr std::size_t kBarePacketHeaders = wire::kIpv4HeaderSize + wire::kTcpHeaderSize;
inline constexpr std::size_t kBarePacket = kBarePacketHeaders + kBarePayload;
inline constexpr std::size_t kBareMessageHeader = 4;  // two bytes and a length of 16 bits; 4 more with a key
inline constexpr std::size_t kBareRun = 44;  // messages of one write, as segments of a UDP_SEGMENT send

}  // namespace wgr::bench
