#include "cmd/lan_hub.h"

#include <algorithm>
#include <utility>

namespace wgr {

using slirp::lan::Segment;

LanHub::LanHub(WorkerIndex worker, std::size_t workers, const std::vector<LanSettings>& networks, Rng& rng,
               WallTime wall_now, Instant now) {
  segments_.resize(networks.size());
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const auto network = static_cast<NetworkIndex>(i);
    serials_.emplace_back(worker, group_of(network));
    if (network_home(network, workers) != worker) continue;
    segments_[i] = std::make_unique<Segment>(networks[i].config, serials_.back(), rng, networks[i].leases,
                                             wall_now, now);
  }
}

// --- sessions and what comes in ---

void LanHub::session_opened(SessionId session, NetworkIndex network, const slirp::lan::SessionOwner& owner,
                            Instant now) {
  segments_[network]->attach(session, owner, now, out_);
}

void LanHub::session_heard(SessionId session, NetworkIndex network, Instant now) {
  segments_[network]->heard(session, now);
}

void LanHub::session_closed(SessionId session, NetworkIndex network, Instant now) {
  segments_[network]->detach(session, now, out_);
}

void LanHub::receive(SessionId session, NetworkIndex network, MutableBytes frame, Instant now) {
  segments_[network]->receive(session, frame, now, out_);
  take_packets(network);
}

void LanHub::take_packets(NetworkIndex network) {
  for (const PacketView& packet : out_.packets) packets_.push_back({network, packet});
  out_.packets.clear();
}

Instant LanHub::next_deadline() const {
  Instant next = kNever;
  for (const auto& segment : segments_) {
    if (segment) next = std::min(next, segment->next_deadline());
  }
  return next;
}

void LanHub::on_deadline(Instant now) {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (!segments_[i] || segments_[i]->next_deadline() > now) continue;
    segments_[i]->on_deadline(now, out_);
    take_packets(static_cast<NetworkIndex>(i));
  }
}

}  // namespace wgr
