// One moment of the whole router for the periodic report and the exporter: sums what the workers count.
// The report needs take_snapshot() alone; the exporter also what the add_...() functions tell.
//
// Thread: the main thread's; counters may be read while workers run.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "cmd/peer_book.h"
#include "cmd/shard_runner.h"
#include "cmd/shard_status.h"
#include "metrics/health.h"
#include "metrics/snapshot.h"
#include "slirp/config.h"
#include "slirp/lan/counters.h"
#include "wireguard/crypto.h"
#include "ws/counters.h"

namespace wgr {

metrics::Snapshot take_snapshot(std::span<const std::unique_ptr<ShardRunner>> runners,
                                const StatusByWorker& statuses);

// Every configured peer, in the order of their keys; of one whose worker has not told its state yet, what
// is configured.
void add_peers(metrics::Snapshot& to, const PeerBook& book, const StatusByWorker& statuses,
               const wireguard::PublicKey& own_key);
// Every forwarded port.
void add_forwards(metrics::Snapshot& to, const StatusByWorker& statuses);
void add_flow_limits(metrics::Snapshot& to, const slirp::Limits& limits, std::size_t workers);
// Checks, probes and heartbeats; tells health of the descriptors that the snapshot has seen.
void add_health(metrics::Snapshot& to, metrics::Health& health, Instant now);
// Of one worker's HTTP and WebSocket server.
void add_server(metrics::Snapshot& to, const ws::Counters& server);
// Of one worker's part in a virtual LAN.
void add_network(metrics::Snapshot& to, std::string_view name, const slirp::lan::Counters& network);

}  // namespace wgr
