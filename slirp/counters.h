// What the stack counts, per worker. TCP towards the guest counts in slirp/tcp/counters.h.
//
// Thread: written by the worker that owns the stack, read by any (see core/counters.h).
#pragma once

#include <string>
#include <string_view>

#include "core/counters.h"
#include "core/egress/policy_counters.h"
#include "core/histogram.h"
#include "slirp/tcp/counters.h"

namespace wgr::slirp {

// One protocol. "Sent" is guest to network, "received" network to guest; packets are the guest's packets,
// bytes are payload that a host socket took or gave.
#define WGR_BRIDGE_COUNTERS(X)                                     \
  X(packets_sent)                                                  \
  X(packets_received)                                              \
  X(bytes_sent)                                                    \
  X(bytes_received)                                                \
  X(errors)      /* failed calls of host sockets */                \
  X(icmp_errors) /* told to guests about flows of this protocol */ \
  X(flows_opened)                                                  \
  X(flows_closed)                                                  \
  X(flows_refused) /* by policy, a cap or the descriptors */

struct BridgeCounters {
#define WGR_COUNTER(name) Counter name;
  WGR_BRIDGE_COUNTERS(WGR_COUNTER)
#undef WGR_COUNTER
  Gauge flows_active;
};

// Connecting to remotes, and bytes of guests that the host sockets did not take at once.
#define WGR_DIAL_COUNTERS(X)                          \
  X(dial_started)                                     \
  X(dial_connected)                                   \
  X(dial_refused)                                     \
  X(dial_unreachable)                                 \
  X(dial_timed_out)                                   \
  X(dial_failed)     /* any other reason */           \
  X(dial_abandoned)  /* the guest gave up first */    \
  X(pending_blocked) /* a host socket was full */     \
  X(pending_flushed) /* it took everything at last */ \
  X(pending_dropped) /* bytes lost because the host side had died */

#define WGR_DNS_COUNTERS(X)                             \
  X(dns_queries)                                        \
  X(dns_answers)                                        \
  X(dns_own_answers)     /* of names we know */         \
  X(dns_repeated)        /* asked again meanwhile */    \
  X(dns_retries)         /* asked another upstream */   \
  X(dns_truncated)       /* asked again over TCP */     \
  X(dns_server_failures) /* SERVFAIL told to a guest */ \
  X(dns_mismatched)      /* answers to no question of ours */

// Outside clients: connections, and UDP mappings or datagrams without one.
#define WGR_FORWARD_COUNTERS(X)                               \
  X(forward_flows_opened)                                     \
  X(forward_refused_sources) /* not in allowed_sources */     \
  X(forward_refused_absent)  /* the guest is not there */     \
  X(forward_refused_limits)  /* a cap, no port */             \
  X(forward_accept_pauses)   /* no descriptor for a client */ \
  X(forward_bind_failures)

#define WGR_STACK_COUNTERS(X)                                   \
  X(packets)     /* from guests */                              \
  X(resets_sent) /* RST about segments of no flow */            \
  X(icmp_errors_sent)                                           \
  X(own_echo_replies) /* pings of the router's own addresses */ \
  X(time_wait_reopened)

struct Counters {
  BridgeCounters tcp;
  BridgeCounters udp;
  BridgeCounters icmp;
#define WGR_COUNTER(name) Counter name;
  WGR_DIAL_COUNTERS(WGR_COUNTER)
  WGR_DNS_COUNTERS(WGR_COUNTER)
  WGR_FORWARD_COUNTERS(WGR_COUNTER)
  WGR_STACK_COUNTERS(WGR_COUNTER)
#undef WGR_COUNTER
  Gauge dial_in_flight;
  Gauge dns_outstanding;
  Gauge time_wait_entries;
  Gauge guests;
  Gauge forward_flows_active;
  // Memory, as it was at the end of the last turn.
  Gauge pool_slots_in_use;
  Gauge pool_slots_allocated;
  Gauge tcp_memory_bytes;
  Gauge reassembly_bytes;
  DurationHistogram connect_time;
  DurationHistogram dns_time;
  egress::PolicyCounters policy_denied;
  tcp::Counters tcp_connections;
  DropCounters drops;

  // visit("name", counter); the parts come with a prefix: "tcp_", "udp_", "icmp_", "policy_denied_",
  // "tcp_connection_".
  template <typename Visitor>
  void visit(Visitor&& visitor) const {
    visit_bridge("tcp_", tcp, visitor);
    visit_bridge("udp_", udp, visitor);
    visit_bridge("icmp_", icmp, visitor);
#define WGR_VISIT(name) visitor(std::string_view{#name}, name);
    WGR_DIAL_COUNTERS(WGR_VISIT)
    WGR_DNS_COUNTERS(WGR_VISIT)
    WGR_FORWARD_COUNTERS(WGR_VISIT)
    WGR_STACK_COUNTERS(WGR_VISIT)
    WGR_VISIT(dial_in_flight)
    WGR_VISIT(dns_outstanding)
    WGR_VISIT(time_wait_entries)
    WGR_VISIT(guests)
    WGR_VISIT(forward_flows_active)
    WGR_VISIT(pool_slots_in_use)
    WGR_VISIT(pool_slots_allocated)
    WGR_VISIT(tcp_memory_bytes)
    WGR_VISIT(reassembly_bytes)
    WGR_VISIT(connect_time)
    WGR_VISIT(dns_time)
#undef WGR_VISIT
    policy_denied.visit([&visitor](std::string_view rule, const Counter& counter) {
      visitor(std::string_view{"policy_denied_" + std::string{rule}}, counter);
    });
    tcp_connections.visit([&visitor](std::string_view name, const auto& counter) {
      visitor(std::string_view{"tcp_connection_" + std::string{name}}, counter);
    });
  }

 private:
  template <typename Visitor>
  static void visit_bridge(const std::string& prefix, const BridgeCounters& bridge, Visitor& visitor) {
#define WGR_VISIT(name) visitor(std::string_view{prefix + #name}, bridge.name);
    WGR_BRIDGE_COUNTERS(WGR_VISIT)
    WGR_VISIT(flows_active)
#undef WGR_VISIT
  }
};

}  // namespace wgr::slirp
