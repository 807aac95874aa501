// How long things took: bucket i counts durations below 2^i microseconds that no earlier bucket holds; the
// last takes the rest.
//
// Thread: as core/counters.h: one writer, any reader.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/counters.h"
#include "core/time.h"

namespace wgr {

class DurationHistogram {
 public:
  static constexpr std::size_t kBuckets = 27;  // the last but one ends at 2^25 us = 33.5 s

  void record(Duration duration) noexcept {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    const auto value = static_cast<std::uint64_t>(micros < 0 ? 0 : micros);
    const auto bucket = static_cast<std::size_t>(std::bit_width(value));
    buckets_[bucket < kBuckets ? bucket : kBuckets - 1].add();
    total_micros_.add(value);
  }
  std::uint64_t bucket(std::size_t index) const noexcept { return buckets_[index].value(); }
  std::uint64_t total_micros() const noexcept { return total_micros_.value(); }
  std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (const Counter& bucket : buckets_) sum += bucket.value();
    return sum;
  }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter total_micros_;
};

}  // namespace wgr
