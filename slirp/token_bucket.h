// A rate limit with a burst.
//
// Thread: confined to its owner.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/time.h"

namespace wgr::slirp {

class TokenBucket {
 public:
  // Full at first. REQUIRES: per_second > 0, burst > 0.
  TokenBucket(std::uint32_t per_second, std::uint32_t burst, Instant now) noexcept
      : interval_(Duration{std::chrono::seconds{1}} / per_second), depth_(interval_ * burst), full_at_(now) {}

  // Takes one token if there is one.
  bool take(Instant now) noexcept {
    // The bucket is full at full_at_, and a token short of that for each interval before.
    const Instant refilled = std::max(full_at_, now) + interval_;
    if (refilled - now > depth_) return false;
    full_at_ = refilled;
    return true;
  }

 private:
  Duration interval_;
  Duration depth_;
  Instant full_at_;
};

}  // namespace wgr::slirp
