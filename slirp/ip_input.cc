#include "slirp/ip_input.h"

#include <algorithm>
#include <cassert>

#include "core/wire/checksum.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"

namespace wgr::slirp {
namespace {

IpRefusal silent(DropReason reason) { return {reason, std::nullopt}; }

// Sources no packet on a network can have (RFC 1122 3.2.1.3, RFC 1812 5.3.7, RFC 4291 2.5).
bool is_martian_source(const IpAddress& source) {
  if (source.is_v4()) {
    const std::uint8_t first = source.bytes()[0];
    return first == 0 || first == 127 || first >= 224;
  }
  if (source.is_unspecified() || source.is_loopback() || source.is_multicast()) return true;
  // ::ffff:0:0/96 stands for IPv4 inside a host and never on a wire (RFC 4942 2.2).
  const Bytes bytes = source.bytes();
  const bool is_mapped =
      std::all_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t b) { return b == 0; }) &&
      bytes[10] == 0xff && bytes[11] == 0xff;
  return is_mapped;
}

// Destinations that are not one host; loopback and the like are the egress policy's.
bool is_undeliverable(const IpAddress& destination) {
  if (destination.is_v6()) return destination.is_multicast() || destination.is_unspecified();
  const std::uint8_t first = destination.bytes()[0];
  return first == 0 || first >= 224;
}

Result<wire::IpView, IpRefusal> parse_v4(MutableBytes packet) {
  const Result<wire::Ipv4View> view = wire::Ipv4View::parse(packet);
  if (!view) return silent(view.error());
  if (!view->checksum_is_valid()) return silent(DropReason::kChecksumInvalid);
  if (view->header_length() > wire::kIpv4HeaderSize && view->has_source_route()) {
    return silent(DropReason::kIpOptionRefused);
  }
  return wire::IpView::of(*view);
}

Result<wire::IpView, IpRefusal> parse_v6(MutableBytes packet) {
  const Result<wire::Ipv6View, wire::Ipv6Refusal> view = wire::Ipv6View::parse(packet);
  if (view) return wire::IpView::of(*view);
  const wire::Ipv6Refusal& refusal = view.error();
  IpRefusal refused = silent(refusal.reason);
  if (refusal.parameter_problem) {
    const bool is_to_many = packet[24] == 0xff;  // first byte of the destination
    if (!is_to_many || refusal.tell_multicast) {
      refused.answer = IcmpError::parameter_problem(Family::kV6, *refusal.parameter_problem, refusal.pointer);
    }
  }
  return refused;
}

template <typename Word>
bool same(const std::uint8_t* a, const std::uint8_t* b) noexcept {
  return load_le<Word>(a) == load_le<Word>(b);
}

}  // namespace

Result<wire::IpView, IpRefusal> IpInput::check(MutableBytes packet, TransportChecksums checksums) const {
  const std::optional<Family> version = wire::ip_version(packet);
  if (!version) return silent(DropReason::kPacketMalformed);
  Result<wire::IpView, IpRefusal> ip = *version == Family::kV4 ? parse_v4(packet) : parse_v6(packet);
  if (!ip) return ip;
  if (const std::optional<IpRefusal> refusal = check_ends(*ip)) return *refusal;
  if (checksums == TransportChecksums::kVerified && !ip->is_fragment && !transport_checksum_is_valid(*ip)) {
    return silent(DropReason::kChecksumInvalid);
  }
  return ip;
}

std::optional<IpRefusal> IpInput::check_ends(const wire::IpView& ip) const {
  if (is_martian_source(ip.source) || is_own(ip.source)) return silent(DropReason::kSourceInvalid);
  if (is_undeliverable(ip.destination)) return silent(DropReason::kDestinationInvalid);
  if (is_own(ip.destination)) return std::nullopt;
  // RFC 3927 2.7, RFC 4291 2.5.6: not forwarded off the link.
  if (ip.source.is_link_local()) return silent(DropReason::kSourceInvalid);
  if (ip.ttl <= 1) return IpRefusal{DropReason::kTtlExpired, IcmpError::ttl_exceeded(ip.family)};
  return std::nullopt;
}

const AcceptedPacket* IpInput::check_like_last(MutableBytes packet) noexcept {
  std::size_t header = 0;
  std::size_t length = 0;
  if (last_header_kind_ == Header::kV4 && is_like_last_v4(packet)) {
    header = wire::kIpv4HeaderSize;
    length = load_be<std::uint16_t>(packet.data() + 2);
  } else if (last_header_kind_ == Header::kV6 && is_like_last_v6(packet)) {
    header = wire::kIpv6HeaderSize;
    length = header + load_be<std::uint16_t>(packet.data() + 4);
  } else {
    return nullptr;
  }
  if (length < header || length > packet.size()) return nullptr;
  last_.ip.packet = packet.first(length);
  last_.ip.payload = last_.ip.packet.subspan(header);
  return &last_;
}

bool IpInput::is_like_last_v4(Bytes packet) const noexcept {
  if (packet.size() < wire::kIpv4HeaderSize) return false;
  const std::uint8_t* const a = packet.data();
  const std::uint8_t* const b = last_header_.data();
  return same<std::uint16_t>(a, b) &&            // version, header length, TOS
         same<std::uint32_t>(a + 6, b + 6) &&    // flags and fragment offset, TTL, protocol
         same<std::uint64_t>(a + 12, b + 12) &&  // addresses
         wire::PartialSum::of_words<wire::kIpv4HeaderSize / 4>(a).is_valid();
}

bool IpInput::is_like_last_v6(Bytes packet) const noexcept {
  if (packet.size() < wire::kIpv6HeaderSize) return false;
  const std::uint8_t* const a = packet.data();
  const std::uint8_t* const b = last_header_.data();
  return same<std::uint32_t>(a, b) &&          // version, class, flow label
         same<std::uint16_t>(a + 6, b + 6) &&  // next header, hop limit
         same<std::uint64_t>(a + 8, b + 8) && same<std::uint64_t>(a + 16, b + 16) &&
         same<std::uint64_t>(a + 24, b + 24) && same<std::uint64_t>(a + 32, b + 32);
}

const AcceptedPacket& IpInput::remember(const wire::IpView& ip) {
  assert(!ip.is_fragment);
  last_ = {ip, is_own(ip.destination)};
  const std::size_t header = ip.packet.size() - ip.payload.size();
  last_header_kind_ = Header::kOther;
  if (ip.family == Family::kV4 && header == wire::kIpv4HeaderSize) last_header_kind_ = Header::kV4;
  if (ip.family == Family::kV6 && header == wire::kIpv6HeaderSize) last_header_kind_ = Header::kV6;
  if (last_header_kind_ != Header::kOther) std::copy_n(ip.packet.begin(), header, last_header_.begin());
  return last_;
}

bool IpInput::is_own(const IpAddress& address) const noexcept {
  return std::find(config_.own_addresses.begin(), config_.own_addresses.end(), address) !=
         config_.own_addresses.end();
}

bool transport_checksum_is_valid(const wire::IpView& ip) noexcept {
  switch (ip.protocol) {
    case wire::IpProtocol::kTcp: {
      const auto segment = wire::TcpView::parse(ip.payload);
      return segment && segment->checksum_is_valid(ip.source, ip.destination);
    }
    case wire::IpProtocol::kUdp: {
      const auto datagram = wire::UdpView::parse(ip.payload);
      return datagram && datagram->checksum_is_valid(ip.source, ip.destination);
    }
    case wire::IpProtocol::kIcmp:
    case wire::IpProtocol::kIcmpV6: {
      if (ip.protocol != wire::icmp_protocol(ip.family)) return true;
      const auto message = wire::IcmpView::parse(ip.family, ip.payload);
      return message && message->checksum_is_valid(ip.source, ip.destination);
    }
    default:
      return true;
  }
}

}  // namespace wgr::slirp
