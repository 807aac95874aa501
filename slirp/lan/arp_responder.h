// ARP on a virtual LAN (RFC 826, RFC 5227): the gateway answers for its own address and for no other, and
// no station speaks for another.
//
// Thread: confined to its owner.
#pragma once

#include "core/wire/arp.h"
#include "slirp/lan/arrival.h"
#include "slirp/lan/delivery.h"
#include "slirp/lan/station_table.h"

namespace wgr::slirp::lan {

class ArpResponder {
 public:
  // All outlive this object.
  ArpResponder(const NetworkConfig& config, StationTable& stations, Delivery& delivery, Counters& counters)
      : config_(config), stations_(stations), delivery_(delivery), counters_(counters) {}

  Verdict receive(Arrival& arrival);

 private:
  bool is_honest(Arrival& arrival, const wire::ArpMessage& message);
  Verdict answer(Arrival& arrival, const wire::ArpMessage& question);

  const NetworkConfig& config_;
  StationTable& stations_;
  Delivery& delivery_;
  Counters& counters_;
};

}  // namespace wgr::slirp::lan
