// Time-based loss detection (RACK, RFC 8985 section 6): a segment is lost when one that was sent
// sufficiently later has been delivered. Rack keeps what is known of deliveries and how much
// reordering to allow; the Sender owns the segments.
//
// Thread: confined to its connection.
#pragma once

#include <cstdint>

#include "core/time.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

class Rack {
 public:
  struct Delivered {
    SeqNumber end;
    Instant sent_at;
    bool was_retransmitted = false;
    bool is_of_original = false;  // the echoed timestamp is older than the retransmission
  };

  // A segment was acknowledged, cumulatively or selectively (steps 1 to 3).
  void delivered(const Delivered& segment, Duration minimum_rtt, Instant now) noexcept;
  // The guest got data twice: reordering was taken for loss (step 4). At most once per round trip.
  void duplicate_reported(SeqNumber una, SeqNumber next) noexcept;
  // Recoveries forget the extra tolerance after a while.
  void recovery_ended() noexcept;
  // After a retransmission timeout.
  void restart() noexcept;

  // How long a segment may be late (step 4). `expects_order`: in recovery, or three segments are
  // reported beyond the hole.
  Duration reorder_window(bool expects_order, Duration minimum_rtt, Duration smoothed_rtt) const noexcept;
  // Whether the delivered segments tell anything about one sent at `sent_at` with this end.
  bool is_older(Instant sent_at, SeqNumber end) const noexcept {
    return has_delivery_ && (sent_at < sent_at_ || (sent_at == sent_at_ && end < end_));
  }
  Duration rtt() const noexcept { return rtt_; }
  bool has_seen_reordering() const noexcept { return reordering_seen_; }

 private:
  static constexpr std::uint8_t kPersistence = 16;

  Instant sent_at_{};  // of the delivered segment that was sent last
  Duration rtt_{};
  SeqNumber end_;
  SeqNumber furthest_;  // highest end delivered
  SeqNumber round_end_;
  bool has_delivery_ = false;
  bool has_furthest_ = false;
  bool reordering_seen_ = false;
  bool in_round_ = false;
  std::uint8_t multiplier_ = 1;
  std::uint8_t persistence_ = kPersistence;
};

}  // namespace wgr::slirp::tcp
