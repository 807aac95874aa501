// Round-trip time and retransmission timeout (RFC 6298), with the smallest round trip of late
// (RFC 8985 wants a windowed minimum).
//
// Thread: confined to its connection.
#pragma once

#include <cstdint>

#include "core/time.h"

namespace wgr::slirp::tcp {

class RttEstimator {
 public:
  RttEstimator(Duration min_rto, Duration max_rto) noexcept;

  // A measured round trip. Karn: REQUIRES that it is not of a segment sent twice, unless timestamps
  // tell the transmissions apart.
  void sample(Duration rtt, Instant now) noexcept;
  // The timer expired (5.5).
  void back_off() noexcept;
  // New data was acknowledged: the back-off ends.
  void end_back_off() noexcept { backoff_ = 0; }

  bool has_sample() const noexcept { return smoothed_ > Duration::zero(); }
  Duration smoothed() const noexcept { return smoothed_; }
  Duration variation() const noexcept { return variation_; }
  Duration latest() const noexcept { return latest_; }
  // Zero before the first sample.
  Duration minimum() const noexcept { return minimum_; }
  // With the back-off, within [min_rto, max_rto].
  Duration timeout() const noexcept;

 private:
  const Duration min_rto_;
  const Duration max_rto_;
  Duration smoothed_{};
  Duration variation_{};
  Duration latest_{};
  Duration minimum_{};
  Duration next_minimum_{};  // smallest since minimum_since_ was half a window old
  Instant minimum_since_{};
  std::uint8_t backoff_ = 0;
};

}  // namespace wgr::slirp::tcp
