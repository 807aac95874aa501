// The flows of a loaded guest, found by their local port.
#pragma once

#include <memory>
#include <vector>

#include "tests/bench/guest_link.h"

namespace wgr::bench {

class FlowSet : public PacketHandler {
 public:
  // `sink` takes what the flows send; it must outlive the set.
  FlowSet(PacketSink& sink, const IpAddress& local) : sink_(sink), local_(local), by_port_(65536) {}

  // Opens a flow from the next free port; its SYN leaves with the next flush.
  GuestFlow& open(const GuestFlowOptions& options, const SocketAddress& remote, Instant now);
  // Forgets the flow. REQUIRES: the flow is of this set.
  void remove(const GuestFlow& flow);
  // Sends what became due by write() or close().
  void nudge(GuestFlow& flow, Instant now) { flow.end_batch(now, sink_); }

  const std::vector<GuestFlow*>& flows() const noexcept { return flows_; }
  // Flows that a segment has reached in the last turn.
  const std::vector<GuestFlow*>& touched() const noexcept { return touched_; }
  std::uint64_t received_bytes() const;
  std::uint64_t acknowledged_bytes() const;
  std::uint64_t retransmissions() const;
  std::uint64_t out_of_order() const;
  std::size_t established() const;

  void begin_turn() { touched_.clear(); }
  void receive(const PacketView& packet, Instant now) override;
  void end_batch(Instant now) override;
  Instant next_deadline() const override;

 private:
  static constexpr std::uint16_t kFirstPort = 1024;

  PacketSink& sink_;
  const IpAddress local_;
  std::vector<std::unique_ptr<GuestFlow>> by_port_;
  std::vector<GuestFlow*> flows_;
  std::vector<GuestFlow*> touched_;
  std::uint16_t next_port_ = kFirstPort;
};

}  // namespace wgr::bench
