// How large batches were: bucket i counts sizes up to 2^i that no earlier bucket holds; the last takes the
// rest.
//
// Thread: as core/counters.h: one writer, any reader.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/counters.h"

namespace wgr {

class SizeHistogram {
 public:
  static constexpr std::size_t kBuckets = 13;  // the last but one ends at 2^11 = 2048

  void record(std::uint64_t size) noexcept {
    const auto bucket = static_cast<std::size_t>(std::bit_width(size == 0 ? 0 : size - 1));
    buckets_[bucket < kBuckets ? bucket : kBuckets - 1].add();
    total_.add(size);
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

}  // namespace wgr
