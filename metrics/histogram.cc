#include "metrics/histogram.h"

#include <cmath>
#include <cstddef>

namespace wgr::metrics {
namespace {

// Shorter durations share the first bucket: 2^7 us.
constexpr std::size_t kFirstDurationBucket = 7;
constexpr double kMicro = 1e-6;

// Bucket i of `from` ends at scale * 2^i, but for the last; those before `first` become one.
template <typename From>
void add_buckets(Histogram& to, const From& from, std::size_t first, double scale) {
  constexpr std::size_t kLast = From::kBuckets - 1;
  if (to.counts.empty()) {
    for (std::size_t i = first; i < kLast; ++i) to.bounds.push_back(std::ldexp(scale, static_cast<int>(i)));
    to.counts.resize(to.bounds.size() + 1);
  }
  for (std::size_t i = 0; i <= kLast; ++i) to.counts[i < first ? 0 : i - first] += from.bucket(i);
}

}  // namespace

void Histogram::add(const DurationHistogram& from) {
  add_buckets(*this, from, kFirstDurationBucket, kMicro);
  sum += static_cast<double>(from.total()) * kMicro;
}

void Histogram::add(const SizeHistogram& from) {
  add_buckets(*this, from, 0, 1.0);
  sum += static_cast<double>(from.total());
}

}  // namespace wgr::metrics
