// One moment of the whole router for the periodic report: sums what the workers count.
//
// Thread: the main thread's; counters may be read while workers run.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "cmd/shard_runner.h"
#include "metrics/snapshot.h"
#include "wireguard/device.h"

namespace wgr {

metrics::Snapshot take_snapshot(
    std::span<const std::unique_ptr<ShardRunner>> runners,
    const std::map<WorkerIndex, std::vector<wireguard::Device::PeerStatus>>& peers);

}  // namespace wgr
