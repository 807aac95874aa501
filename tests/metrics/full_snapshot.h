// A snapshot in which everything that may be told is told, so that a scrape holds every family.
#pragma once

#include <string>

#include "cmd/shard_counters.h"
#include "core/egress/host_counters.h"
#include "core/io/udp_socket.h"
#include "metrics/snapshot.h"
#include "slirp/counters.h"
#include "slirp/lan/counters.h"
#include "wireguard/counters.h"
#include "ws/counters.h"
#include "ws/wireguard/counters.h"

namespace wgr::metrics {

inline PeerStats some_peer(std::string key) {
  PeerStats peer;
  peer.public_key = std::move(key);
  peer.name = "laptop";
  peer.allowed_ips = {"10.86.0.2/32", "fd86::2/128"};
  peer.endpoint = "192.0.2.7:51820";
  peer.last_handshake = WallTime{std::chrono::seconds{1700000000}};
  peer.received_bytes = 1000;
  peer.sent_bytes = 2000;
  return peer;
}

// The counters of every module, all zero.
inline void add_all_modules(Snapshot& to) {
  to.add("shard", ShardCounters{});
  to.add("stack", slirp::Counters{});
  to.add("tcp", slirp::tcp::Counters{});
  to.add("wireguard", wireguard::Counters{});
  to.add("udp_port", io::UdpSocketCounters{});
  to.add("host", egress::HostSocketCounters{});
  to.add("ws", ws::Counters{});
  to.add("ws_ethernet", ws::ServiceCounters{});
  to.add("ws_wireguard", ws::ServiceCounters{});
  to.add("ws_dial", ws::wireguard::DialCounters{});
  to.add_network("default", slirp::lan::Counters{});
}

inline Snapshot full_snapshot() {
  Snapshot snapshot;
  add_all_modules(snapshot);
  snapshot.public_key = "ownkey=";
  snapshot.peers = {some_peer("key1=")};
  snapshot.forwards = {{.protocol = "tcp", .listen = "*:8080", .is_bound = true}};
  snapshot.workers = {{.turns = 5,
                       .mailbox_depth = 1,
                       .mailbox_limit = 4096,
                       .flows = 2,
                       .guests = 1,
                       .heartbeat = std::chrono::milliseconds{3}}};
  snapshot.build = {.version = "0.1.0", .compiler = "GNU 12"};
  snapshot.handshakes = {.peers = 1, .fresh = 1};
  for (FlowTotals* flows : {&snapshot.tcp_flows, &snapshot.udp_flows, &snapshot.icmp_flows}) flows->limit = 9;
  snapshot.checks = {{"workers", true}};
  snapshot.probes = {{"http", true, std::chrono::milliseconds{250}, 3, 1}};
  ProcessStats& process = snapshot.process;
  for (ProcessStats::Value* value :
       {&process.heap_in_use_bytes, &process.heap_bytes, &process.resident_bytes, &process.virtual_bytes,
        &process.threads, &process.open_descriptors, &process.descriptors_soft, &process.ephemeral_low,
        &process.ephemeral_high, &process.ephemeral_used, &process.conntrack_max, &process.conntrack_used}) {
    *value = 7;
  }
  process.cpu_seconds = 1.5;
  process.start_time = 1700000000;
  return snapshot;
}

}  // namespace wgr::metrics
