#include "core/wire/udp.h"

#include <cassert>

#include "core/wire/checksum.h"

namespace wgr::wire {

Result<UdpView> UdpView::parse(MutableBytes datagram) noexcept {
  if (datagram.size() < kUdpHeaderSize) return DropReason::kPacketMalformed;
  const std::size_t length = load_be<std::uint16_t>(datagram.data() + 4);
  if (length < kUdpHeaderSize || length > datagram.size()) return DropReason::kPacketMalformed;
  return UdpView{datagram.first(length)};
}

bool UdpView::checksum_is_valid(const IpAddress& source, const IpAddress& destination) const noexcept {
  if (checksum() == 0) return source.is_v4();
  return (pseudo_header_sum(source, destination, IpProtocol::kUdp, datagram_.size()) +
          PartialSum::of(datagram_))
      .is_valid();
}

void write_udp(MutableBytes datagram, const SocketAddress& source,
               const SocketAddress& destination) noexcept {
  assert(datagram.size() >= kUdpHeaderSize && datagram.size() <= 65535);
  std::uint8_t* const at = datagram.data();
  store_be(at, source.port);
  store_be(at + 2, destination.port);
  store_be(at + 4, static_cast<std::uint16_t>(datagram.size()));
  store_be(at + 6, std::uint16_t{0});
  const std::uint16_t checksum =
      (pseudo_header_sum(source.ip, destination.ip, IpProtocol::kUdp, datagram.size()) +
       PartialSum::of(datagram))
          .checksum();
  // Zero would mean "no checksum"; its one's complement twin means the same sum.
  store_be(at + 6, checksum == 0 ? std::uint16_t{0xffff} : checksum);
}

}  // namespace wgr::wire
