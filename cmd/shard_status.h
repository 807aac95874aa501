// What a worker says of its shard when it is asked: more than counters, which anybody may read.
//
// Thread: a value.
#pragma once

#include <map>
#include <vector>

#include "core/guest_id.h"
#include "slirp/forward_config.h"
#include "wireguard/device.h"

namespace wgr {

struct ShardStatus {
  std::vector<wireguard::Device::PeerStatus> peers;
  std::vector<slirp::ForwardStatus> forwards;
};

using StatusByWorker = std::map<WorkerIndex, ShardStatus>;

}  // namespace wgr
