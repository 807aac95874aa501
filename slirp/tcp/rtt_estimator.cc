#include "slirp/tcp/rtt_estimator.h"

#include <algorithm>
#include <chrono>

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

constexpr Duration kInitialTimeout = 1s;   // RFC 6298 (2.1)
constexpr Duration kMinimumWindow = 150s;  // how long a smallest round trip is believed, each half
constexpr std::uint8_t kMaxBackoff = 16;

}  // namespace

RttEstimator::RttEstimator(Duration min_rto, Duration max_rto) noexcept
    : min_rto_(min_rto), max_rto_(max_rto) {}

void RttEstimator::sample(Duration rtt, Instant now) noexcept {
  rtt = std::max(rtt, Duration{1});
  latest_ = rtt;
  if (!has_sample()) {  // (2.2)
    smoothed_ = rtt;
    variation_ = rtt / 2;
    minimum_ = next_minimum_ = rtt;
    minimum_since_ = now;
    return;
  }
  // (2.3) with alpha 1/8 and beta 1/4.
  const Duration error = smoothed_ > rtt ? smoothed_ - rtt : rtt - smoothed_;
  variation_ += (error - variation_) / 4;
  smoothed_ += (rtt - smoothed_) / 8;

  if (now - minimum_since_ > kMinimumWindow) {
    minimum_ = next_minimum_;
    next_minimum_ = rtt;
    minimum_since_ = now;
  }
  next_minimum_ = std::min(next_minimum_, rtt);
  minimum_ = std::min(minimum_, rtt);
}

void RttEstimator::back_off() noexcept {
  if (backoff_ < kMaxBackoff) ++backoff_;
}

Duration RttEstimator::timeout() const noexcept {
  // The floor is on the variation: a long path with a steady round trip must not time out on the first
  // delayed acknowledgement.
  Duration timeout = has_sample() ? smoothed_ + std::max(min_rto_, 4 * variation_) : kInitialTimeout;
  for (std::uint8_t i = 0; i < backoff_ && timeout < max_rto_; ++i) timeout *= 2;
  return std::min(timeout, max_rto_);
}

}  // namespace wgr::slirp::tcp
