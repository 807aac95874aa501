// The protocol numbers this router knows: the protocol field of IPv4, the next header field of IPv6.
#pragma once

#include <cstdint>

namespace wgr::wire {

// Any other value of the byte is a protocol without a name here.
enum class IpProtocol : std::uint8_t {
  kHopByHop = 0,  // IPv6 only, right after the fixed header
  kIcmp = 1,
  kTcp = 6,
  kUdp = 17,
  kRouting = 43,
  kFragment = 44,
  kEsp = 50,
  kAuthentication = 51,
  kIcmpV6 = 58,
  kNoNextHeader = 59,
  kDestinationOptions = 60,
};

}  // namespace wgr::wire
