#include "metrics/watchdog.h"

#include <algorithm>
#include <cassert>

namespace wgr::metrics {

void Watchdog::heartbeat_sent(WorkerIndex worker, Instant now) {
  assert(!is_waiting(worker));
  hearts_.at(worker).sent_at = now;
}

void Watchdog::heartbeat_answered(WorkerIndex worker, Instant now) {
  Heart& heart = hearts_.at(worker);
  if (heart.sent_at == kNever) return;
  heart.last_delay = now - heart.sent_at;
  heart.sent_at = kNever;
}

bool Watchdog::is_stuck(WorkerIndex worker, Instant now) const {
  return is_waiting(worker) && now - hearts_.at(worker).sent_at >= stuck_after_;
}

Duration Watchdog::delay(WorkerIndex worker, Instant now) const {
  const Heart& heart = hearts_.at(worker);
  return is_waiting(worker) ? std::max(heart.last_delay, now - heart.sent_at) : heart.last_delay;
}

}  // namespace wgr::metrics
