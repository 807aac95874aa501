// The WireGuard families, one set of series per peer, under the names that existing dashboards query.
//
// Thread: pure functions.
#pragma once

#include "metrics/config.h"
#include "metrics/family_builder.h"
#include "metrics/snapshot.h"

namespace wgr::metrics {

// At most config.max_peers peers get series; the others are summed up under the public key "others", whose
// last handshake is the newest of theirs.
void add_peers(FamilyBuilder& to, const ExporterConfig& config, const Snapshot& snapshot);

}  // namespace wgr::metrics
