// How large values were, in buckets that end at powers of two.
//
//   bucket 0: 0 and 1    bucket i: above 2^(i-1), up to 2^i    the last: the rest
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

template <std::size_t kCount>  // NOLINT(readability-identifier-naming): a constant, named as one
class PowerHistogram {
 public:
  static constexpr std::size_t kBuckets = kCount;

  void record(std::uint64_t value) noexcept {
    const auto bucket = static_cast<std::size_t>(std::bit_width(value == 0 ? 0 : value - 1));
    buckets_[bucket < kBuckets ? bucket : kBuckets - 1].add();
    total_.add(value);
  }
  std::uint64_t bucket(std::size_t index) const noexcept { return buckets_[index].value(); }
  std::uint64_t total() const noexcept { return total_.value(); }
  std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (const Counter& bucket : buckets_) sum += bucket.value();
    return sum;
  }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter total_;
};

// Of batches: the last bucket but one ends at 2^11 = 2048.
class SizeHistogram : public PowerHistogram<13> {};

// In whole microseconds: the last bucket but one ends at 2^25 us = 33.5 s. What went back in time is zero.
class DurationHistogram : public PowerHistogram<27> {
 public:
  void record(Duration duration) noexcept {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    PowerHistogram::record(static_cast<std::uint64_t>(micros < 0 ? 0 : micros));
  }
};

}  // namespace wgr
