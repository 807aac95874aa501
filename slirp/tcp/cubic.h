// The growth function of CUBIC (RFC 9438): how the window grows in congestion avoidance, and what is
// left of it after a congestion event. Windows are bytes outside and segments inside, as in the RFC.
//
// Thread: confined to its connection.
#pragma once

#include <cstddef>

#include "core/time.h"

namespace wgr::slirp::tcp {

class Cubic {
 public:
  static constexpr double kC = 0.4;
  static constexpr double kBeta = 0.7;

  // Bytes by which the window may grow for `acked` bytes acknowledged in congestion avoidance
  // (4.2 - 4.4). REQUIRES: the sender used the window.
  double growth(std::size_t window, std::size_t acked, std::size_t mss, Duration rtt, Instant now) noexcept;
  // Time passed without use of the window: it does not count (4.2).
  void application_limited(Instant now) noexcept;
  // What ssthresh becomes; `in_flight` is what the window really carried (4.6, 4.7).
  std::size_t reduce(std::size_t window, std::size_t in_flight, std::size_t mss) noexcept;
  // The growth starts from the window as it is (4.8, 4.10).
  void end_epoch() noexcept { epoch_began_ = kNever; }

 private:
  void begin_epoch(double window, Instant now) noexcept;

  double w_max_ = 0;  // segments; 0: no congestion event so far
  double w_est_ = 0;  // what Reno would have
  double cwnd_prior_ = 0;
  double k_ = 0;  // seconds
  Instant epoch_began_ = kNever;
  Instant last_growth_ = kNever;
};

}  // namespace wgr::slirp::tcp
