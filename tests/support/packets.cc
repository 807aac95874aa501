#include "tests/support/packets.h"

#include <algorithm>

#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "slirp/fragment.h"

namespace wgr::sim {

Packet ip_packet(const IpAddress& from, const IpAddress& to, wire::IpProtocol protocol, Bytes upper,
                 const PacketOptions& options) {
  Packet packet(from.is_v4() ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize);
  packet.insert(packet.end(), upper.begin(), upper.end());
  if (from.is_v4()) {
    wire::write_ipv4(packet, {.source = from,
                              .destination = to,
                              .protocol = protocol,
                              .ttl = options.ttl,
                              .tos = options.tos,
                              .dont_fragment = options.dont_fragment});
  } else {
    wire::write_ipv6(packet, {.source = from,
                              .destination = to,
                              .next_header = protocol,
                              .hop_limit = options.ttl,
                              .traffic_class = options.tos});
  }
  return packet;
}

Packet udp_packet(const SocketAddress& from, const SocketAddress& to, Bytes payload,
                  const PacketOptions& options) {
  Packet upper(wire::kUdpHeaderSize);
  upper.insert(upper.end(), payload.begin(), payload.end());
  wire::write_udp(upper, from, to);
  return ip_packet(from.ip, to.ip, wire::IpProtocol::kUdp, upper, options);
}

Packet udp_packet(const SocketAddress& from, const SocketAddress& to, std::string_view text,
                  const PacketOptions& options) {
  return udp_packet(from, to, bytes_of(text), options);
}

Packet echo_packet(const IpAddress& from, const IpAddress& to, std::uint16_t identifier,
                   std::uint16_t sequence, std::string_view data, const PacketOptions& options) {
  Packet upper(wire::kIcmpHeaderSize);
  upper.insert(upper.end(), data.begin(), data.end());
  const std::uint8_t type = from.is_v4() ? wire::icmpv4::kEchoRequest : wire::icmpv6::kEchoRequest;
  wire::write_icmp(upper, {.type = type, .rest = wire::echo_rest(identifier, sequence)}, from, to);
  return ip_packet(from, to, wire::icmp_protocol(from.family()), upper, options);
}

Packet icmp_error_packet(const IpAddress& from, const IpAddress& to, std::uint8_t type, std::uint8_t code,
                         std::uint32_t rest, Bytes quoted) {
  Packet upper(wire::kIcmpHeaderSize);
  upper.insert(upper.end(), quoted.begin(), quoted.end());
  wire::write_icmp(upper, {.type = type, .code = code, .rest = rest}, from, to);
  return ip_packet(from, to, wire::icmp_protocol(from.family()), upper);
}

Packet tcp_packet(const SocketAddress& from, const SocketAddress& to, wire::TcpHeader header,
                  std::string_view data, const PacketOptions& options) {
  header.source_port = from.port;
  header.destination_port = to.port;
  Packet upper(header.size());
  upper.insert(upper.end(), data.begin(), data.end());
  wire::write_tcp(upper, header, from.ip, to.ip);
  return ip_packet(from.ip, to.ip, wire::IpProtocol::kTcp, upper, options);
}

std::vector<Packet> fragments_of(const Packet& packet, std::size_t mtu) {
  Rng rng{7};
  slirp::Fragmenter fragmenter{rng};
  PacketBatch batch;
  Packet copy = packet;
  fragmenter.push(GuestId{}, copy, mtu, batch);
  std::vector<Packet> fragments;
  for (const PacketView& view : batch.packets()) fragments.emplace_back(view.bytes.begin(), view.bytes.end());
  return fragments;
}

}  // namespace wgr::sim
