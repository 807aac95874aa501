// The copies of group frames that a switch makes, shared by who sends them: a full network must not multiply
// what one station sends into more than a worker can copy, nor may one station use up what there is for all.
//
// Time goes in windows of kWindow with kCopies each. Of n senders of the last window each may have the
// (n+1)th part of one; the part that is left is for those who come new. A frame goes to all or to nobody:
// copies beyond a sender's part, or beyond the window, count against the windows that follow.
//
// Thread: confined to its owner.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "core/time.h"

namespace wgr::slirp::lan {

class BroadcastBudget {
 public:
  static constexpr Duration kWindow = std::chrono::milliseconds{100};
  static constexpr std::uint64_t kCopies = 10'000;

  // Of one sender.
  class Share {
    friend class BroadcastBudget;
    std::int64_t window_ = -1;  // in which it last asked
    std::uint64_t used_ = 0;
  };

  // Whether the sender's frame may be copied to all others.
  bool may_send(Share& share, Instant now) {
    enter_window(now);
    const std::uint64_t part = kCopies / (std::max<std::uint64_t>(former_senders_, 1) + 1);
    if (share.window_ != window_) {
      share.used_ -= std::min(share.used_, part * windows_since(share.window_));
      share.window_ = window_;
      ++senders_;
    }
    return share.used_ < part && used_ < kCopies;
  }
  // After may_send() said yes.
  void sent(Share& share, std::uint64_t copies) {
    share.used_ += copies;
    used_ += copies;
  }

 private:
  // Beyond, everything used is long forgiven.
  static constexpr std::int64_t kLongAgo = 1'000'000;

  std::uint64_t windows_since(std::int64_t window) const {
    return static_cast<std::uint64_t>(std::min(window_ - window, kLongAgo));
  }
  void enter_window(Instant now) {
    const std::int64_t window = now.time_since_epoch() / kWindow;
    if (window <= window_) return;
    const std::int64_t former = std::exchange(window_, window);
    former_senders_ = former + 1 == window ? senders_ : 0;
    senders_ = 0;
    used_ -= std::min(used_, kCopies * windows_since(former));
  }

  std::int64_t window_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t senders_ = 0;         // in this window
  std::uint64_t former_senders_ = 0;  // in the one before
};

}  // namespace wgr::slirp::lan
