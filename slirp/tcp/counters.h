// What the TCP of a worker counts. One writer, any reader (core/counters.h).
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <string>

#include "core/counters.h"
#include "core/time.h"

namespace wgr::slirp::tcp {

// Round trips by powers of two: bucket i counts samples below 2^i microseconds that are not in an
// earlier one; the last takes the rest.
class RttHistogram {
 public:
  static constexpr std::size_t kBuckets = 26;  // the last but one ends at 2^24 us = 16.8 s

  void record(Duration rtt) noexcept {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(rtt).count();
    const auto width =
        static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(micros < 0 ? 0 : micros)));
    buckets_[width < kBuckets ? width : kBuckets - 1].add();
  }
  std::uint64_t value(std::size_t bucket) const noexcept { return buckets_[bucket].value(); }

 private:
  std::array<Counter, kBuckets> buckets_;
};

#define WGR_TCP_COUNTERS(X)                                    \
  X(segments_in)                                               \
  X(segments_out)                                              \
  X(bytes_in)  /* in-order payload */                          \
  X(bytes_out) /* payload, retransmissions not counted */      \
  X(opened_passive)                                            \
  X(opened_active)                                             \
  X(established)                                               \
  X(syn_retransmits)                                           \
  X(retransmits)                                               \
  X(retransmission_timeouts)                                   \
  X(fast_recoveries)                                           \
  X(tail_loss_probes)                                          \
  X(spurious_recoveries) /* window reductions taken back */    \
  X(zero_windows)        /* times a guest closed its window */ \
  X(zero_window_probes)                                        \
  X(keepalive_probes)                                          \
  X(ack_advanced)                                              \
  X(ack_duplicate)                                             \
  X(ack_window_update)                                         \
  X(window_updates_out)                                        \
  X(out_of_order_segments)                                     \
  X(duplicate_segments)                                        \
  X(resets_in)                                                 \
  X(resets_out)                                                \
  X(challenge_acks)                                            \
  X(challenge_acks_suppressed)                                 \
  X(slots_refused) /* memory budget or pool exhausted */       \
  X(given_up)      /* R2, SYN, keepalive, idle and FIN-WAIT-2 timeouts */

struct Counters {
#define WGR_TCP_COUNTER(name) Counter name;
  WGR_TCP_COUNTERS(WGR_TCP_COUNTER)
#undef WGR_TCP_COUNTER
  DropCounters drops;  // segments, or parts of them, that the connection refused
  RttHistogram rtt;

  template <typename Visitor>
  void visit(Visitor&& visitor) const {
#define WGR_TCP_VISIT(name) visitor(#name, name);
    WGR_TCP_COUNTERS(WGR_TCP_VISIT)
#undef WGR_TCP_VISIT
  }
};

}  // namespace wgr::slirp::tcp
