// The IP and UDP headers of datagrams from one remote to one guest (RFC 768, RFC 791, RFC 8200), kept from
// one datagram to the next because neighbours are mostly of one flow: per datagram only lengths and sums
// change. Never for fragments: every packet says "don't fragment".
//
// Thread: confined to its owner.
#pragma once

#include <array>
#include <cstdint>

#include "core/address.h"
#include "core/bytes.h"
#include "core/wire/checksum.h"
#include "core/wire/udp.h"

namespace wgr::slirp {

class UdpHeaders {
 public:
  // Of none yet.
  explicit UdpHeaders(std::uint8_t ttl) noexcept : ttl_(ttl) {}

  // From here on the headers are those of this direction. REQUIRES: both of one family.
  void aim(const SocketAddress& from, const SocketAddress& to, std::uint8_t tos) noexcept {
    if (!(from == from_ && to == to_ && tos == tos_ && ip_size_ != 0)) [[unlikely]]
      prepare(from, to, tos);
  }
  // Of both headers. REQUIRES: aim() was called.
  std::size_t size() const noexcept { return ip_size_ + wire::kUdpHeaderSize; }
  // In front of the payload that stands in `packet` already, size() bytes from its start.
  // REQUIRES: the length fields can tell the size of the packet.
  void write(MutableBytes packet) const noexcept;

 private:
  static constexpr std::size_t kMaxSize = 40 + wire::kUdpHeaderSize;

  void prepare(const SocketAddress& from, const SocketAddress& to, std::uint8_t tos) noexcept;

  std::uint8_t ttl_;
  std::uint8_t tos_ = 0;
  std::uint8_t ip_size_ = 0;
  SocketAddress from_;
  SocketAddress to_;
  std::array<std::uint8_t, kMaxSize> headers_{};  // lengths and checksums are zero
  wire::PartialSum ip_sum_;                       // IPv4
  wire::PartialSum udp_sum_;                      // with the pseudo header, but for its length
};

}  // namespace wgr::slirp
