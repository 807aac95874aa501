// UDP (RFC 768; checksum rules of RFC 8200 8.1): a checked view and a writer.
//
// Thread: a view is as free as the memory it points into.
#pragma once

#include "core/address.h"
#include "core/bytes.h"
#include "core/result.h"

namespace wgr::wire {

inline constexpr std::size_t kUdpHeaderSize = 8;

class UdpView {
 public:
  // `datagram` is the whole payload of the packet. The length field must lie within it; what follows is
  // no part of the datagram.
  static Result<UdpView> parse(MutableBytes datagram) noexcept;

  std::uint16_t source_port() const noexcept { return load_be<std::uint16_t>(datagram_.data()); }
  std::uint16_t destination_port() const noexcept { return load_be<std::uint16_t>(datagram_.data() + 2); }
  std::uint16_t checksum() const noexcept { return load_be<std::uint16_t>(datagram_.data() + 6); }
  MutableBytes payload() const noexcept { return datagram_.subspan(kUdpHeaderSize); }
  MutableBytes datagram() const noexcept { return datagram_; }

  // A zero checksum means none: valid over IPv4, never over IPv6.
  bool checksum_is_valid(const IpAddress& source, const IpAddress& destination) const noexcept;

 private:
  explicit UdpView(MutableBytes datagram) noexcept : datagram_(datagram) {}

  MutableBytes datagram_;
};

// Writes the header with its checksum in front of the payload that stands in `datagram` already.
// REQUIRES: kUdpHeaderSize <= datagram.size() <= 65535.
void write_udp(MutableBytes datagram, const SocketAddress& source, const SocketAddress& destination) noexcept;

}  // namespace wgr::wire
