// One moment of the whole router as plain numbers: filled by the router from all workers, read by the
// periodic report and the exporter. The named fields are those that dashboards and scripts for the periodic
// report look for; `counters`, `histograms`, `networks` and `drops` hold everything the modules count,
// summed over workers.
//
// Thread: a value.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/counters.h"
#include "core/drop_reason.h"
#include "core/time.h"
#include "metrics/histogram.h"
#include "metrics/process_stats.h"

namespace wgr::metrics {

// Inner packets and bytes. Sent is from guests to the network, received is from the network to guests.
struct Traffic {
  std::uint64_t sent_packets = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_packets = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t errors = 0;
};

struct FlowTotals {
  std::uint64_t created = 0;
  std::uint64_t closed = 0;
  std::uint64_t active = 0;
  std::uint64_t limit = 0;  // of active ones, over all workers; 0: unknown
};

struct TcpDetail {
  std::uint64_t retransmission_timeouts = 0;
  std::uint64_t flows_in_timeout = 0;  // now
  std::uint64_t acks_advanced = 0;
  std::uint64_t acks_duplicate = 0;
  std::uint64_t acks_window_update = 0;
  std::uint64_t connects_started = 0;
  std::uint64_t connects_succeeded = 0;
  std::uint64_t connects_failed = 0;
  std::uint64_t connects_running = 0;  // now
};

struct TunnelDetail {
  std::uint64_t plaintext_received_bytes = 0;  // inner bytes out of the tunnel
  std::uint64_t plaintext_sent_bytes = 0;      // inner bytes into the tunnel
  std::uint64_t queue_drops = 0;               // staged, mailbox and send failures
};

// A peer is fresh while its last handshake is younger than Reject-After-Time (180 s).
struct HandshakeDetail {
  std::uint64_t peers = 0;
  std::uint64_t fresh = 0;
  std::uint64_t stale = 0;           // had a handshake once; `peers` less both never had one
  std::uint64_t oldest_seconds = 0;  // age of the last handshake, over peers that had one
  std::uint64_t newest_seconds = 0;
};

// One WireGuard peer, as `wg show` tells it.
struct PeerStats {
  std::string public_key;  // base64
  std::string name;        // the operator's word; may hold anything
  std::vector<std::string> allowed_ips;
  std::string endpoint;       // empty: unknown
  WallTime last_handshake{};  // zero: never
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
};

// One port of the host that leads into a guest.
struct ForwardStats {
  std::string protocol;  // "tcp", "udp"
  std::string listen;    // "192.0.2.1:8080", "*:8080"
  bool is_bound = false;
  bool is_guest_present = false;
  std::uint64_t active_flows = 0;  // now: TCP connections, or UDP clients
  std::uint64_t flows_opened = 0;
  std::uint64_t refused_sources = 0;
  std::uint64_t refused_absent = 0;
  std::uint64_t refused_limits = 0;
};

struct WorkerStats {
  std::uint64_t turns = 0;
  std::uint64_t mailbox_depth = 0;
  std::uint64_t mailbox_limit = 0;
  std::int64_t flows = 0;  // of all protocols
  std::int64_t guests = 0;
  Duration heartbeat{};  // how long the last one took, or the one under way is taking
};

// What was compiled, and what a reload did last.
struct BuildInfo {
  std::string version;
  std::string compiler;
};
struct ReloadStats {
  bool is_successful = true;
  WallTime last_success{};  // the start counts as one
};

// A health check or probe as it stands (metrics/health.h).
struct CheckResult {
  std::string name;
  bool is_good = false;
};
struct ProbeStats {
  std::string name;             // "http", "dns"
  std::optional<bool> is_good;  // nothing before the first run has ended
  Duration last_duration{};
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
};

using CounterMap = std::map<std::string, std::int64_t, std::less<>>;

struct Snapshot {
  WallTime wall{};
  Instant taken{};
  Traffic tcp;
  Traffic udp;
  Traffic icmp;
  FlowTotals tcp_flows;
  FlowTotals udp_flows;
  FlowTotals icmp_flows;
  TcpDetail tcp_detail;
  TunnelDetail tunnel;
  HandshakeDetail handshakes;
  ProcessStats process;
  CounterMap counters;                                       // "wireguard.handshakes_completed"
  std::map<std::string, Histogram, std::less<>> histograms;  // "tcp.rtt"
  std::map<std::string, CounterMap, std::less<>> networks;   // virtual LANs by name: "frames_received"
  std::array<std::uint64_t, kDropReasonCount> drops{};

  std::string public_key;  // the router's own, base64
  std::vector<PeerStats> peers;
  std::vector<ForwardStats> forwards;  // by worker, in the order of the configuration
  std::vector<WorkerStats> workers;
  BuildInfo build;
  ReloadStats reload;
  bool is_draining = false;
  std::vector<CheckResult> checks;
  std::vector<ProbeStats> probes;

  // Adds a module's counters of one worker under `group`; see core/counters.h for the convention.
  // What has the same name adds up; what is neither a counter, a gauge nor a histogram is skipped.
  template <typename Counters>
  void add(std::string_view group, const Counters& from) {
    from.visit([this, group](std::string_view name, const auto& counter) {
      using Kind = std::remove_cvref_t<decltype(counter)>;
      std::string key{group};
      key += '.';
      key += name;
      if constexpr (std::is_same_v<Kind, Counter> || std::is_same_v<Kind, Gauge>) {
        counters[std::move(key)] += static_cast<std::int64_t>(counter.value());
      } else if constexpr (std::is_same_v<Kind, DurationHistogram> || std::is_same_v<Kind, SizeHistogram>) {
        histograms[std::move(key)].add(counter);
      }
    });
  }

  // The same for one virtual LAN; its drops are for add(DropCounters).
  template <typename Counters>
  void add_network(std::string_view name, const Counters& from) {
    CounterMap& of_network = networks[std::string{name}];
    from.visit([&of_network](std::string_view key, const auto& counter) {
      using Kind = std::remove_cvref_t<decltype(counter)>;
      if constexpr (std::is_same_v<Kind, Counter> || std::is_same_v<Kind, Gauge>) {
        of_network[std::string{key}] += static_cast<std::int64_t>(counter.value());
      }
    });
  }

  void add(const DropCounters& from) {
    for (std::size_t i = 0; i < kDropReasonCount; ++i) drops[i] += from.value(static_cast<DropReason>(i));
  }

  std::uint64_t total_drops() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : drops) sum += count;
    return sum;
  }
};

}  // namespace wgr::metrics
