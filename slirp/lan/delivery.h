// Frames on their way to stations: at once into the batch, or into the station's waiting line where its
// receive ring is small.
//
// Thread: confined to its owner.
#pragma once

#include "core/wire/ethernet.h"
#include "slirp/lan/counters.h"
#include "slirp/lan/roll_call.h"
#include "slirp/lan/segment.h"
#include "slirp/lan/station_table.h"

namespace wgr::slirp::lan {

class Delivery {
 public:
  using Out = Segment::Out;

  // All outlive this object.
  Delivery(const NetworkConfig& config, StationTable& stations, RollCall& roll_call, Counters& counters)
      : config_(config), stations_(stations), roll_call_(roll_call), counters_(counters) {}

  // Uninitialized room for a frame of `size` bytes. Empty: it was dropped and counted.
  // REQUIRES: size >= wire::kEthernetHeaderSize.
  MutableBytes begin(Station& to, std::size_t size, Instant now, Out& out);
  // Room for what a frame of the gateway carries; its header is written. Empty: likewise.
  MutableBytes begin_from_gateway(Station& to, const MacAddress& destination, wire::EtherType type,
                                  std::size_t payload_size, Instant now, Out& out);
  // What waited and is due.
  void flush(Station& to, Instant now, Out& out);

 private:
  MutableBytes wait(Station& to, std::size_t size);

  const NetworkConfig& config_;
  StationTable& stations_;
  RollCall& roll_call_;
  Counters& counters_;
};

}  // namespace wgr::slirp::lan
