// When a worker is under load, and how much it says about it.
//
// Thread: confined to one worker.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/time.h"
#include "wireguard/constants.h"

namespace wgr::wireguard {

// Under load: more handshake messages within a second than the limit. Stays so for Under-Load-Hold.
class LoadMeter {
 public:
  explicit LoadMeter(std::size_t per_second) noexcept : limit_(per_second) {}

  // Counts one handshake message with a valid MAC1 and says whether the worker is under load with it.
  bool count(Instant now) noexcept {
    if (began_ == kNever || now - began_ >= std::chrono::seconds{1}) {
      began_ = now;
      counted_ = 0;
    }
    if (++counted_ > limit_) loaded_until_ = now + kUnderLoadHold;
    return now < loaded_until_;
  }

 private:
  const std::size_t limit_;
  std::size_t counted_ = 0;  // since began_
  Instant began_ = kNever;
  Instant loaded_until_ = Instant::min();
};

// How many cookie replies may leave, per second. Replies are smaller than what they answer; this only
// bounds what a flood makes us work and send.
class ReplyBudget {
 public:
  explicit ReplyBudget(std::uint32_t per_second) noexcept : per_second_(per_second) {}

  bool take(Instant now) noexcept {
    if (began_ == kNever || now - began_ >= std::chrono::seconds{1}) {
      began_ = now;
      used_ = 0;
    }
    if (used_ == per_second_) return false;
    ++used_;
    return true;
  }

 private:
  const std::uint32_t per_second_;
  std::uint32_t used_ = 0;  // since began_
  Instant began_ = kNever;
};

}  // namespace wgr::wireguard
