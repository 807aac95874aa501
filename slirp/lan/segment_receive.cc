// The way of a frame through the segment.
#include <algorithm>

#include "core/wire/udp.h"
#include "slirp/lan/gateway_addresses.h"
#include "slirp/lan/segment_parts.h"

namespace wgr::slirp::lan {
namespace {

using wire::EtherType;
using wire::IpProtocol;

constexpr std::size_t kPortsSize = 4;
constexpr std::uint16_t kDhcpV6ServerPort = 547;
constexpr std::uint16_t kDhcpV6ClientPort = 546;

const IpAddress kLimitedBroadcast = IpAddress::v4(0xffffffff);

std::uint16_t source_port(Bytes upper) noexcept { return load_be<std::uint16_t>(upper.data()); }
std::uint16_t destination_port(Bytes upper) noexcept { return load_be<std::uint16_t>(upper.data() + 2); }

// Whether neighbour discovery may stand behind the fixed header.
bool is_special(IpProtocol next_header) noexcept {
  switch (next_header) {
    case IpProtocol::kHopByHop:
    case IpProtocol::kRouting:
    case IpProtocol::kFragment:
    case IpProtocol::kAuthentication:
    case IpProtocol::kDestinationOptions:
    case IpProtocol::kIcmpV6:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Segment::Parts::receive(SessionId session, MutableBytes bytes, Instant now, Out& out) {
  counters.frames_received.add();
  counters.bytes_received.add(bytes.size());
  if (bytes.size() > config.max_frame) return drop(DropReason::kFrameTooLong);
  const Result<wire::EthernetView> frame = wire::EthernetView::parse(bytes);
  if (!frame || frame->is_tagged()) return drop(DropReason::kFrameMalformed);
  const Result<Station*> sender = stations.sender_of(session, frame->source(), now, out);
  if (!sender) return drop(sender.error());
  Station& station = **sender;
  station.pacer.heard(bytes, now);
  if (station.pacer.waiting() > 0) delivery.flush(station, now, out);
  Arrival arrival{station, *frame, frame->destination(), now, out};
  const To to = destination_of(arrival.destination);
  if (to == To::kStation && config.isolate) return drop(DropReason::kStationIsolated);
  if (to == To::kGroup && wire::is_link_constrained(arrival.destination)) {
    return drop(DropReason::kDestinationInvalid);
  }
  dispatch(arrival, to);
}

Segment::Parts::To Segment::Parts::destination_of(const MacAddress& mac) const noexcept {
  if (mac == config.gateway_mac) return To::kGateway;
  return mac.is_group() ? To::kGroup : To::kStation;
}

void Segment::Parts::dispatch(Arrival& arrival, To to) {
  switch (arrival.frame.type()) {
    case EtherType::kIpv4:
      return receive_ipv4(arrival, to);
    case EtherType::kIpv6:
      return receive_ipv6(arrival, to);
    case EtherType::kArp:
      return receive_arp(arrival);
    default:
      break;
  }
  // A switch does not ask what stations speak: IPX, NetBEUI.
  if (to == To::kGateway || config.isolate) return drop(DropReason::kProtocolUnsupported);
  between.forward(arrival);
}

void Segment::Parts::obey(Arrival& arrival, const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::kDone:
      return;
    case Verdict::Kind::kDropped:
      return drop(verdict.reason);
    case Verdict::Kind::kForward:
      return between.forward_question(arrival, verdict.asked);
  }
}

void Segment::Parts::receive_arp(Arrival& arrival) { obey(arrival, arp.receive(arrival)); }

// --- IPv4 ---

bool Segment::Parts::is_of_subnet(const IpAddress& v4) const noexcept {
  return (v4.to_v4() & subnet_mask_) == network_;
}

void Segment::Parts::receive_ipv4(Arrival& arrival, To to) {
  const Result<wire::Ipv4View> ip = wire::Ipv4View::parse(arrival.frame.payload());
  if (!ip) return drop(ip.error());
  const bool has_ports = ip->fragment_offset() == 0 && ip->payload().size() >= kPortsSize;
  if (has_ports && ip->protocol() == IpProtocol::kUdp && config.dhcp.enabled) {
    if (to != To::kStation && is_for_dhcp_server(*ip)) return receive_dhcp(arrival, *ip);
    if (to != To::kGateway && is_server_message(ip->protocol(), ip->payload())) {
      return drop(DropReason::kDhcpRogue);
    }
  }
  // Multicast DNS, IGMP, NetBIOS: all stations say it, and nobody here listens.
  if (to == To::kGroup && config.isolate) return drop(DropReason::kDestinationInvalid);
  const bool is_asking_a_station_for_its_address =  // where DHCP is not ours
      !config.dhcp.enabled && to != To::kGateway && ip->source().is_unspecified();
  if (!is_asking_a_station_for_its_address && !stations.may_use(arrival.from, ip->source(), arrival.now)) {
    return drop(DropReason::kSourceNotAllowed);
  }
  if (to != To::kGateway) return between.forward(arrival);
  const IpAddress destination = ip->destination();
  if (config.isolate && is_of_subnet(destination) && destination != config.gateway) {
    return drop(DropReason::kStationIsolated);
  }
  arrival.out.packets.push_back({arrival.from.guest, ip->packet()});
}

bool Segment::Parts::is_for_dhcp_server(const wire::Ipv4View& ip) const noexcept {
  if (destination_port(ip.payload()) != wire::kDhcpServerPort) return false;
  const IpAddress to = ip.destination();
  return to == kLimitedBroadcast || to == config.gateway || to.to_v4() == (network_ | ~subnet_mask_);
}

bool Segment::Parts::is_server_message(IpProtocol protocol, Bytes upper) const noexcept {
  if (!config.dhcp.enabled || protocol != IpProtocol::kUdp || upper.size() < kPortsSize) return false;
  const std::uint16_t from = source_port(upper);
  const std::uint16_t to = destination_port(upper);
  return from == wire::kDhcpServerPort || to == wire::kDhcpClientPort || from == kDhcpV6ServerPort ||
         to == kDhcpV6ClientPort;
}

void Segment::Parts::receive_dhcp(Arrival& arrival, const wire::Ipv4View& ip) {
  if (ip.is_fragment() || !ip.checksum_is_valid()) return drop(DropReason::kDhcpMalformed);
  const Result<wire::UdpView> udp = wire::UdpView::parse(ip.payload());
  if (!udp) return drop(DropReason::kDhcpMalformed);
  if (udp->source_port() != wire::kDhcpClientPort) return drop(DropReason::kDhcpRogue);
  // v86 translates MAC addresses within DHCP messages and then leaves the sum out.
  if (!udp->checksum_is_valid(ip.source(), ip.destination())) return drop(DropReason::kChecksumInvalid);
  const auto reply =
      dhcp.receive(udp->payload(), arrival.from.mac, arrival.from.clone, ip.source(), arrival.now);
  stations.take_ended_leases();
  for (const IpAddress& address : leases.addresses_of(arrival.from.mac, arrival.from.clone)) {
    stations.learn_name(arrival.from, address);
  }
  if (reply) answer_dhcp(arrival, *reply);
}

void Segment::Parts::answer_dhcp(Arrival& arrival, const DhcpServer::Reply& reply) {
  const std::size_t size = wire::kIpv4HeaderSize + wire::kUdpHeaderSize + reply.message.size();
  const MutableBytes packet = delivery.begin_from_gateway(arrival.from, reply.to_mac, EtherType::kIpv4, size,
                                                          arrival.now, arrival.out);
  if (packet.empty()) return;
  wire::Ipv4Header header;
  header.source = config.gateway;
  header.destination = reply.to;
  header.dont_fragment = false;
  wire::write_ipv4(packet, header);
  const MutableBytes datagram = packet.subspan(wire::kIpv4HeaderSize);
  std::ranges::copy(reply.message, datagram.begin() + wire::kUdpHeaderSize);
  wire::write_udp(datagram, {config.gateway, wire::kDhcpServerPort}, {reply.to, wire::kDhcpClientPort});
}

// --- IPv6 ---

void Segment::Parts::receive_ipv6(Arrival& arrival, To to) {
  const MutableBytes payload = arrival.frame.payload();
  if (payload.size() < wire::kIpv6HeaderSize || payload[0] >> 4 != 6) {
    return drop(DropReason::kPacketMalformed);
  }
  const std::size_t size = wire::kIpv6HeaderSize + load_be<std::uint16_t>(payload.data() + 4);
  if (size > payload.size()) return drop(DropReason::kPacketMalformed);
  const MutableBytes packet = payload.first(size);
  neighbors.greet(arrival.from, arrival.now);
  if (is_special(static_cast<IpProtocol>(packet[6])) && receive_special_ipv6(arrival, to, packet)) return;
  if (to != To::kGateway &&
      is_server_message(static_cast<IpProtocol>(packet[6]), packet.subspan(wire::kIpv6HeaderSize))) {
    return drop(DropReason::kDhcpRogue);
  }
  pass_on_ipv6(arrival, to, packet);
}

// RFC 7113: what guards against rogue routers looks behind all extension headers, and lets no fragment
// pass between stations whose upper header it cannot see.
bool Segment::Parts::receive_special_ipv6(Arrival& arrival, To to, MutableBytes packet) {
  const auto ip = wire::Ipv6View::parse(packet);
  if (!ip) {
    // The stack tells a guest what is wrong with its headers.
    if (to == To::kGateway) return false;
    return drop(ip.error().reason), true;
  }
  const bool is_first = !ip->fragment() || ip->fragment()->offset == 0;
  if (!is_first) return false;
  if (ip->protocol() == IpProtocol::kIcmpV6) {
    if (ip->payload().empty()) return drop(DropReason::kPacketMalformed), true;
    const std::uint8_t type = ip->payload()[0];
    if (wire::is_nd(type)) return obey(arrival, neighbors.receive(arrival, *ip)), true;
    // RFC 3590: multicast listener reports begin before a station has an address.
    const bool may_lack_address = to == To::kGroup && !config.isolate && ip->source().is_unspecified();
    if (may_lack_address) return between.forward(arrival), true;
  } else if (to != To::kGateway && is_server_message(ip->protocol(), ip->payload())) {
    return drop(DropReason::kDhcpRogue), true;
  }
  return false;
}

void Segment::Parts::pass_on_ipv6(Arrival& arrival, To to, MutableBytes packet) {
  if (to == To::kGroup && config.isolate) return drop(DropReason::kDestinationInvalid);
  const IpAddress source = IpAddress::from_bytes(packet.subspan(8, 16));
  if (!stations.may_use(arrival.from, source, arrival.now)) return drop(DropReason::kSourceNotAllowed);
  if (to != To::kGateway) return between.forward(arrival);
  if (config.isolate && is_other_station(IpAddress::from_bytes(packet.subspan(24, 16)))) {
    return drop(DropReason::kStationIsolated);
  }
  arrival.out.packets.push_back({arrival.from.guest, packet});
}

bool Segment::Parts::is_other_station(const IpAddress& destination) const noexcept {
  if (!gateway_v6_ || destination == *gateway_v6_) return false;
  // Of a /64, as prefixes are, the first eight bytes tell.
  const Prefix& prefix = *config.ipv6.prefix;
  if (prefix.length() == 64)
    return std::ranges::equal(prefix.address().bytes().first(8), destination.bytes().first(8));
  return prefix.contains(destination);
}

}  // namespace wgr::slirp::lan
