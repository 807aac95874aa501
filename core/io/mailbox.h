// What workers send each other: bounded, batched, one wake-up per batch.
//
// An item is a value that owns its memory; its weight is the packets it carries. When the receiver's
// box holds `capacity` of weight, push() refuses and the sender counts kMailboxFull. What must not be
// crowded out has a reserve beyond it, or no weight: then it is always taken.
//
// Thread: push() from any thread; the sink runs on the receiving worker.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "core/io/worker.h"

namespace wgr::io {

template <typename Item>
class Mailbox {
 public:
  using Sink = std::function<void(std::vector<Item>& items)>;

  // `worker` must outlive the mailbox. `sink` takes the items of one wake-up, in order.
  Mailbox(Worker& worker, std::size_t capacity, Sink sink)
      : worker_(worker), capacity_(capacity), sink_(std::move(sink)) {}

  // False when full: the item was not taken.
  bool push(Item&& item, std::size_t weight = 1, std::size_t reserve = 0) {
    bool must_wake = false;
    {
      const std::lock_guard lock(mutex_);
      if (weight > 0 && weight_ + weight > capacity_ + reserve) return false;
      must_wake = queued_.empty();
      weight_ += weight;
      queued_.push_back(std::move(item));
    }
    if (must_wake) worker_.post([this] { deliver(); });
    return true;
  }

  // What waits at this moment, and the most that may. For reports: takes the lock.
  std::size_t weight() const {
    const std::lock_guard lock(mutex_);
    return weight_;
  }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  void deliver() {
    {
      const std::lock_guard lock(mutex_);
      delivered_.swap(queued_);
      weight_ = 0;
    }
    sink_(delivered_);
    delivered_.clear();
  }

  Worker& worker_;
  const std::size_t capacity_;
  const Sink sink_;
  std::vector<Item> delivered_;  // the receiving worker's

  mutable std::mutex mutex_;
  std::vector<Item> queued_;  // guarded by mutex_
  std::size_t weight_ = 0;    // guarded by mutex_
};

}  // namespace wgr::io
