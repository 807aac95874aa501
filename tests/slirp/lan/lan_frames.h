// Frames as stations send them, for tests of a virtual LAN.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/wire/arp.h"
#include "core/wire/dhcp.h"
#include "core/wire/ethernet.h"
#include "core/wire/icmp.h"
#include "core/wire/nd.h"
#include "core/wire/udp.h"
#include "tests/slirp/test_packets.h"

namespace wgr::slirp::lan::test {

using slirp::test::Packet;
using Frame = std::vector<std::uint8_t>;

inline const MacAddress kGatewayMac = *MacAddress::parse("02:77:67:00:00:01");
inline const MacAddress kAnna = *MacAddress::parse("00:22:15:00:00:0a");
inline const MacAddress kBert = *MacAddress::parse("00:22:15:00:00:0b");
inline const MacAddress kCleo = *MacAddress::parse("00:22:15:00:00:0c");
inline const IpAddress kGateway = IpAddress::v4(192, 168, 86, 1);
inline const IpAddress kOutside = IpAddress::v4(198, 51, 100, 7);
inline const IpAddress kHome = IpAddress::v4(203, 0, 113, 1);       // where browsers are
inline const IpAddress kElsewhere = IpAddress::v4(203, 0, 113, 2);  // other ones
inline const IpAddress kOutsideV6 = *IpAddress::parse("2001:db8::7");

inline IpAddress host(std::uint8_t last) { return IpAddress::v4(192, 168, 86, last); }

// An old NIC pads.
enum class Nic { kVirtio, kNe2k };

inline Frame ethernet(const MacAddress& to, const MacAddress& from, wire::EtherType type,
                      const Packet& payload, Nic nic = Nic::kVirtio) {
  Frame frame(wire::kEthernetHeaderSize + payload.size());
  wire::write_ethernet(frame, to, from, type);
  std::ranges::copy(payload, frame.begin() + wire::kEthernetHeaderSize);
  if (nic == Nic::kNe2k && frame.size() < wire::kEthernetMinFrame) frame.resize(wire::kEthernetMinFrame);
  return frame;
}

inline Frame arp(const wire::ArpMessage& message, const MacAddress& to = MacAddress::broadcast(),
                 Nic nic = Nic::kVirtio) {
  Packet payload(wire::kArpSize);
  wire::write_arp(payload, message);
  return ethernet(to, message.sender_mac, wire::EtherType::kArp, payload, nic);
}

// An unspecified `sender` makes it a probe.
inline Frame arp_request(const MacAddress& from, const IpAddress& sender, const IpAddress& target,
                         Nic nic = Nic::kVirtio) {
  return arp({.operation = wire::ArpOperation::kRequest,
              .sender_mac = from,
              .sender = sender,
              .target_mac = {},
              .target = target},
             MacAddress::broadcast(), nic);
}

inline Frame arp_reply(const MacAddress& from, const IpAddress& sender, const MacAddress& to,
                       const IpAddress& target) {
  return arp({.operation = wire::ArpOperation::kReply,
              .sender_mac = from,
              .sender = sender,
              .target_mac = to,
              .target = target},
             to);
}

inline wire::EtherType type_of(const IpAddress& address) {
  return address.is_v4() ? wire::EtherType::kIpv4 : wire::EtherType::kIpv6;
}

inline Frame udp_frame(const MacAddress& to, const MacAddress& from, const SocketAddress& source,
                       const SocketAddress& destination, std::size_t size = 32, Nic nic = Nic::kVirtio) {
  Packet upper = slirp::test::payload(wire::kUdpHeaderSize + size);
  wire::write_udp(upper, source, destination);
  return ethernet(to, from, type_of(source.ip),
                  slirp::test::ip_packet(source.ip, destination.ip, wire::IpProtocol::kUdp, upper), nic);
}

// Something for the outside world.
inline Frame outgoing(const MacAddress& from, const IpAddress& source, std::size_t size = 32,
                      Nic nic = Nic::kVirtio) {
  return udp_frame(kGatewayMac, from, {source, 4000}, {source.is_v4() ? kOutside : kOutsideV6, 53}, size,
                   nic);
}

struct DhcpQuestion {
  wire::DhcpType type = wire::DhcpType::kDiscover;
  IpAddress requested;  // unspecified: none
  std::string_view host_name;
  bool to_server = false;  // with the server identifier
};

inline Frame dhcp(const MacAddress& from, const DhcpQuestion& question, bool with_checksum = true) {
  wire::DhcpWriter writer({.op = wire::DhcpOp::kRequest, .xid = 0x1234, .mac = from}, 548);
  writer.add_byte(wire::DhcpOption::kMessageType, static_cast<std::uint8_t>(question.type));
  if (!question.requested.is_unspecified()) {
    writer.add(wire::DhcpOption::kRequestedAddress, question.requested);
  }
  if (question.to_server) writer.add(wire::DhcpOption::kServerIdentifier, kGateway);
  if (!question.host_name.empty()) {
    writer.add(wire::DhcpOption::kHostName, Packet(question.host_name.begin(), question.host_name.end()));
  }
  const Packet message = writer.finish();
  Packet upper(wire::kUdpHeaderSize);
  upper.insert(upper.end(), message.begin(), message.end());
  const IpAddress broadcast = IpAddress::v4(0xffffffff);
  wire::write_udp(upper, {IpAddress{}, wire::kDhcpClientPort}, {broadcast, wire::kDhcpServerPort});
  if (!with_checksum) upper[6] = upper[7] = 0;
  return ethernet(MacAddress::broadcast(), from, wire::EtherType::kIpv4,
                  slirp::test::ip_packet(IpAddress{}, broadcast, wire::IpProtocol::kUdp, upper));
}

// An ICMPv6 message whose body follows the first eight bytes.
inline Frame icmpv6(const MacAddress& to, const MacAddress& from, const IpAddress& source,
                    const IpAddress& destination, std::uint8_t type, const Packet& body,
                    std::uint8_t hop_limit = wire::kNdHopLimit) {
  Packet message(wire::kIcmpHeaderSize);
  message.insert(message.end(), body.begin(), body.end());
  wire::write_icmp(message, {.type = type, .code = 0, .rest = 0}, source, destination);
  return ethernet(to, from, wire::EtherType::kIpv6,
                  slirp::test::ip_packet(source, destination, wire::IpProtocol::kIcmpV6, message, hop_limit));
}

inline MacAddress multicast_mac(const IpAddress& group) {
  const Bytes bytes = group.bytes();
  return MacAddress{{0x33, 0x33, bytes[12], bytes[13], bytes[14], bytes[15]}};
}

inline Packet link_layer_option(wire::NdOptionType type, const MacAddress& mac) {
  Packet option(wire::kNdLinkLayerSize);
  option[0] = static_cast<std::uint8_t>(type);
  option[1] = 1;
  std::ranges::copy(mac.bytes(), option.begin() + 2);
  return option;
}

// An unspecified `source` makes it duplicate address detection.
inline Frame neighbor_solicitation(const MacAddress& from, const IpAddress& source, const IpAddress& target) {
  Packet body(target.bytes().begin(), target.bytes().end());
  if (!source.is_unspecified()) {
    const Packet option = link_layer_option(wire::NdOptionType::kSourceLinkLayer, from);
    body.insert(body.end(), option.begin(), option.end());
  }
  const IpAddress solicited_node = *IpAddress::parse("ff02::1:ff00:0");
  Packet group(solicited_node.bytes().begin(), solicited_node.bytes().end());
  std::copy(target.bytes().end() - 3, target.bytes().end(), group.end() - 3);
  const IpAddress destination = IpAddress::from_bytes(group);
  return icmpv6(multicast_mac(destination), from, source, destination, 135, body);
}

inline Frame neighbor_advertisement(const MacAddress& to, const MacAddress& from, const IpAddress& source,
                                    const IpAddress& destination, const IpAddress& target,
                                    const MacAddress& said) {
  Packet body(target.bytes().begin(), target.bytes().end());
  const Packet option = link_layer_option(wire::NdOptionType::kTargetLinkLayer, said);
  body.insert(body.end(), option.begin(), option.end());
  return icmpv6(to, from, source, destination, 136, body);
}

inline Frame router_solicitation(const MacAddress& from, const IpAddress& source) {
  const IpAddress routers = *IpAddress::parse("ff02::2");
  const Packet option =
      source.is_unspecified() ? Packet{} : link_layer_option(wire::NdOptionType::kSourceLinkLayer, from);
  return icmpv6(multicast_mac(routers), from, source, routers, 133, option);
}

}  // namespace wgr::slirp::lan::test
