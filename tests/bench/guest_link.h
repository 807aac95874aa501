// What carries the IP packets of a loaded guest to the router and back, and the turns it takes:
//
//   poll():  wait -> receive -> handler.receive()... -> handler.end_batch() -> deadlines -> send
#pragma once

#include "core/address.h"
#include "core/packet_buffer.h"
#include "core/time.h"
#include "tests/bench/guest_flow.h"

namespace wgr::bench {

class Figures;

class PacketHandler {
 public:
  virtual ~PacketHandler() = default;
  virtual void receive(const PacketView& packet, Instant now) = 0;
  virtual void end_batch(Instant now) = 0;
  virtual Instant next_deadline() const = 0;
};

class GuestLink : public PacketSink {
 public:
  // The guest's own.
  virtual IpAddress address() const = 0;
  // One turn: waits for packets or deadlines, until `until` at most. Returns the turn's instant.
  virtual Instant poll(PacketHandler& handler, Instant until) = 0;
  // Sends what is batched.
  virtual void flush() = 0;
  virtual void report(Figures& figures) const = 0;
};

}  // namespace wgr::bench
