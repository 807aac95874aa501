#include "tests/bench/flow_set.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/wire/ip.h"

namespace wgr::bench {

GuestFlow& FlowSet::open(const GuestFlowOptions& options, const SocketAddress& remote, Instant now) {
  for (std::size_t tries = 0; by_port_[next_port_] != nullptr; ++tries) {
    if (tries == by_port_.size()) {
      std::fprintf(stderr, "no free port for another flow\n");
      std::exit(1);
    }
    next_port_ = next_port_ == 65535 ? kFirstPort : static_cast<std::uint16_t>(next_port_ + 1);
  }
  auto& slot = by_port_[next_port_];
  slot = std::make_unique<GuestFlow>(options, SocketAddress{local_, next_port_}, remote);
  next_port_ = next_port_ == 65535 ? kFirstPort : static_cast<std::uint16_t>(next_port_ + 1);
  flows_.push_back(slot.get());
  slot->connect(now, sink_);
  return *slot;
}

void FlowSet::remove(const GuestFlow& flow) {
  std::erase(flows_, &flow);
  std::erase(touched_, &flow);
  by_port_[flow.local().port].reset();
}

void FlowSet::receive(const PacketView& packet, Instant now) {
  const auto ip = wire::IpView::parse(packet.bytes);
  if (!ip || ip->protocol != wire::IpProtocol::kTcp) return;
  const auto segment = wire::TcpView::parse(ip->payload);
  if (!segment) return;
  GuestFlow* const flow = by_port_[segment->destination_port()].get();
  if (flow == nullptr) return;
  flow->receive(*segment, now, sink_);
  if (touched_.empty() ||
      (touched_.back() != flow && std::find(touched_.begin(), touched_.end(), flow) == touched_.end())) {
    touched_.push_back(flow);
  }
}

void FlowSet::end_batch(Instant now) {
  for (GuestFlow* flow : touched_) flow->end_batch(now, sink_);
  for (GuestFlow* flow : flows_) {
    if (flow->next_deadline() <= now) flow->on_deadline(now, sink_);
  }
}

Instant FlowSet::next_deadline() const {
  Instant next = kNever;
  for (const GuestFlow* flow : flows_) next = std::min(next, flow->next_deadline());
  return next;
}

std::uint64_t FlowSet::received_bytes() const {
  std::uint64_t sum = 0;
  for (const GuestFlow* flow : flows_) sum += flow->received_bytes();
  return sum;
}

std::uint64_t FlowSet::acknowledged_bytes() const {
  std::uint64_t sum = 0;
  for (const GuestFlow* flow : flows_) sum += flow->acknowledged_bytes();
  return sum;
}

std::uint64_t FlowSet::retransmissions() const {
  std::uint64_t sum = 0;
  for (const GuestFlow* flow : flows_) sum += flow->retransmissions();
  return sum;
}

std::uint64_t FlowSet::out_of_order() const {
  std::uint64_t sum = 0;
  for (const GuestFlow* flow : flows_) sum += flow->out_of_order();
  return sum;
}

std::size_t FlowSet::established() const {
  return static_cast<std::size_t>(std::count_if(flows_.begin(), flows_.end(), [](const GuestFlow* flow) {
    return flow->state() == GuestFlow::State::kEstablished;
  }));
}

}  // namespace wgr::bench
