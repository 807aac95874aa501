#include "slirp/udp_headers.h"

#include <cassert>
#include <cstring>

#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"

namespace wgr::slirp {
namespace {

constexpr std::size_t kIpv4Length = 2;
constexpr std::size_t kIpv4Checksum = 10;
constexpr std::size_t kIpv6PayloadLength = 4;
constexpr std::size_t kUdpLength = 4;
constexpr std::size_t kUdpChecksum = 6;

}  // namespace

void UdpHeaders::prepare(const SocketAddress& from, const SocketAddress& to, std::uint8_t tos) noexcept {
  assert(from.ip.family() == to.ip.family());
  from_ = from;
  to_ = to;
  tos_ = tos;
  headers_.fill(0);
  std::uint8_t* const ip = headers_.data();
  if (to.ip.is_v4()) {
    ip_size_ = wire::kIpv4HeaderSize;
    wire::write_ipv4({ip, ip_size_}, {.source = from.ip,
                                      .destination = to.ip,
                                      .protocol = wire::IpProtocol::kUdp,
                                      .ttl = ttl_,
                                      .tos = tos,
                                      .dont_fragment = true});
    store_be<std::uint16_t>(ip + kIpv4Length, 0);
    store_be<std::uint16_t>(ip + kIpv4Checksum, 0);
    ip_sum_ = wire::PartialSum::of({ip, ip_size_});
  } else {
    ip_size_ = wire::kIpv6HeaderSize;
    wire::write_ipv6({ip, ip_size_}, {.source = from.ip,
                                      .destination = to.ip,
                                      .next_header = wire::IpProtocol::kUdp,
                                      .hop_limit = ttl_,
                                      .traffic_class = tos});
  }
  std::uint8_t* const udp = ip + ip_size_;
  store_be(udp, from.port);
  store_be(udp + 2, to.port);
  udp_sum_ = wire::pseudo_header_sum(from.ip, to.ip, wire::IpProtocol::kUdp, /*length=*/0) +
             wire::PartialSum::of({udp, wire::kUdpHeaderSize});
}

void UdpHeaders::write(MutableBytes packet) const noexcept {
  assert(ip_size_ != 0 && packet.size() >= size());
  std::uint8_t* const ip = packet.data();
  std::uint8_t* const udp = ip + ip_size_;
  const auto udp_length = static_cast<std::uint16_t>(packet.size() - ip_size_);
  if (ip_size_ == wire::kIpv4HeaderSize) {
    assert(packet.size() <= wire::kIpv4MaxPacketSize);
    std::memcpy(ip, headers_.data(), wire::kIpv4HeaderSize + wire::kUdpHeaderSize);
    const auto length = static_cast<std::uint16_t>(packet.size());
    store_be(ip + kIpv4Length, length);
    store_be(ip + kIpv4Checksum, (ip_sum_ + wire::PartialSum::of_word(length)).checksum());
  } else {
    std::memcpy(ip, headers_.data(), kMaxSize);
    store_be(ip + kIpv6PayloadLength, udp_length);
  }
  store_be(udp + kUdpLength, udp_length);
  const wire::PartialSum length_sum = wire::PartialSum::of_word(udp_length);  // here and in the pseudo header
  const std::uint16_t checksum =
      (udp_sum_ + length_sum + length_sum + wire::PartialSum::of(Bytes{packet}.subspan(size()))).checksum();
  // Zero would mean "no checksum"; its one's complement twin means the same sum.
  store_be(udp + kUdpChecksum, checksum == 0 ? std::uint16_t{0xffff} : checksum);
}

}  // namespace wgr::slirp
