// Frames from one station to others, on a network whose stations are not isolated. A frame never returns to
// the session that sent it, and an unknown unicast address is nobody's: nothing is flooded but groups, and
// those at a limited rate. What a frame may say was checked before.
//
// Thread: confined to its owner.
#pragma once

#include "slirp/lan/arrival.h"
#include "slirp/lan/broadcast_budget.h"
#include "slirp/lan/delivery.h"
#include "slirp/lan/station_table.h"

namespace wgr::slirp::lan {

class Switch {
 public:
  // All outlive this object.
  Switch(const NetworkConfig& config, StationTable& stations, Delivery& delivery, Counters& counters)
      : config_(config), stations_(stations), delivery_(delivery), counters_(counters) {}

  void forward(Arrival& arrival);
  // A question whose answer only the owner of an address has: to the owner alone where it is known.
  void forward_question(Arrival& arrival, const IpAddress& asked);

 private:
  void copy(Arrival& arrival, Station& to, const MacAddress& destination);
  void flood(Arrival& arrival);
  void drop(DropReason reason) { counters_.drops.count(reason); }

  const NetworkConfig& config_;
  StationTable& stations_;
  Delivery& delivery_;
  Counters& counters_;
  BroadcastBudget copies_;
};

}  // namespace wgr::slirp::lan
