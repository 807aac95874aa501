// Bytes that may be held for guests: one budget per guest below one per worker. Whoever holds memory
// takes it here first; a refusal is an ordinary answer with a stated policy at the caller.
//
// A guest never holds more than what it would leave free (dynamic thresholds: Choudhury and Hahne, "Dynamic
// queue length thresholds for shared-memory packet switches", 1998): one alone has half of the worker's
// memory, and N that take all they get leave a share of 1/(N+1) to who comes next.
//
// Thread: confined to one worker.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace wgr::slirp {

class MemoryBudget {
 public:
  // `parent` also pays for everything taken here; it must outlive this object.
  explicit MemoryBudget(std::size_t limit, MemoryBudget* parent = nullptr) noexcept
      : limit_(limit), parent_(parent) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;
  ~MemoryBudget() { assert(used_ == 0); }

  // All of `bytes` or nothing.
  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    if (bytes > available()) return false;
    if (parent_ != nullptr && !parent_->take(bytes)) return false;
    used_ += bytes;
    return true;
  }
  // REQUIRES: they were taken here.
  void give_back(std::size_t bytes) noexcept {
    assert(bytes <= used_);
    used_ -= bytes;
    if (parent_ != nullptr) parent_->give_back(bytes);
  }

  std::size_t used() const noexcept { return used_; }
  std::size_t limit() const noexcept { return limit_; }
  // What take() would grant.
  std::size_t available() const noexcept {
    const std::size_t here = limit_ - used_;
    if (parent_ == nullptr) return here;
    const std::size_t free = parent_->available();
    return free > used_ ? std::min(here, (free - used_) / 2) : 0;
  }

 private:
  const std::size_t limit_;
  MemoryBudget* const parent_;
  std::size_t used_ = 0;
};

}  // namespace wgr::slirp
