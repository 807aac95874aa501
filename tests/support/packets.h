// Packets as a guest writes them, and those that reach it taken apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/guest_id.h"
#include "core/wire/icmp.h"
#include "core/wire/ip.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"

namespace wgr::sim {

using Packet = std::vector<std::uint8_t>;

// A packet that reached a guest, taken apart.
struct GuestPacket {
  GuestId guest;
  Packet bytes;

  wire::IpView ip() { return *wire::IpView::parse(bytes); }
  wire::TcpView tcp() { return *wire::TcpView::parse(ip().payload); }
  wire::UdpView udp() { return *wire::UdpView::parse(ip().payload); }
  wire::IcmpView icmp() { return *wire::IcmpView::parse(ip().family, ip().payload); }
  // The packet an ICMP error is about.
  wire::QuotedPacket quoted() { return *wire::QuotedPacket::parse(ip().family, icmp().quoted()); }
  bool is(wire::IpProtocol protocol) { return ip().protocol == protocol; }
  bool is_icmp() { return ip().protocol == wire::icmp_protocol(ip().family); }
  std::string text() {
    const auto payload = is(wire::IpProtocol::kUdp) ? udp().payload() : tcp().payload();
    return {payload.begin(), payload.end()};
  }
};

struct PacketOptions {
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  bool dont_fragment = false;
};

Packet ip_packet(const IpAddress& from, const IpAddress& to, wire::IpProtocol protocol, Bytes upper,
                 const PacketOptions& options = {});
Packet udp_packet(const SocketAddress& from, const SocketAddress& to, Bytes payload,
                  const PacketOptions& options = {});
Packet udp_packet(const SocketAddress& from, const SocketAddress& to, std::string_view text,
                  const PacketOptions& options = {});
Packet echo_packet(const IpAddress& from, const IpAddress& to, std::uint16_t identifier,
                   std::uint16_t sequence, std::string_view data, const PacketOptions& options = {});
Packet icmp_error_packet(const IpAddress& from, const IpAddress& to, std::uint8_t type, std::uint8_t code,
                         std::uint32_t rest, Bytes quoted);
Packet tcp_packet(const SocketAddress& from, const SocketAddress& to, wire::TcpHeader header,
                  std::string_view data = "", const PacketOptions& options = {});
// `packet` as fragments of at most `mtu` bytes, in order.
std::vector<Packet> fragments_of(const Packet& packet, std::size_t mtu);

}  // namespace wgr::sim
