// Which forwards each worker opens, and where they lead at this moment: a forward lives on the home of the
// guest it leads to, because host sockets live where their guest lives.
//
// A station is meant by NAME, NAME.DOMAIN or NAME.NETWORK. Stations choose their names themselves, so a name
// that stations of several networks have leads nowhere, while one that a static lease gives is looked for in
// the network of that lease alone. A station without its session is absent.
//
// Pure.
//
// Thread: the main thread's.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "cmd/config.h"
#include "cmd/lan_book.h"
#include "cmd/peer_book.h"
#include "slirp/forward_config.h"

namespace wgr {

struct PlannedForward {
  slirp::ForwardConfig config;
  std::optional<slirp::ForwardTarget> target;  // nothing while the guest is absent

  friend bool operator==(const PlannedForward&, const PlannedForward&) = default;
};

// Forwards by worker. What cannot be placed yet waits on the first worker, or on the home of the network
// that its address belongs to.
std::vector<std::vector<PlannedForward>> plan_forwards(std::span<const ForwardEntry> forwards,
                                                       const PeerBook& peers, const LanBook& lan,
                                                       const NetworkConfig& network, std::size_t workers);

}  // namespace wgr
