#include "slirp/icmp_error.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/wire/tcp.h"
#include "core/wire/udp.h"

namespace wgr::slirp {
namespace {

using wire::IpProtocol;
namespace icmpv4 = wire::icmpv4;
namespace icmpv6 = wire::icmpv6;

constexpr std::size_t kMaxErrorV4 = 576;                // RFC 1812 4.3.2.3
constexpr std::size_t kMaxErrorV6 = wire::kIpv6MinMtu;  // RFC 4443 2.4 (c)
constexpr std::uint8_t kInternetworkControl = 0xc0;     // RFC 1812 4.3.2.5

std::size_t ip_header_size(Family family) {
  return family == Family::kV4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
}

// Whether the address names one host (RFC 1122 3.2.2).
bool is_one_host(const IpAddress& address) {
  if (address.is_v6()) return !address.is_multicast() && !address.is_unspecified();
  const std::uint8_t first = address.bytes()[0];
  return first != 0 && first < 224;
}

// RFC 4443 2.4 (e.3): the two errors that answer even what was sent to many.
bool is_told_to_senders_of_multicast(const IcmpError& error) {
  return error.type == icmpv6::kPacketTooBig ||
         (error.type == icmpv6::kParameterProblem && error.code == icmpv6::kUnknownOption);
}

struct Answerable {
  Family family;
  IpAddress source;
  IpAddress destination;
  Bytes packet;
};

std::optional<Answerable> find_answerable(MutableBytes packet, const IcmpError& error) {
  IpProtocol protocol;
  Bytes upper;
  Answerable found;
  if (const Result<wire::IpView> ip = wire::IpView::parse(packet)) {
    if (!ip->is_first_fragment) return std::nullopt;
    found = {ip->family, ip->source, ip->destination, ip->packet};
    protocol = ip->protocol;
    upper = ip->payload;
  } else {
    // Its extension headers were refused; where they lead to is known all the same, or nothing is said.
    const Result<wire::QuotedPacket> quoted = wire::QuotedPacket::parse(Family::kV6, packet);
    if (!quoted) return std::nullopt;
    found = {Family::kV6, quoted->source, quoted->destination, packet};
    protocol = quoted->protocol;
    upper = quoted->upper;
  }
  if (!is_one_host(found.source) || found.source.is_loopback()) return std::nullopt;
  const bool is_excepted = found.family == Family::kV6 && is_told_to_senders_of_multicast(error);
  if (!is_one_host(found.destination) && !(is_excepted && found.destination.is_multicast()))
    return std::nullopt;
  if (protocol == wire::icmp_protocol(found.family)) {
    if (upper.empty() || wire::is_icmp_error(found.family, upper[0])) return std::nullopt;
  }
  return found;
}

// A whole header in front of `upper_size` bytes, of which only some may fit.
void write_ip(MutableBytes packet, const IpAddress& source, const IpAddress& destination, IpProtocol protocol,
              std::uint8_t ttl, std::uint8_t tos) {
  if (source.is_v4()) {
    wire::Ipv4Header header;
    header.source = source;
    header.destination = destination;
    header.protocol = protocol;
    header.ttl = ttl;
    header.tos = tos;
    wire::write_ipv4(packet, header);
    return;
  }
  wire::Ipv6Header header;
  header.source = source;
  header.destination = destination;
  header.next_header = protocol;
  header.hop_limit = ttl;
  header.traffic_class = tos;
  wire::write_ipv6(packet, header);
}

constexpr std::uint8_t kQuotedTtl = 64;

}  // namespace

IcmpErrorOutcome IcmpErrors::send(const PacketView& packet, const IcmpError& error, Instant now,
                                  PacketBatch& out, const std::optional<IpAddress>& reporter) {
  const std::optional<Answerable> about = find_answerable(packet.bytes, error);
  if (!about) return IcmpErrorOutcome::kForbidden;
  const IpAddress from = reporter.value_or(default_reporter(error, about->destination));
  if (from.family() != about->family || !is_one_host(from)) return IcmpErrorOutcome::kForbidden;

  TokenBucket& bucket =
      buckets_.try_emplace(packet.guest, config_.icmp.errors_per_second, config_.icmp.error_burst, now)
          .first->second;
  if (!bucket.take(now)) return IcmpErrorOutcome::kRateLimited;

  const std::size_t header_size = ip_header_size(about->family);
  const std::size_t overhead = header_size + wire::kIcmpHeaderSize;
  const std::size_t limit = about->family == Family::kV4 ? kMaxErrorV4 : kMaxErrorV6;
  const std::size_t room = std::max(std::min<std::size_t>(limit, config_.mtu), 2 * overhead) - overhead;
  const Bytes quote = about->packet.first(std::min(about->packet.size(), room));

  const MutableBytes bytes = out.allocate(overhead + quote.size());
  const MutableBytes message = bytes.subspan(header_size);
  std::memcpy(message.data() + wire::kIcmpHeaderSize, quote.data(), quote.size());
  wire::write_icmp(message, {error.type, error.code, error.rest}, from, about->source);
  write_ip(bytes, from, about->source, wire::icmp_protocol(about->family), config_.ttl, kInternetworkControl);
  out.push(packet.guest, bytes);
  return IcmpErrorOutcome::kSent;
}

IpAddress IcmpErrors::default_reporter(const IcmpError& error, const IpAddress& destination) const {
  const bool host_speaks =
      destination.is_v4()
          ? error.type == icmpv4::kDestinationUnreachable &&
                (error.code == icmpv4::kPortUnreachable || error.code == icmpv4::kProtocolUnreachable)
          : (error.type == icmpv6::kDestinationUnreachable && error.code == icmpv6::kPortUnreachable) ||
                (error.type == icmpv6::kParameterProblem && error.code == icmpv6::kUnknownNextHeader);
  if (host_speaks && is_one_host(destination)) return destination;
  // A link-local address means nothing beyond its link.
  const IpAddress* of_link = nullptr;
  for (const IpAddress& own : config_.own_addresses) {
    if (own.family() != destination.family()) continue;
    if (!own.is_link_local()) return own;
    if (of_link == nullptr) of_link = &own;
  }
  return of_link == nullptr ? destination : *of_link;
}

IcmpError IcmpError::net_unreachable(Family family) noexcept {
  if (family == Family::kV4) return {icmpv4::kDestinationUnreachable, icmpv4::kNetUnreachable, 0};
  return {icmpv6::kDestinationUnreachable, icmpv6::kNoRoute, 0};
}

IcmpError IcmpError::host_unreachable(Family family) noexcept {
  if (family == Family::kV4) return {icmpv4::kDestinationUnreachable, icmpv4::kHostUnreachable, 0};
  return {icmpv6::kDestinationUnreachable, icmpv6::kAddressUnreachable, 0};
}

IcmpError IcmpError::port_unreachable(Family family) noexcept {
  if (family == Family::kV4) return {icmpv4::kDestinationUnreachable, icmpv4::kPortUnreachable, 0};
  return {icmpv6::kDestinationUnreachable, icmpv6::kPortUnreachable, 0};
}

IcmpError IcmpError::protocol_unreachable(Family family, std::size_t field_offset) noexcept {
  if (family == Family::kV4) return {icmpv4::kDestinationUnreachable, icmpv4::kProtocolUnreachable, 0};
  return {icmpv6::kParameterProblem, icmpv6::kUnknownNextHeader, static_cast<std::uint32_t>(field_offset)};
}

IcmpError IcmpError::administratively_prohibited(Family family) noexcept {
  if (family == Family::kV4) return {icmpv4::kDestinationUnreachable, icmpv4::kAdministrativelyProhibited, 0};
  return {icmpv6::kDestinationUnreachable, icmpv6::kAdministrativelyProhibited, 0};
}

IcmpError IcmpError::packet_too_big(Family family, std::uint16_t mtu) noexcept {
  if (family == Family::kV4) return {icmpv4::kDestinationUnreachable, icmpv4::kFragmentationNeeded, mtu};
  return {icmpv6::kPacketTooBig, 0, mtu};
}

IcmpError IcmpError::ttl_exceeded(Family family) noexcept {
  if (family == Family::kV4) return {icmpv4::kTimeExceeded, icmpv4::kTtlExceeded, 0};
  return {icmpv6::kTimeExceeded, icmpv6::kHopLimitExceeded, 0};
}

IcmpError IcmpError::reassembly_time_exceeded(Family family) noexcept {
  if (family == Family::kV4) return {icmpv4::kTimeExceeded, icmpv4::kReassemblyTimeExceeded, 0};
  return {icmpv6::kTimeExceeded, icmpv6::kReassemblyTimeExceeded, 0};
}

IcmpError IcmpError::parameter_problem(Family family, std::uint8_t code, std::uint32_t pointer) noexcept {
  if (family == Family::kV4) return {icmpv4::kParameterProblem, 0, pointer << 24};  // one byte of pointer
  return {icmpv6::kParameterProblem, code, pointer};
}

MutableBytes write_quoted_udp(MutableBytes into, const SocketAddress& source,
                              const SocketAddress& destination, Bytes payload) {
  const std::size_t header_size = ip_header_size(source.ip.family());
  const std::size_t overhead = header_size + wire::kUdpHeaderSize;
  assert(into.size() >= overhead);
  const Bytes kept = payload.first(std::min(payload.size(), into.size() - overhead));
  const MutableBytes packet = into.first(overhead + kept.size());
  std::copy(kept.begin(), kept.end(), packet.begin() + static_cast<std::ptrdiff_t>(overhead));
  wire::write_udp(packet.subspan(header_size), source, destination);
  write_ip(packet, source.ip, destination.ip, IpProtocol::kUdp, kQuotedTtl, 0);
  return packet;
}

MutableBytes write_quoted_tcp(MutableBytes into, const SocketAddress& source,
                              const SocketAddress& destination, std::uint32_t sequence) {
  const std::size_t header_size = ip_header_size(source.ip.family());
  const MutableBytes packet = into.first(header_size + wire::kTcpHeaderSize);
  wire::TcpHeader header;
  header.source_port = source.port;
  header.destination_port = destination.port;
  header.sequence = sequence;
  header.flags = wire::kTcpSyn;
  wire::write_tcp(packet.subspan(header_size), header, source.ip, destination.ip);
  write_ip(packet, source.ip, destination.ip, IpProtocol::kTcp, kQuotedTtl, 0);
  return packet;
}

MutableBytes write_quoted_echo(MutableBytes into, const IpAddress& source, const IpAddress& destination,
                               std::uint16_t identifier, std::uint16_t sequence) {
  const std::size_t header_size = ip_header_size(source.family());
  const MutableBytes packet = into.first(header_size + wire::kIcmpHeaderSize);
  const std::uint8_t type = source.is_v4() ? icmpv4::kEchoRequest : icmpv6::kEchoRequest;
  wire::write_icmp(packet.subspan(header_size), {type, 0, wire::echo_rest(identifier, sequence)}, source,
                   destination);
  write_ip(packet, source, destination, wire::icmp_protocol(source.family()), kQuotedTtl, 0);
  return packet;
}

}  // namespace wgr::slirp
