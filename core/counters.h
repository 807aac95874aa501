// Counters of the packet path: one writer (the worker that owns them), any reader.
// Each module has its own struct of Counters in its *counters.h with
//   template <typename Visitor> void visit(Visitor&& visit) const   // visit("name", counter)
// so that reports and the metrics exporter list them without knowing them; the exporter sums workers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/drop_reason.h"

namespace wgr {

// Monotonic. add() is a plain load and store: only the owning thread may call it.
class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// A level that goes up and down; same thread rule.
class Gauge {
 public:
  void add(std::int64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void subtract(std::int64_t amount = 1) noexcept { add(-amount); }
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// One counter per DropReason.
class DropCounters {
 public:
  void count(DropReason reason, std::uint64_t amount = 1) noexcept {
    counters_[static_cast<std::size_t>(reason)].add(amount);
  }
  std::uint64_t value(DropReason reason) const noexcept {
    return counters_[static_cast<std::size_t>(reason)].value();
  }
  std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (const Counter& counter : counters_) sum += counter.value();
    return sum;
  }

 private:
  std::array<Counter, kDropReasonCount> counters_;
};

}  // namespace wgr
