// A histogram of the workers, summed, in the units of metrics: seconds, or counts.
//
// Thread: a value.
#pragma once

#include <cstdint>
#include <vector>

#include "core/histogram.h"

namespace wgr::metrics {

struct Histogram {
  std::vector<double> bounds;         // upper ends, rising; what is above the last counts in `counts` only
  std::vector<std::uint64_t> counts;  // one more than bounds; not cumulative
  double sum = 0;

  // REQUIRES: only one kind of histogram is added to one object.
  void add(const DurationHistogram& from);
  void add(const SizeHistogram& from);
};

}  // namespace wgr::metrics
