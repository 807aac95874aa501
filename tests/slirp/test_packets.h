// Packets as guests send them, for tests of the IP layer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "core/address.h"
#include "core/wire/icmp.h"
#include "core/wire/ip.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"

namespace wgr::slirp::test {

using Packet = std::vector<std::uint8_t>;

inline const IpAddress kGuestV4 = IpAddress::v4(10, 0, 0, 2);
inline const IpAddress kOwnV4 = IpAddress::v4(10, 0, 0, 1);
inline const IpAddress kRemoteV4 = IpAddress::v4(198, 51, 100, 7);
inline const IpAddress kGuestV6 = *IpAddress::parse("fd00::2");
inline const IpAddress kOwnV6 = *IpAddress::parse("fd00::1");
inline const IpAddress kRemoteV6 = *IpAddress::parse("2001:db8::7");

inline IpAddress guest_address(Family family) { return family == Family::kV4 ? kGuestV4 : kGuestV6; }
inline IpAddress remote_address(Family family) { return family == Family::kV4 ? kRemoteV4 : kRemoteV6; }

inline std::size_t ip_header_size(Family family) {
  return family == Family::kV4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
}

// Counting bytes, so that every place is told from every other.
inline Packet payload(std::size_t size, unsigned first = 1) {
  Packet bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>((first + i) * 7 + (i >> 8));
  return bytes;
}

// Any upper bytes behind a header of the family of the addresses.
inline Packet ip_packet(const IpAddress& source, const IpAddress& destination, wire::IpProtocol protocol,
                        const Packet& upper, std::uint8_t ttl = 64) {
  const std::size_t header_size = ip_header_size(source.family());
  Packet packet(header_size + upper.size());
  std::copy(upper.begin(), upper.end(), packet.begin() + static_cast<std::ptrdiff_t>(header_size));
  if (source.is_v4()) {
    wire::Ipv4Header header;
    header.source = source;
    header.destination = destination;
    header.protocol = protocol;
    header.ttl = ttl;
    wire::write_ipv4(packet, header);
  } else {
    wire::Ipv6Header header;
    header.source = source;
    header.destination = destination;
    header.next_header = protocol;
    header.hop_limit = ttl;
    wire::write_ipv6(packet, header);
  }
  return packet;
}

inline Packet udp_packet(const IpAddress& source, const IpAddress& destination, std::size_t size,
                         std::uint8_t ttl = 64) {
  Packet upper = payload(wire::kUdpHeaderSize + size);
  wire::write_udp(upper, {source, 4000}, {destination, 53});
  return ip_packet(source, destination, wire::IpProtocol::kUdp, upper, ttl);
}

inline Packet udp_packet(Family family, std::size_t size) {
  return udp_packet(guest_address(family), remote_address(family), size);
}

inline Packet tcp_packet(const IpAddress& source, const IpAddress& destination, std::size_t size) {
  Packet upper = payload(wire::kTcpHeaderSize + size);
  wire::TcpHeader header;
  header.source_port = 4000;
  header.destination_port = 80;
  header.sequence = 0x01020304;
  header.flags = wire::kTcpSyn;
  wire::write_tcp(upper, header, source, destination);
  return ip_packet(source, destination, wire::IpProtocol::kTcp, upper);
}

inline Packet icmp_packet(const IpAddress& source, const IpAddress& destination, std::uint8_t type,
                          std::uint8_t code, std::size_t size) {
  Packet upper = payload(wire::kIcmpHeaderSize + size);
  wire::write_icmp(upper, {type, code, wire::echo_rest(7, 1)}, source, destination);
  return ip_packet(source, destination, wire::icmp_protocol(source.family()), upper);
}

// Bytes [offset, offset + size) of what `whole` carries, as one fragment of it. `whole` has no options.
inline Packet fragment_of(const Packet& whole, std::size_t offset, std::size_t size, std::uint32_t id = 77) {
  const Family family = whole[0] >> 4 == 4 ? Family::kV4 : Family::kV6;
  const std::size_t header_size = ip_header_size(family);
  const bool more = header_size + offset + size < whole.size();
  const auto from = whole.begin() + static_cast<std::ptrdiff_t>(header_size + offset);
  Packet piece(from, from + static_cast<std::ptrdiff_t>(size));
  if (family == Family::kV4) {
    Packet packet(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(header_size));
    packet.insert(packet.end(), piece.begin(), piece.end());
    wire::Ipv4Header header;
    header.source = IpAddress::from_bytes(Bytes{packet}.subspan(12, 4));
    header.destination = IpAddress::from_bytes(Bytes{packet}.subspan(16, 4));
    header.protocol = static_cast<wire::IpProtocol>(packet[9]);
    header.identification = static_cast<std::uint16_t>(id);
    header.dont_fragment = false;
    header.more_fragments = more;
    header.fragment_offset = offset;
    wire::write_ipv4(packet, header);
    return packet;
  }
  wire::Ipv6Fragment fragment;
  fragment.next_header = static_cast<wire::IpProtocol>(whole[6]);
  fragment.offset = offset;
  fragment.more_fragments = more;
  fragment.identification = id;
  Packet upper(wire::kIpv6FragmentHeaderSize);
  wire::write_ipv6_fragment(upper.data(), fragment);
  upper.insert(upper.end(), piece.begin(), piece.end());
  return ip_packet(IpAddress::from_bytes(Bytes{whole}.subspan(8, 16)),
                   IpAddress::from_bytes(Bytes{whole}.subspan(24, 16)), wire::IpProtocol::kFragment, upper);
}

// All of `whole` in pieces of `step` bytes, in order.
inline std::vector<Packet> split(const Packet& whole, std::size_t step, std::uint32_t id = 77) {
  const std::size_t data = whole.size() - ip_header_size(whole[0] >> 4 == 4 ? Family::kV4 : Family::kV6);
  std::vector<Packet> fragments;
  for (std::size_t offset = 0; offset < data; offset += step) {
    fragments.push_back(fragment_of(whole, offset, std::min(step, data - offset), id));
  }
  return fragments;
}

}  // namespace wgr::slirp::test
