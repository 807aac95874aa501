#include "cmd/snapshot.h"

#include <algorithm>
#include <chrono>

#include "metrics/process_stats.h"

namespace wgr {
namespace {

// A peer whose last handshake is older can send nothing (whitepaper 6.1, Reject-After-Time).
constexpr std::chrono::seconds kFresh{180};

void add(metrics::Traffic& to, const slirp::BridgeCounters& from) {
  to.sent_packets += from.packets_sent.value();
  to.sent_bytes += from.bytes_sent.value();
  to.received_packets += from.packets_received.value();
  to.received_bytes += from.bytes_received.value();
  to.errors += from.errors.value();
}

void add(metrics::FlowTotals& to, const slirp::BridgeCounters& from) {
  to.created += from.flows_opened.value();
  to.closed += from.flows_closed.value();
  to.active += static_cast<std::uint64_t>(std::max<std::int64_t>(from.flows_active.value(), 0));
}

void add(metrics::TcpDetail& to, const slirp::Counters& from) {
  const slirp::tcp::Counters& tcp = from.tcp_connections;
  to.retransmission_timeouts += tcp.retransmission_timeouts.value();
  to.acks_advanced += tcp.ack_advanced.value();
  to.acks_duplicate += tcp.ack_duplicate.value();
  to.acks_window_update += tcp.ack_window_update.value();
  to.connects_started += from.dial_started.value();
  to.connects_succeeded += from.dial_connected.value();
  to.connects_failed += from.dial_refused.value() + from.dial_unreachable.value() +
                        from.dial_timed_out.value() + from.dial_failed.value();
  to.connects_running += static_cast<std::uint64_t>(std::max<std::int64_t>(from.dial_in_flight.value(), 0));
}

void add(metrics::HandshakeDetail& to, const wireguard::Device::PeerStatus& peer, WallTime wall) {
  ++to.peers;
  if (peer.last_handshake == WallTime{}) return;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(wall - peer.last_handshake);
  const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(age.count(), 0));
  const bool is_first = to.fresh + to.stale == 0;
  to.oldest_seconds = std::max(to.oldest_seconds, seconds);
  to.newest_seconds = is_first ? seconds : std::min(to.newest_seconds, seconds);
  ++(age < kFresh ? to.fresh : to.stale);
}

void add(metrics::Snapshot& to, const ShardRunner& runner) {
  const Shard& shard = runner.shard();
  const slirp::Counters& stack = shard.stack().counters();
  const wireguard::Counters& device = shard.device().counters();
  add(to.tcp, stack.tcp);
  add(to.udp, stack.udp);
  add(to.icmp, stack.icmp);
  add(to.tcp_flows, stack.tcp);
  add(to.udp_flows, stack.udp);
  add(to.icmp_flows, stack.icmp);
  add(to.tcp_detail, stack);
  to.tunnel.plaintext_received_bytes += shard.counters().bytes_from_guests.value();
  to.tunnel.plaintext_sent_bytes += shard.counters().bytes_to_guests.value();

  to.add("shard", shard.counters());
  to.add("stack", stack);
  to.add("tcp", stack.tcp_connections);
  to.add("wireguard", device);
  to.add(shard.counters().drops);
  to.add(stack.drops);
  to.add(stack.tcp_connections.drops);
  to.add(device.drops);
  for (const auto& port : runner.ports()) {
    to.add("udp_port", port->socket().counters());
    to.drops[static_cast<std::size_t>(DropReason::kSendFailed)] +=
        port->socket().counters().send_errors.value();
    to.drops[static_cast<std::size_t>(DropReason::kDatagramTooLong)] +=
        port->socket().counters().truncated.value();
  }
}

}  // namespace

metrics::Snapshot take_snapshot(
    std::span<const std::unique_ptr<ShardRunner>> runners,
    const std::map<WorkerIndex, std::vector<wireguard::Device::PeerStatus>>& peers) {
  metrics::Snapshot snapshot;
  snapshot.wall = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  snapshot.taken = Clock::now();
  for (const auto& runner : runners) add(snapshot, *runner);
  for (const auto& [worker, statuses] : peers) {
    for (const auto& status : statuses) add(snapshot.handshakes, status, snapshot.wall);
  }
  for (const DropReason reason :
       {DropReason::kStagedOverflow, DropReason::kMailboxFull, DropReason::kSendFailed}) {
    snapshot.tunnel.queue_drops += snapshot.drops[static_cast<std::size_t>(reason)];
  }
  snapshot.process = metrics::read_process_stats();
  return snapshot;
}

}  // namespace wgr
