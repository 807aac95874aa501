// What a Segment is made of, and the way of a frame through it (segment_receive.cc).
//
// Thread: confined to its Segment.
#pragma once

#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "slirp/lan/arp_responder.h"
#include "slirp/lan/delivery.h"
#include "slirp/lan/dhcp_server.h"
#include "slirp/lan/neighbor_discovery.h"
#include "slirp/lan/roll_call.h"
#include "slirp/lan/segment.h"
#include "slirp/lan/station_table.h"
#include "slirp/lan/switch.h"

namespace wgr::slirp::lan {

struct Segment::Parts {
  Parts(const NetworkConfig& config, GuestSerials& serials, Rng& rng, const std::vector<Lease>& saved,
        WallTime wall_now, Instant now);

  void receive(SessionId session, MutableBytes bytes, Instant now, Out& out);
  void on_deadline(Instant now, Out& out);
  void drop(DropReason reason) { counters.drops.count(reason); }

  // Of all stations together, while they wait for small receive rings.
  static constexpr std::size_t kMaxWaitingBytes = std::size_t{64} << 20;

  const NetworkConfig config;
  Counters counters;
  FrameStore store{kMaxWaitingBytes};
  LeaseTable leases;
  DhcpServer dhcp;
  StationTable stations;
  RollCall roll_call;
  Delivery delivery;
  ArpResponder arp;
  NeighborDiscovery neighbors;
  Switch between;

 private:
  // Where a frame's destination MAC leads.
  enum class To : std::uint8_t { kGateway, kGroup, kStation };

  To destination_of(const MacAddress& mac) const noexcept;
  void dispatch(Arrival& arrival, To to);
  void receive_arp(Arrival& arrival);
  void receive_ipv4(Arrival& arrival, To to);
  void receive_ipv6(Arrival& arrival, To to);
  // With extension headers, or ICMPv6. True: it is dealt with.
  bool receive_special_ipv6(Arrival& arrival, To to, MutableBytes packet);
  void pass_on_ipv6(Arrival& arrival, To to, MutableBytes packet);
  void receive_dhcp(Arrival& arrival, const wire::Ipv4View& ip);
  void answer_dhcp(Arrival& arrival, const DhcpServer::Reply& reply);
  void obey(Arrival& arrival, const Verdict& verdict);

  bool is_for_dhcp_server(const wire::Ipv4View& ip) const noexcept;
  // What a DHCP server says, of either family.
  bool is_server_message(wire::IpProtocol protocol, Bytes upper) const noexcept;
  bool is_of_subnet(const IpAddress& v4) const noexcept;
  bool is_other_station(const IpAddress& destination) const noexcept;

  const std::uint32_t subnet_mask_;
  const std::uint32_t network_;
  const std::optional<IpAddress> gateway_v6_;
};

}  // namespace wgr::slirp::lan
