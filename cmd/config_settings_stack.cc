// The keys of the sections tcp, udp, icmp and limits.
#include "cmd/config_setting_kinds.h"

namespace wgr {
namespace {

using namespace setting_kinds;
using namespace std::chrono_literals;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;
constexpr std::uint64_t kLargestWindow = std::uint64_t{65535} << 14;  // RFC 7323, 2.3
constexpr std::uint64_t kManyFlows = 16 * 1024 * 1024;

void add_tcp_windows(std::vector<Setting>& table) {
  table.push_back(number(
      "tcp.mss_clamp", [](auto& c) -> auto& { return c.slirp.tcp.mss_clamp; }, 0, 65495,
      "Largest segment in either direction; 0: what the MTU allows."));
  table.push_back(boolean(
      "tcp.sack", [](auto& c) -> auto& { return c.slirp.tcp.sack; },
      "Selective acknowledgement, where the guest offers it."));
  table.push_back(boolean(
      "tcp.timestamps", [](auto& c) -> auto& { return c.slirp.tcp.timestamps; },
      "Timestamps, where the guest offers them."));
  table.push_back(number(
      "tcp.window_scale", [](auto& c) -> auto& { return c.slirp.tcp.window_scale; }, 0, 14,
      "Shift of the window towards the guest."));
  table.push_back(number(
      "tcp.initial_window_segments", [](auto& c) -> auto& { return c.slirp.tcp.initial_window_segments; }, 1,
      100, "Segments sent before the first acknowledgement (RFC 6928)."));
  table.push_back(size(
      "tcp.initial_receive_window", [](auto& c) -> auto& { return c.slirp.tcp.initial_receive_window; },
      4 * kKiB, 64 * kMiB, "Window a new connection advertises; it grows with the measured rate."));
  table.push_back(size(
      "tcp.max_receive_window", [](auto& c) -> auto& { return c.slirp.tcp.max_receive_window; }, 4 * kKiB,
      kLargestWindow, "Where it stops growing."));
  table.push_back(size(
      "tcp.max_in_flight", [](auto& c) -> auto& { return c.slirp.tcp.max_in_flight; }, 16 * kKiB,
      kLargestWindow, "Unacknowledged bytes towards the guest, per connection."));
  table.push_back(size(
      "tcp.max_out_of_order_bytes", [](auto& c) -> auto& { return c.slirp.tcp.max_out_of_order_bytes; }, 0,
      kLargestWindow, "Bytes kept beyond a gap, per connection."));
  table.push_back(size(
      "tcp.host_receive_buffer", [](auto& c) -> auto& { return c.slirp.tcp.host_receive_buffer; }, 0, kGiB,
      "SO_RCVBUF of host sockets; 0: the kernel tunes it."));
  table.push_back(size(
      "tcp.host_send_buffer", [](auto& c) -> auto& { return c.slirp.tcp.host_send_buffer; }, 0, kGiB,
      "SO_SNDBUF of host sockets; 0: the kernel tunes it."));
}

void add_tcp_behaviour(std::vector<Setting>& table) {
  using slirp::CongestionAlgorithm;
  using slirp::TcpErrorSignal;
  table.push_back(choice<CongestionAlgorithm>(
      "tcp.congestion", [](auto& c) -> auto& { return c.slirp.tcp.congestion; },
      {{"cubic", CongestionAlgorithm::kCubic},
       {"newreno", CongestionAlgorithm::kNewReno},
       {"off", CongestionAlgorithm::kOff}},
      "Congestion control towards the guest."));
  table.push_back(choice<TcpErrorSignal>(
      "tcp.error_signal", [](auto& c) -> auto& { return c.slirp.tcp.error_signal; },
      {{"accurate", TcpErrorSignal::kAccurate},
       {"icmp", TcpErrorSignal::kIcmp},
       {"rst", TcpErrorSignal::kRst},
       {"none", TcpErrorSignal::kNone}},
      "How a guest learns that its connection failed; accurate: refused is RST, "
      "unreachable is ICMP."));
  table.push_back(duration(
      "tcp.pace", [](auto& c) -> auto& { return c.slirp.tcp.pace; }, 0s, 1s,
      "Least time between segments to a guest; 0s: none."));
}

void add_tcp_times(std::vector<Setting>& table) {
  table.push_back(duration(
      "tcp.ack_delay", [](auto& c) -> auto& { return c.slirp.tcp.ack_delay; }, 0s, 499ms,
      "Longest wait before an acknowledgement."));
  table.push_back(duration(
      "tcp.min_rto", [](auto& c) -> auto& { return c.slirp.tcp.min_rto; }, 1ms, 60s,
      "Shortest retransmission timeout."));
  table.push_back(duration(
      "tcp.max_rto", [](auto& c) -> auto& { return c.slirp.tcp.max_rto; }, 1s, 10min,
      "Longest retransmission timeout."));
  table.push_back(duration(
      "tcp.connect_timeout", [](auto& c) -> auto& { return c.slirp.tcp.connect_timeout; }, 100ms, 10min,
      "How long a host connection may take."));
  table.push_back(duration(
      "tcp.syn_timeout", [](auto& c) -> auto& { return c.slirp.tcp.syn_timeout; }, 1s, 10min,
      "How long the guest may leave a SYN-ACK unanswered."));
  table.push_back(duration(
      "tcp.give_up", [](auto& c) -> auto& { return c.slirp.tcp.give_up; }, 1s, 24h,
      "A connection whose retransmissions make no progress this long ends."));
  table.push_back(duration(
      "tcp.idle_timeout", [](auto& c) -> auto& { return c.slirp.tcp.idle_timeout; }, 1s, 30 * 24h,
      "A silent established connection ends; RFC 5382 asks for 2h4m at least."));
  table.push_back(duration(
      "tcp.keepalive_interval", [](auto& c) -> auto& { return c.slirp.tcp.keepalive_interval; }, 0s, 30 * 24h,
      "Probes to a silent guest; 0s: none."));
  table.push_back(duration(
      "tcp.fin_wait_2_timeout", [](auto& c) -> auto& { return c.slirp.tcp.fin_wait_2_timeout; }, 1s, 24h,
      "How long a half-closed idle connection is kept."));
  table.push_back(duration(
      "tcp.time_wait", [](auto& c) -> auto& { return c.slirp.tcp.time_wait; }, 0s, 10min,
      "How long a closed connection is remembered."));
}

void add_datagrams(std::vector<Setting>& table) {
  using slirp::UdpFiltering;
  table.push_back(choice<UdpFiltering>(
      "udp.filtering", [](auto& c) -> auto& { return c.slirp.udp.filtering; },
      {{"endpoint-independent", UdpFiltering::kEndpointIndependent},
       {"address-dependent", UdpFiltering::kAddressDependent},
       {"address-and-port-dependent", UdpFiltering::kAddressAndPortDependent}},
      "Who may answer into a mapping (RFC 4787, 5): anyone, addresses the guest has sent to, or exact "
      "endpoints."));
  table.push_back(duration(
      "udp.mapping_timeout", [](auto& c) -> auto& { return c.slirp.udp.mapping_timeout; }, 1s, 24h,
      "How long an idle mapping lives; RFC 4787 asks for 2m at least."));
  table.push_back(duration(
      "udp.dns_timeout", [](auto& c) -> auto& { return c.slirp.udp.dns_timeout; }, 1s, 1h,
      "The same for mappings to port 53."));
  table.push_back(duration(
      "icmp.query_timeout", [](auto& c) -> auto& { return c.slirp.icmp.query_timeout; }, 1s, 1h,
      "How long an echo flow lives; RFC 5508 asks for 60s."));
  table.push_back(number(
      "icmp.errors_per_second", [](auto& c) -> auto& { return c.slirp.icmp.errors_per_second; }, 1, 1'000'000,
      "ICMP errors per second to one guest."));
  table.push_back(number(
      "icmp.error_burst", [](auto& c) -> auto& { return c.slirp.icmp.error_burst; }, 1, 1'000'000,
      "ICMP errors in one burst."));
}

template <typename Access>
Setting flows(std::string path, Access access, std::string help) {
  return number(std::move(path), access, 1, kManyFlows, std::move(help));
}

void add_flow_limits(std::vector<Setting>& table) {
  table.push_back(flows(
      "limits.tcp_flows_per_guest", [](auto& c) -> auto& { return c.slirp.limits.tcp_flows_per_guest; },
      "TCP connections of one guest; a new one beyond is refused."));
  table.push_back(flows(
      "limits.tcp_flows", [](auto& c) -> auto& { return c.slirp.limits.tcp_flows; },
      "TCP connections per worker."));
  table.push_back(flows(
      "limits.connecting_per_guest", [](auto& c) -> auto& { return c.slirp.limits.connecting_per_guest; },
      "Connections of one guest that wait for the host to connect."));
  table.push_back(flows(
      "limits.connecting", [](auto& c) -> auto& { return c.slirp.limits.connecting; },
      "The same per worker."));
  table.push_back(flows(
      "limits.udp_flows_per_guest", [](auto& c) -> auto& { return c.slirp.limits.udp_flows_per_guest; },
      "UDP mappings of one guest; its idlest gives way."));
  table.push_back(flows(
      "limits.udp_flows", [](auto& c) -> auto& { return c.slirp.limits.udp_flows; },
      "UDP mappings per worker."));
  table.push_back(number(
      "limits.udp_mappings_per_second",
      [](auto& c) -> auto& { return c.slirp.limits.udp_mappings_per_second; }, 1, 1'000'000,
      "New UDP mappings of one guest; a datagram that needs one beyond is refused."));
  table.push_back(number(
      "limits.udp_mapping_burst", [](auto& c) -> auto& { return c.slirp.limits.udp_mapping_burst; }, 1,
      1'000'000, "New UDP mappings of one guest at once."));
  table.push_back(flows(
      "limits.udp_remotes_per_flow", [](auto& c) -> auto& { return c.slirp.limits.udp_remotes_per_flow; },
      "Remotes that one mapping remembers."));
  table.push_back(flows(
      "limits.icmp_flows_per_guest", [](auto& c) -> auto& { return c.slirp.limits.icmp_flows_per_guest; },
      "Echo flows of one guest."));
  table.push_back(flows(
      "limits.icmp_flows", [](auto& c) -> auto& { return c.slirp.limits.icmp_flows; },
      "Echo flows per worker."));
  table.push_back(flows(
      "limits.forward_flows_per_source",
      [](auto& c) -> auto& { return c.slirp.limits.forward_flows_per_source; },
      "Flows through forwards of one outside source (an IPv4 address or an IPv6 /64)."));
  table.push_back(flows(
      "limits.forward_flows_per_forward",
      [](auto& c) -> auto& { return c.slirp.limits.forward_flows_per_forward; },
      "Flows through one forwarded port."));
  table.push_back(flows(
      "limits.forward_flows_per_guest",
      [](auto& c) -> auto& { return c.slirp.limits.forward_flows_per_guest; },
      "Flows through forwards into one guest."));
  table.push_back(flows(
      "limits.forward_flows", [](auto& c) -> auto& { return c.slirp.limits.forward_flows; },
      "Flows through forwards per worker."));
  table.push_back(flows(
      "limits.time_wait_entries", [](auto& c) -> auto& { return c.slirp.limits.time_wait_entries; },
      "Closed connections remembered per worker."));
}

void add_memory_limits(std::vector<Setting>& table) {
  table.push_back(size(
      "limits.reassembly_bytes_per_guest",
      [](auto& c) -> auto& { return c.slirp.limits.reassembly_bytes_per_guest; }, 64 * kKiB, kGiB,
      "Fragments kept for one guest."));
  table.push_back(flows(
      "limits.reassembly_datagrams_per_guest",
      [](auto& c) -> auto& { return c.slirp.limits.reassembly_datagrams_per_guest; },
      "Packets of one guest under reassembly."));
  table.push_back(size(
      "limits.reassembly_bytes", [](auto& c) -> auto& { return c.slirp.limits.reassembly_bytes; }, 64 * kKiB,
      64 * kGiB, "Fragments kept per worker."));
  table.push_back(size(
      "limits.tcp_memory", [](auto& c) -> auto& { return c.slirp.limits.tcp_memory; }, kMiB, 1024 * kGiB,
      "Bytes of all TCP buffers per worker."));
  table.push_back(size(
      "limits.tcp_memory_per_guest", [](auto& c) -> auto& { return c.slirp.limits.tcp_memory_per_guest; },
      kMiB, 1024 * kGiB,
      "Bytes of one guest's TCP buffers; never more than it leaves free of the worker's."));
}

}  // namespace

std::vector<Setting> stack_settings() {
  std::vector<Setting> table;
  add_tcp_windows(table);
  add_tcp_behaviour(table);
  add_tcp_times(table);
  add_datagrams(table);
  add_flow_limits(table);
  add_memory_limits(table);
  return table;
}

}  // namespace wgr
