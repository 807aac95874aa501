// Watches the workers: each is sent a heartbeat from time to time, and is stuck when one stays unanswered
// too long. Somebody else posts the heartbeats and says when they come back (cmd/health_monitor.h).
//
// Thread: confined to one thread.
#pragma once

#include <cstddef>
#include <vector>

#include "core/guest_id.h"
#include "core/time.h"

namespace wgr::metrics {

class Watchdog {
 public:
  Watchdog(std::size_t workers, Duration stuck_after) : hearts_(workers), stuck_after_(stuck_after) {}

  // One heartbeat per worker is under way at the most. REQUIRES: !is_waiting(worker).
  void heartbeat_sent(WorkerIndex worker, Instant now);
  void heartbeat_answered(WorkerIndex worker, Instant now);
  bool is_waiting(WorkerIndex worker) const { return hearts_.at(worker).sent_at != kNever; }

  bool is_stuck(WorkerIndex worker, Instant now) const;
  // How long the last heartbeat took, or the one under way is taking if that is longer.
  Duration delay(WorkerIndex worker, Instant now) const;
  std::size_t workers() const noexcept { return hearts_.size(); }

 private:
  struct Heart {
    Instant sent_at = kNever;  // kNever: none under way
    Duration last_delay{};
  };

  std::vector<Heart> hearts_;
  const Duration stuck_after_;
};

}  // namespace wgr::metrics
