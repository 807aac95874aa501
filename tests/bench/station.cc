#include "tests/bench/station.h"

#include <algorithm>
#include <vector>

#include "core/wire/dhcp.h"
#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "core/wire/udp.h"

namespace wgr::bench {
namespace {

using wire::DhcpOption;
using wire::DhcpType;

constexpr std::array kWanted = {DhcpOption::kSubnetMask, DhcpOption::kRouter,    DhcpOption::kNameServers,
                                DhcpOption::kDomainName, DhcpOption::kLeaseTime, DhcpOption::kMtu};

const IpAddress kEverybody = IpAddress::v4(0xffffffff);

}  // namespace

Station::Station(std::uint32_t number)
    : mac_({0x00, 0x22, static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}),
      xid_(0x62000000u + number) {}

MutableBytes Station::ask(MutableBytes room) const {
  wire::DhcpHeader header;
  header.op = wire::DhcpOp::kRequest;
  header.xid = xid_;
  header.mac = mac_;
  if (is_bound_) header.ciaddr = address_;
  wire::DhcpWriter writer(header, wire::kDhcpMinimumMaxSize);
  const DhcpType type = server_.is_unspecified() ? DhcpType::kDiscover : DhcpType::kRequest;
  writer.add_byte(DhcpOption::kMessageType, static_cast<std::uint8_t>(type));
  if (type == DhcpType::kRequest && !is_bound_) {
    writer.add(DhcpOption::kRequestedAddress, address_);
    writer.add(DhcpOption::kServerIdentifier, server_);
  }
  std::array<std::uint8_t, kWanted.size()> wanted;
  std::ranges::transform(kWanted, wanted.begin(),
                         [](DhcpOption option) { return static_cast<std::uint8_t>(option); });
  writer.add(DhcpOption::kParameterList, wanted);
  const std::vector<std::uint8_t> message = writer.finish();

  const MutableBytes frame =
      room.first(wire::kEthernetHeaderSize + wire::kIpv4HeaderSize + wire::kUdpHeaderSize + message.size());
  const IpAddress from = is_bound_ ? address_ : IpAddress::v4(0);
  const IpAddress to = is_bound_ ? server_ : kEverybody;
  wire::write_ethernet(frame, is_bound_ ? gateway_mac_ : MacAddress::broadcast(), mac_,
                       wire::EtherType::kIpv4);
  const MutableBytes packet = frame.subspan(wire::kEthernetHeaderSize);
  wire::write_ipv4(packet, {.source = from, .destination = to, .protocol = wire::IpProtocol::kUdp});
  const MutableBytes datagram = packet.subspan(wire::kIpv4HeaderSize);
  std::ranges::copy(message, datagram.begin() + wire::kUdpHeaderSize);
  wire::write_udp(datagram, {from, wire::kDhcpClientPort}, {to, wire::kDhcpServerPort});
  return frame;
}

bool Station::receive(MutableBytes frame) {
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet || ethernet->type() != wire::EtherType::kIpv4) return false;
  const auto ip = wire::Ipv4View::parse(ethernet->payload());
  if (!ip || ip->protocol() != wire::IpProtocol::kUdp) return false;
  const auto udp = wire::UdpView::parse(ip->payload());
  if (!udp || udp->destination_port() != wire::kDhcpClientPort) return false;
  const auto message = wire::DhcpView::parse(udp->payload());
  if (!message || message->xid() != xid_) return false;
  const auto type = message->type();
  if (type == DhcpType::kOffer && !is_bound_) {
    server_ = message->address_option(DhcpOption::kServerIdentifier).value_or(ip->source());
  } else if (type == DhcpType::kAck) {
    is_bound_ = true;
  } else {
    return false;
  }
  address_ = message->yiaddr();
  gateway_mac_ = ethernet->source();
  return true;
}

void Station::write_header(MutableBytes frame) const noexcept {
  wire::write_ethernet(frame, gateway_mac_, mac_, wire::EtherType::kIpv4);
}

}  // namespace wgr::bench
