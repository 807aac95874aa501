#include "slirp/guest_packets.h"

#include <algorithm>
#include <cstddef>

#include "core/wire/icmp.h"
#include "core/wire/udp.h"
#include "slirp/guest.h"

namespace wgr::slirp {

namespace {

std::size_t ip_header_size(Family family) noexcept {
  return family == Family::kV4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
}

// What no kernel exceeds: the length fields could not say more.
std::size_t max_upper_size(Family family) noexcept {
  return family == Family::kV4 ? 65535 - wire::kIpv4HeaderSize : 65535;
}

}  // namespace

void GuestPackets::udp(const Guest& guest, const SocketAddress& from, const SocketAddress& to, Bytes payload,
                       std::uint8_t tos, PacketBatch& out) {
  udp_headers_.aim(from, to, tos);
  if (const std::size_t size = udp_headers_.size() + payload.size(); size <= guest.mtu()) [[likely]] {
    const MutableBytes packet = out.allocate(size);
    std::copy(payload.begin(), payload.end(),
              packet.begin() + static_cast<std::ptrdiff_t>(udp_headers_.size()));
    udp_headers_.write(packet);
    out.push(guest.id, packet);
    return;
  }
  if (payload.size() > max_upper_size(to.ip.family()) - wire::kUdpHeaderSize) return;
  const MutableBytes packet = begin(to.ip.family(), wire::kUdpHeaderSize + payload.size(), out);
  const MutableBytes datagram = packet.subspan(ip_header_size(to.ip.family()));
  std::copy(payload.begin(), payload.end(), datagram.begin() + wire::kUdpHeaderSize);
  wire::write_udp(datagram, from, to);
  write_and_push(guest, packet, from.ip, to.ip, wire::IpProtocol::kUdp, tos, out);
}

void GuestPackets::echo_reply(const Guest& guest, const IpAddress& from, const IpAddress& to,
                              std::uint16_t identifier, std::uint16_t sequence, Bytes data, std::uint8_t tos,
                              PacketBatch& out) {
  if (data.size() > max_upper_size(to.family()) - wire::kIcmpHeaderSize) return;
  const MutableBytes packet = begin(to.family(), wire::kIcmpHeaderSize + data.size(), out);
  const MutableBytes message = packet.subspan(ip_header_size(to.family()));
  std::copy(data.begin(), data.end(), message.begin() + wire::kIcmpHeaderSize);
  const std::uint8_t type = to.is_v4() ? wire::icmpv4::kEchoReply : wire::icmpv6::kEchoReply;
  wire::write_icmp(message, {.type = type, .rest = wire::echo_rest(identifier, sequence)}, from, to);
  write_and_push(guest, packet, from, to, wire::icmp_protocol(to.family()), tos, out);
}

void GuestPackets::tcp(const Guest& guest, const wire::TcpHeader& header, const IpAddress& from,
                       const IpAddress& to, PacketBatch& out) {
  const MutableBytes packet = begin(to.family(), header.size(), out);
  wire::write_tcp(packet.subspan(ip_header_size(to.family())), header, from, to);
  write_and_push(guest, packet, from, to, wire::IpProtocol::kTcp, 0, out);
}

bool GuestPackets::error(const Guest& guest, MutableBytes packet, const IcmpError& error, Instant now,
                         PacketBatch& out, const std::optional<IpAddress>& reporter) {
  const IcmpErrorOutcome outcome = errors_.send({guest.id, packet}, error, now, out, reporter);
  if (outcome == IcmpErrorOutcome::kRateLimited) counters_.drops.count(DropReason::kIcmpRateLimited);
  if (outcome == IcmpErrorOutcome::kSent) counters_.icmp_errors_sent.add();
  return outcome == IcmpErrorOutcome::kSent;
}

MutableBytes GuestPackets::begin(Family family, std::size_t upper_size, PacketBatch& out) {
  return out.allocate(ip_header_size(family) + upper_size);
}

void GuestPackets::write_and_push(const Guest& guest, MutableBytes packet, const IpAddress& from,
                                  const IpAddress& to, wire::IpProtocol protocol, std::uint8_t tos,
                                  PacketBatch& out) {
  if (to.is_v4()) {
    wire::write_ipv4(packet, {.source = from,
                              .destination = to,
                              .protocol = protocol,
                              .ttl = config_.ttl,
                              .tos = tos,
                              .dont_fragment = packet.size() <= guest.mtu()});
  } else {
    wire::write_ipv6(packet, {.source = from,
                              .destination = to,
                              .next_header = protocol,
                              .hop_limit = config_.ttl,
                              .traffic_class = tos});
  }
  fragmenter_.push(guest.id, packet, guest.mtu(), out);
}

}  // namespace wgr::slirp
