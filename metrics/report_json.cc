#include <cmath>

#include "metrics/json.h"
#include "metrics/report.h"

namespace wgr::metrics {
namespace {

JsonObject traffic_json(const Traffic& traffic) {
  JsonObject json;
  json.add("pkts_sent", traffic.sent_packets).add("pkts_recv", traffic.received_packets);
  json.add("bytes_sent", traffic.sent_bytes).add("bytes_recv", traffic.received_bytes);
  json.add("errors", traffic.errors);
  return json;
}

JsonObject total_json(const Snapshot& now) {
  const FlowTotals flows = total_flows(now);
  const Traffic traffic = total_traffic(now);
  JsonObject json;
  json.add("conns_created", flows.created).add("conns_closed", flows.closed);
  json.add("pkts_sent", traffic.sent_packets).add("pkts_recv", traffic.received_packets);
  json.add("bytes_sent", traffic.sent_bytes).add("bytes_recv", traffic.received_bytes);
  json.add("errors", traffic.errors);
  return json;
}

JsonObject tcp_json(const TcpDetail& tcp, const ReportRates* rates) {
  JsonObject json;
  json.add("rto", tcp.retransmission_timeouts);
  json.add("rto_delta", rates != nullptr ? rates->retransmission_timeouts : std::uint64_t{0});
  json.add("active_rto_flows", tcp.flows_in_timeout);
  json.add("ack_advanced", tcp.acks_advanced).add("ack_duplicate", tcp.acks_duplicate);
  json.add("ack_window_update", tcp.acks_window_update);
  json.add("dial_start", tcp.connects_started).add("dial_ok", tcp.connects_succeeded);
  json.add("dial_fail", tcp.connects_failed).add("dial_inflight", tcp.connects_running);
  return json;
}

JsonObject tunnel_json(const TunnelDetail& tunnel) {
  JsonObject json;
  json.add("plaintext_from_wg", tunnel.plaintext_received_bytes);
  json.add("plaintext_to_wg", tunnel.plaintext_sent_bytes);
  json.add("queue_drops", tunnel.queue_drops);
  return json;
}

JsonObject handshake_json(const HandshakeDetail& handshakes) {
  JsonObject json;
  json.add("peers", handshakes.peers).add("fresh", handshakes.fresh).add("stale", handshakes.stale);
  json.add("oldest_sec", handshakes.oldest_seconds).add("newest_sec", handshakes.newest_seconds);
  return json;
}

JsonObject runtime_json(const ProcessStats& process) {
  JsonObject json;
  json.add("heap_alloc", process.heap_in_use_bytes).add("heap_inuse", process.heap_in_use_bytes);
  json.add("sys", process.heap_bytes).add("rss", process.resident_bytes).add("threads", process.threads);
  return json;
}

void add_use(JsonObject& json, std::string_view key, ProcessStats::Value used, ProcessStats::Value all) {
  const bool is_known = used && all && *all != 0;
  const double percent = is_known ? 100 * static_cast<double>(*used) / static_cast<double>(*all) : NAN;
  json.add(key, percent);
}

JsonObject limits_json(const ProcessStats& process) {
  JsonObject json;
  json.add("nofile_soft", process.descriptors_soft).add("nofile_hard", process.descriptors_hard);
  json.add("open_fds", process.open_descriptors);
  add_use(json, "fd_util_pct", process.open_descriptors, process.descriptors_soft);
  json.add("eph_low", process.ephemeral_low).add("eph_high", process.ephemeral_high);
  json.add("eph_size", port_count(process)).add("eph_used_est", process.ephemeral_used);
  add_use(json, "eph_util_pct", process.ephemeral_used, port_count(process));
  json.add("ct_max", process.conntrack_max).add("ct_used", process.conntrack_used);
  add_use(json, "ct_util_pct", process.conntrack_used, process.conntrack_max);
  json.add("rmem_max", process.receive_buffer_max).add("wmem_max", process.send_buffer_max);
  return json;
}

JsonObject rates_json(const ReportRates& rates) {
  JsonObject json;
  json.add("seconds", rates.seconds);
  json.add("bits_sent_per_sec", rates.sent_bits_per_second);
  json.add("bits_recv_per_sec", rates.received_bits_per_second);
  json.add("pkts_sent_per_sec", rates.sent_packets_per_second);
  json.add("pkts_recv_per_sec", rates.received_packets_per_second);
  return json;
}

JsonObject drops_json(const Snapshot& now) {
  JsonObject json;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    json.add(to_string(static_cast<DropReason>(i)), now.drops[i]);
  }
  return json;
}

JsonObject counters_json(const Snapshot& now) {
  JsonObject json;
  for (const auto& [name, value] : now.counters) json.add(name, value);
  return json;
}

}  // namespace

std::string report_json(const Snapshot& now, const ReportRates* rates) {
  JsonObject json;
  json.add("msg", "metrics").add("ts", time_text(now.wall));
  json.add("total", total_json(now));
  json.add("tcp", traffic_json(now.tcp))
      .add("udp", traffic_json(now.udp))
      .add("icmp", traffic_json(now.icmp));
  json.add("tcp_ext", tcp_json(now.tcp_detail, rates));
  json.add("tcp_active", now.tcp_flows.active).add("udp_active", now.udp_flows.active);
  json.add("icmp_active", now.icmp_flows.active);
  json.add("wg", tunnel_json(now.tunnel)).add("wg_hs", handshake_json(now.handshakes));
  JsonObject proc;
  proc.add("short_packets", now.drops[static_cast<std::size_t>(DropReason::kPacketMalformed)]);
  proc.add("wg_queue_full", now.drops[static_cast<std::size_t>(DropReason::kStagedOverflow)]);
  proc.add("drops", now.total_drops());
  json.add("proc", proc).add("rt", runtime_json(now.process)).add("srv_limits", limits_json(now.process));
  if (rates != nullptr) json.add("rates", rates_json(*rates));
  json.add("drops", drops_json(now)).add("counters", counters_json(now));
  return json.to_string();
}

}  // namespace wgr::metrics
