// An inner packet of either family, parsed once: what everything above IP needs to know of it.
//
// Thread: a view is as free as the memory it points into.
#pragma once

#include <optional>

#include "core/address.h"
#include "core/bytes.h"
#include "core/result.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"

namespace wgr::wire {

// The family a packet claims, whatever else is wrong with it.
inline std::optional<Family> ip_version(Bytes packet) noexcept {
  if (packet.empty()) return std::nullopt;
  if (packet[0] >> 4 == 4) return Family::kV4;
  if (packet[0] >> 4 == 6) return Family::kV6;
  return std::nullopt;
}

// One piece of a larger packet, the same for both families.
struct IpFragment {
  std::uint32_t identification = 0;
  std::uint32_t offset = 0;                         // of data, in what was split
  bool more = false;                                // others follow it
  IpProtocol protocol = IpProtocol::kNoNextHeader;  // of what was split
  // What every fragment repeats: the IPv4 header, or all IPv6 headers before the fragment header.
  std::uint16_t repeated_length = 0;
  std::uint16_t next_header_field_offset = 0;  // IPv6: in the repeated headers, the byte that said "fragment"
  MutableBytes data;
};

struct IpView {
  Family family = Family::kV4;
  IpProtocol protocol = IpProtocol::kNoNextHeader;  // of the payload
  std::uint8_t ttl = 0;                             // hop limit
  std::uint8_t tos = 0;                             // traffic class
  bool is_fragment = false;                         // and not a whole packet by itself (RFC 6946)
  bool is_first_fragment = true;                    // true for what is no fragment
  bool dont_fragment = true;                        // always, over IPv6
  IpAddress source;
  IpAddress destination;
  MutableBytes packet;                    // header and payload, trimmed to the length the header tells
  MutableBytes payload;                   // the upper header and what follows
  std::size_t protocol_field_offset = 9;  // where a Parameter Problem about the protocol points
  IpFragment fragment;                    // says something where is_fragment holds

  static IpView of(const Ipv4View& view) noexcept;
  static IpView of(const Ipv6View& view) noexcept;
  // Lengths and extension headers only; slirp/ip_input checks the rest.
  static Result<IpView> parse(MutableBytes packet) noexcept;
};

// The addresses of a packet without walking its headers: for routing it as it is. A whole fixed header
// is all that is checked.
struct IpEnds {
  IpAddress source;
  IpAddress destination;

  static Result<IpEnds> parse(Bytes packet) noexcept;
};

// Hops a packet may still take, and one hop less (IPv4: with its checksum), for forwarding it as it is.
// REQUIRES: IpEnds::parse() accepted the packet; decrement_hops(): hops_left() > 0.
std::uint8_t hops_left(Bytes packet) noexcept;
void decrement_hops(MutableBytes packet) noexcept;

}  // namespace wgr::wire
