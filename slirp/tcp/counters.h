// What the TCP of a worker counts. One writer, any reader (core/counters.h).
#pragma once

#include "core/counters.h"
#include "core/histogram.h"

namespace wgr::slirp::tcp {

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
  DurationHistogram rtt;

  template <typename Visitor>
  void visit(Visitor&& visitor) const {
#define WGR_TCP_VISIT(name) visitor(#name, name);
    WGR_TCP_COUNTERS(WGR_TCP_VISIT)
    WGR_TCP_VISIT(rtt)
#undef WGR_TCP_VISIT
  }
};

}  // namespace wgr::slirp::tcp
