// What a reload leaves as it is: keys that are read once, and virtual LANs.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <vector>

#include "cmd/config.h"

namespace wgr {

// Changed keys that wait for the next start: "tcp.sack", "lan.networks.lab.isolate", or "lan.networks.lab"
// for a network that came or went.
std::vector<std::string> waiting_keys(const Config& now, const Config& next);

// Takes away what leads to a network that is not among `networks`, the open ones.
void drop_unknown_networks(ws::Config& config, const std::vector<std::string>& networks);

}  // namespace wgr
