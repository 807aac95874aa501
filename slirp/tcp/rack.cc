#include "slirp/tcp/rack.h"

#include <algorithm>

namespace wgr::slirp::tcp {

void Rack::delivered(const Delivered& segment, Duration minimum_rtt, Instant now) noexcept {
  const bool is_furthest = !has_furthest_ || segment.end >= furthest_;
  if (!is_furthest && !segment.was_retransmitted) reordering_seen_ = true;  // step 3
  if (is_furthest) furthest_ = segment.end;
  has_furthest_ = true;

  // Step 2: an answer to the original says nothing about the retransmission.
  const Duration rtt = now - segment.sent_at;
  if (segment.was_retransmitted && (segment.is_of_original || rtt < minimum_rtt)) return;
  if (!has_delivery_ || segment.sent_at > sent_at_ || (segment.sent_at == sent_at_ && segment.end > end_)) {
    sent_at_ = segment.sent_at;
    end_ = segment.end;
    has_delivery_ = true;
  }
  rtt_ = rtt;
}

void Rack::duplicate_reported(SeqNumber una, SeqNumber next) noexcept {
  if (in_round_ && una < round_end_) return;
  in_round_ = true;
  round_end_ = next;
  if (multiplier_ < 255) ++multiplier_;
  persistence_ = kPersistence;
}

void Rack::recovery_ended() noexcept {
  if (persistence_ > 0) --persistence_;
  if (persistence_ == 0) multiplier_ = 1;
}

void Rack::restart() noexcept {
  has_delivery_ = false;
  in_round_ = false;
}

Duration Rack::reorder_window(bool expects_order, Duration minimum_rtt,
                              Duration smoothed_rtt) const noexcept {
  if (!reordering_seen_ && expects_order) return Duration::zero();
  return std::min(minimum_rtt / 4 * multiplier_, smoothed_rtt);
}

}  // namespace wgr::slirp::tcp
