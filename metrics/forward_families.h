// The families of forwarded ports: one set of series per port of the host.
//
// Thread: pure functions.
#pragma once

#include <cstddef>

#include "metrics/family_builder.h"
#include "metrics/snapshot.h"

namespace wgr::metrics {

inline constexpr std::size_t kMaxForwardSeries = 1000;

// The first kMaxForwardSeries ports get series: a range may be most of the ports there are. What all of them
// count together is in the sums over the workers.
void add_forwards(FamilyBuilder& to, const Snapshot& snapshot);

}  // namespace wgr::metrics
