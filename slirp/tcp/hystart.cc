#include "slirp/tcp/hystart.h"

#include <algorithm>
#include <chrono>

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

// RFC 9406 4.3.
constexpr Duration kMinThreshold = 4ms;
constexpr Duration kMaxThreshold = 16ms;
constexpr int kRttDivisor = 8;
constexpr std::uint8_t kSamples = 8;
constexpr std::uint8_t kConservativeRounds = 5;

}  // namespace

void HyStart::restart(SeqNumber next) noexcept {
  *this = HyStart{};
  round_end_ = next;
}

HyStart::Phase HyStart::acknowledged(SeqNumber acknowledged, SeqNumber next, Duration rtt) noexcept {
  if (phase_ == Phase::kDone) return phase_;
  if (rtt > Duration::zero()) {
    round_minimum_ = std::min(round_minimum_, rtt);
    if (samples_ < kSamples) ++samples_;
    judge();
  }
  if (acknowledged >= round_end_) begin_round(next);
  return phase_;
}

void HyStart::begin_round(SeqNumber next) noexcept {
  if (phase_ == Phase::kConservative && ++conservative_rounds_ >= kConservativeRounds) phase_ = Phase::kDone;
  last_round_minimum_ = round_minimum_;
  round_minimum_ = Duration::max();
  samples_ = 0;
  round_end_ = next;
}

void HyStart::judge() noexcept {
  if (samples_ < kSamples) return;
  if (phase_ == Phase::kConservative) {
    // The growth was noise: back to slow start.
    if (round_minimum_ < conservative_baseline_) {
      conservative_baseline_ = Duration::max();
      phase_ = Phase::kSlowStart;
    }
    return;
  }
  if (last_round_minimum_ == Duration::max()) return;
  const Duration threshold = std::clamp(last_round_minimum_ / kRttDivisor, kMinThreshold, kMaxThreshold);
  if (round_minimum_ >= last_round_minimum_ + threshold) {
    conservative_baseline_ = round_minimum_;
    conservative_rounds_ = 0;
    phase_ = Phase::kConservative;
  }
}

}  // namespace wgr::slirp::tcp
