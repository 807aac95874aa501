// One moment of the whole router as plain numbers: filled by the router from all workers, read by the
// periodic report. The named fields are those that dashboards and scripts for the periodic report look
// for; `counters` and `drops` hold everything the modules count, summed over workers.
//
// Thread: a value.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/counters.h"
#include "core/drop_reason.h"
#include "core/time.h"
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
  std::map<std::string, std::int64_t, std::less<>> counters;  // "wireguard.handshakes_completed"
  std::array<std::uint64_t, kDropReasonCount> drops{};

  // Adds a module's counters of one worker under `group`; see core/counters.h for the convention.
  // Counters of the same name add up; what is neither a Counter nor a Gauge is skipped.
  template <typename Counters>
  void add(std::string_view group, const Counters& from) {
    from.visit([this, group](std::string_view name, const auto& counter) {
      using Kind = std::remove_cvref_t<decltype(counter)>;
      if constexpr (std::is_same_v<Kind, Counter> || std::is_same_v<Kind, Gauge>) {
        std::string key{group};
        key += '.';
        key += name;
        counters[std::move(key)] += static_cast<std::int64_t>(counter.value());
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
