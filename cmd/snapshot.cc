#include "cmd/snapshot.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "cmd/wall_clock.h"
#include "metrics/process_stats.h"
#include "wireguard/key_text.h"

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

void add(metrics::Snapshot& to, ShardRunner& runner) {
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
  to.add("host", runner.sockets().counters());
  to.add("ws_dial", runner.dial_port().counters());
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
  to.workers.push_back({.turns = runner.worker().turns(),
                        .mailbox_depth = runner.mailbox().weight(),
                        .mailbox_limit = runner.mailbox().capacity(),
                        .flows = stack.tcp.flows_active.value() + stack.udp.flows_active.value() +
                                 stack.icmp.flows_active.value(),
                        .guests = stack.guests.value(),
                        .heartbeat = {}});
}

// "192.0.2.1:8080,[2001:db8::1]:8080", or "*:8080".
std::string listen_text(const slirp::ForwardConfig& forward) {
  if (forward.listen_addresses.empty()) return "*:" + std::to_string(forward.listen_port);
  std::string text;
  for (const IpAddress& ip : forward.listen_addresses) {
    if (!text.empty()) text += ',';
    text += SocketAddress{ip, forward.listen_port}.to_string();
  }
  return text;
}

void describe(metrics::PeerStats& to, const wireguard::Device::PeerStatus& from) {
  // A dial stands as its peer's endpoint, with an address or without.
  const bool is_known = from.endpoint && !from.endpoint.remote.ip.is_unspecified();
  if (is_known) to.endpoint = from.endpoint.remote.to_string();
  to.last_handshake = from.last_handshake;
  to.received_bytes = from.received_bytes;
  to.sent_bytes = from.sent_bytes;
}

}  // namespace

metrics::Snapshot take_snapshot(std::span<const std::unique_ptr<ShardRunner>> runners,
                                const StatusByWorker& statuses) {
  metrics::Snapshot snapshot;
  snapshot.wall = wall_now();
  snapshot.taken = Clock::now();
  for (const auto& runner : runners) add(snapshot, *runner);
  for (const auto& [worker, status] : statuses) {
    for (const auto& peer : status.peers) add(snapshot.handshakes, peer, snapshot.wall);
  }
  for (const DropReason reason :
       {DropReason::kStagedOverflow, DropReason::kMailboxFull, DropReason::kSendFailed}) {
    snapshot.tunnel.queue_drops += snapshot.drops[static_cast<std::size_t>(reason)];
  }
  snapshot.process = metrics::read_process_stats();
  return snapshot;
}

void add_peers(metrics::Snapshot& to, const PeerBook& book, const StatusByWorker& statuses,
               const wireguard::PublicKey& own_key) {
  std::unordered_map<GuestId, const wireguard::Device::PeerStatus*> known;
  for (const auto& [worker, status] : statuses) {
    for (const auto& peer : status.peers) known.emplace(peer.id, &peer);
  }
  to.public_key = wireguard::to_base64(own_key);
  to.peers.reserve(book.entries().size());
  for (const auto& [key, entry] : book.entries()) {
    metrics::PeerStats& peer = to.peers.emplace_back();
    peer.public_key = wireguard::to_base64(key);
    peer.name = entry.config.name;
    for (const Prefix& prefix : entry.config.allowed_ips) peer.allowed_ips.push_back(prefix.to_string());
    const auto status = known.find(entry.id);
    if (status != known.end()) describe(peer, *status->second);
  }
}

void add_forwards(metrics::Snapshot& to, const StatusByWorker& statuses) {
  for (const auto& [worker, status] : statuses) {
    for (const slirp::ForwardStatus& forward : status.forwards) {
      to.forwards.push_back({.protocol = std::string{slirp::to_string(forward.config.protocol)},
                             .listen = listen_text(forward.config),
                             .is_bound = forward.error == 0,
                             .is_guest_present = forward.target.has_value(),
                             .active_flows = forward.active_flows,
                             .flows_opened = forward.flows_opened,
                             .refused_sources = forward.refused_sources,
                             .refused_absent = forward.refused_absent,
                             .refused_limits = forward.refused_limits});
    }
  }
}

void add_flow_limits(metrics::Snapshot& to, const slirp::Limits& limits, std::size_t workers) {
  to.tcp_flows.limit = limits.tcp_flows * workers;
  to.udp_flows.limit = limits.udp_flows * workers;
  to.icmp_flows.limit = limits.icmp_flows * workers;
}

void add_health(metrics::Snapshot& to, metrics::Health& health, Instant now) {
  health.facts().open_descriptors = to.process.open_descriptors;
  health.facts().descriptor_limit = to.process.descriptors_soft;
  to.checks = health.results(now);
  to.probes = health.probes();
  to.is_draining = health.facts().is_draining;
  const std::size_t workers = std::min(to.workers.size(), health.watchdog().workers());
  for (std::size_t i = 0; i < workers; ++i) {
    to.workers[i].heartbeat = health.watchdog().delay(static_cast<WorkerIndex>(i), now);
  }
}

void add_server(metrics::Snapshot& to, const ws::Counters& server) {
  to.add("ws", server);
  to.add("ws_ethernet", server.ethernet);
  to.add("ws_wireguard", server.wireguard);
}

void add_network(metrics::Snapshot& to, std::string_view name, const slirp::lan::Counters& network) {
  to.add_network(name, network);
  to.add(network.drops);
}

}  // namespace wgr
