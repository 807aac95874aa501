// IPv6 neighbour and router discovery on a virtual LAN (RFC 4861, 4862, 8106): the gateway answers for its
// own addresses and advertises the prefix, and no station speaks for another or for a router.
//
// What a station asks or tells about an address teaches whose it is. Everything for one station goes to its
// MAC address, also what has a multicast address (RFC 6085): the ne2k of v86 receives no multicast.
// Advertisements go, unasked, only to stations that speak IPv6.
//
// Thread: confined to its owner.
#pragma once

#include <optional>

#include "core/rng.h"
#include "core/wire/ipv6.h"
#include "core/wire/nd.h"
#include "slirp/lan/arrival.h"
#include "slirp/lan/delivery.h"
#include "slirp/lan/station_table.h"

namespace wgr::slirp::lan {

class NeighborDiscovery {
 public:
  // All outlive this object.
  NeighborDiscovery(const NetworkConfig& config, StationTable& stations, Delivery& delivery, Rng& rng,
                    Counters& counters);

  // REQUIRES: `ip` is ICMPv6 of a type for which wire::is_nd() holds.
  Verdict receive(Arrival& arrival, const wire::Ipv6View& ip);

  // The station spoke IPv6: it is told of the router from time to time.
  void greet(Station& station, Instant now);
  // What is due for a station.
  void on_deadline(Station& station, Instant now, Segment::Out& out);

 private:
  Verdict solicited_router(Arrival& arrival, const wire::Ipv6View& ip, const wire::NdView& message);
  Verdict solicited_neighbor(Arrival& arrival, const wire::Ipv6View& ip, const wire::NdView& message);
  Verdict advertised_neighbor(Arrival& arrival, const wire::Ipv6View& ip, const wire::NdView& message);
  Verdict answer(Arrival& arrival, const IpAddress& asker, const IpAddress& target);
  bool is_honest(Arrival& arrival, const IpAddress& source, const wire::NdView& message,
                 wire::NdOptionType link_layer);
  void advertise(Station& station, const IpAddress& destination, Instant now, Segment::Out& out);
  Duration pause();

  const NetworkConfig& config_;
  const IpAddress link_local_;
  const bool advertises_;
  StationTable& stations_;
  Delivery& delivery_;
  Rng& rng_;
  Counters& counters_;
};

}  // namespace wgr::slirp::lan
