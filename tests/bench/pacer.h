// Bursts at a fixed rate. A generator that falls behind skips what it missed.
#pragma once

#include <cstdint>

#include "core/time.h"

namespace wgr::bench {

class Pacer {
 public:
  // `rate` packets a second, `burst` at a time.
  Pacer(std::uint32_t rate, std::uint32_t burst, Instant now)
      : interval_(Duration{1'000'000'000} * burst / rate), next_(now) {}

  // True when a burst is due; at most kBacklog in a row.
  bool take(Instant now) {
    if (now < next_) return false;
    if (now - next_ > kBacklog * interval_) next_ = now - kBacklog * interval_;
    next_ += interval_;
    return true;
  }
  Instant next() const noexcept { return next_; }

 private:
  static constexpr int kBacklog = 4;

  const Duration interval_;
  Instant next_;
};

}  // namespace wgr::bench
