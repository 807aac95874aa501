// The congestion window of one connection, in bytes: slow start with HyStart++ (RFC 9406), then CUBIC
// (RFC 9438), NewReno (RFC 5681) or nothing. What was lost, and when to send, is the Sender's.
//
// Thread: confined to its connection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/time.h"
#include "slirp/config.h"
#include "slirp/tcp/cubic.h"
#include "slirp/tcp/hystart.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

class Congestion {
 public:
  struct Acknowledged {
    std::size_t bytes = 0;  // newly acknowledged or selectively acknowledged
    SeqNumber una;
    SeqNumber next;
    std::size_t peak = 0;  // most bytes in flight of late: whether the window was used
    Duration rtt{};        // of this acknowledgement; zero: none
    Duration smoothed_rtt{};
  };

  // `limit` bounds the window, and is the window with CongestionAlgorithm::kOff.
  Congestion(CongestionAlgorithm algorithm, std::size_t limit) noexcept;
  // Once the segment size is known, before data is sent.
  void start(std::size_t mss, std::size_t initial_segments, SeqNumber next) noexcept;

  // Outside of fast recovery.
  void acknowledged(const Acknowledged& news, Instant now) noexcept;
  // A congestion event: the threshold falls; the window follows by set_window().
  void reduce(std::size_t in_flight) noexcept;
  // RFC 5681 (4): after a retransmission timeout one segment may be in flight.
  void collapse() noexcept;
  // The last reduction was for nothing: window and threshold as before it.
  void undo() noexcept;
  // Proportional rate reduction sets it segment by segment. REQUIRES: bytes > 0.
  void set_window(std::size_t bytes) noexcept;
  // RFC 5681 4.1, softened as RFC 7661 does: halves for each timeout that passed idle.
  void restart_after_idle(Duration idle, Duration timeout) noexcept;
  void mss_changed(std::size_t mss) noexcept { mss_ = mss; }

  std::size_t window() const noexcept { return window_; }
  std::size_t threshold() const noexcept { return threshold_; }
  bool in_slow_start() const noexcept { return window_ < threshold_; }

 private:
  struct Saved {
    std::size_t window = 0;
    std::size_t threshold = 0;
    Cubic cubic;
  };
  void grow_in_slow_start(const Acknowledged& news) noexcept;
  void grow_in_avoidance(const Acknowledged& news, Instant now) noexcept;

  const CongestionAlgorithm algorithm_;
  const std::size_t limit_;
  std::size_t mss_ = 536;
  std::size_t initial_window_ = 536;
  std::size_t window_ = 536;
  std::size_t threshold_;
  double carry_ = 0;  // growth below one byte
  Cubic cubic_;
  HyStart hystart_;
  Saved saved_;
};

}  // namespace wgr::slirp::tcp
