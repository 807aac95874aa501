#include "cmd/config_env_table.h"

namespace wgr {
namespace {

using Kind = VariableKind;

constexpr Variable kFlowFamily{"FLOW_*", {}, Kind::kNoMeaning};
constexpr Variable kTunFamily{"WG_TUN_IN_*", {}, Kind::kNoMeaning};

}  // namespace

const std::vector<Variable>& variables() {
  static const std::vector<Variable> table = {
      {"WG_PRIVATE_KEY", "wireguard.private_key"},
      {"WG_PRIVATE_KEY_FILE", "wireguard.private_key_file"},
      {"WG_INSECURE_KEY_PERMISSIONS", "wireguard.insecure_key_permissions"},
      {"WG_LISTEN_PORT", "wireguard.listen_port"},
      {"WG_LISTEN_ADDRESSES", "wireguard.listen_addresses"},
      {"WG_PUBLIC_ENDPOINT", "wireguard.public_endpoint"},
      {"WG_PEERS", "wireguard.peers", Kind::kSpecial},
      {"WG_TUN_QUEUE_CAP", "wireguard.staged_packets"},
      {"WG_MTU", "network.mtu"},
      {"WG_ADDRESSES", "network.addresses"},
      {"WG_DISABLE_IPV6", "network.ipv6", Kind::kFalsehood},
      {"WG_OVERLAY_ROUTING", "overlay.enabled"},
      {"WG_OVERLAY_EXCLUDE_CIDRS", "overlay.exclude"},
      {"WG_PCAP", "pcap.path"},
      {"WG_PCAP_MAX_BYTES", "pcap.max_bytes"},
      {"WG_DEBUG", "log.level", Kind::kSpecial},
      {"DEBUG", "log.level", Kind::kSpecial},
      {"LOG_LEVEL", "log.level"},
      {"LOG_FORMAT", "log.format"},
      {"METRICS_LOG", "metrics.report", Kind::kSpecial},
      {"METRICS_INTERVAL", "metrics.interval", Kind::kSpecial},
      {"METRICS_FORMAT", "metrics.format"},
      {"PROCESSOR_WORKERS", "processor.workers"},
      {"PROCESSOR_QUEUE_CAP", "processor.mailbox_capacity"},
      {"COPY_TOS", "network.copy_tos"},
      {"IP_TTL", "network.ttl"},
      {"TCP_ACK_DELAY_MS", "tcp.ack_delay", Kind::kMilliseconds},
      {"TCP_ACK_IDLE_FAIL_SEC", "tcp.give_up", Kind::kSeconds},
      {"TCP_ENABLE_SACK", "tcp.sack"},
      {"TCP_MSS_CLAMP", "tcp.mss_clamp"},
      {"TCP_PACE_US", "tcp.pace", Kind::kMicroseconds},
      {"TCP_CC", "tcp.congestion"},
      {"TCP_ERROR_SIGNAL", "tcp.error_signal"},
      {"TCP_SOCK_RCVBUF", "tcp.host_receive_buffer"},
      {"TCP_SOCK_SNDBUF", "tcp.host_send_buffer"},
      {"TCP_INIT_CWND_MSS", "tcp.initial_window_segments"},
      {"TCP_WS_OUT", "tcp.window_scale"},
      {"TCP_FLOW_LIFETIME_SEC", "tcp.idle_timeout", Kind::kSeconds},
      {"TCP_REASSEMBLY_CAP_BYTES", "tcp.max_out_of_order_bytes"},
      {"UDP_FLOW_LIFETIME_SEC", "udp.mapping_timeout", Kind::kSeconds},
      {"MAX_TCP_FLOWS", "limits.tcp_flows"},
      {"MAX_UDP_FLOWS", "limits.udp_flows"},
      {"MAX_PENDING_TCP_DIALS", "limits.connecting"},
      {"IPV4_FRAGMENT_BUFFER_CAP_BYTES", "limits.reassembly_bytes"},
      {"DNS_UPSTREAMS", "dns.upstreams"},
      {"EGRESS_ALLOW", "egress.allow"},
      {"EGRESS_DENY", "egress.deny"},
      {"EGRESS_ALLOW_METADATA", "egress.allow_metadata"},
      {"FORWARDS", "forwards"},
      {"STATE_FOLDER", "state.folder"},
      {"SHUTDOWN_GRACE", "shutdown.grace"},

      {"HEALTHCHECK", "health.probe", Kind::kSpecial},
      {"HEALTH_HTTP_URL", "health.http_url"},
      {"HEALTH_DNS_NAME", "health.dns_name"},
      {"HEALTH_DNS_IP", "health.dns_server"},
      {"HOST", "ws.addresses", Kind::kSpecial},
      {"PORT", "ws.port", Kind::kSpecial},
      {"WITH_SSL", "ws.tls_port", Kind::kSpecial},
      {"SSL_CERT", "ws.certificate", Kind::kSpecial},
      {"SSL_KEY", "ws.private_key", Kind::kSpecial},
      {"SSL_PASSPHRASE", "ws.passphrase", Kind::kSpecial},
      {"SSL_PASSPHRASE_FILE", "ws.passphrase_file", Kind::kSpecial},

      {"POOLING", {}, Kind::kNoMeaning},
      {"POOL_WRAP", {}, Kind::kNoMeaning},
      {"SIMPLE_MODE", {}, Kind::kNoMeaning},
      {"WG_TUN_ASYNC_WRITE", {}, Kind::kNoMeaning},
      {"TCP_FAST_DIAL_MS", {}, Kind::kNoMeaning},
      {"TCP_GATE_LOG", {}, Kind::kNoMeaning},
      {"TCP_LOG_HANDSHAKE", {}, Kind::kNoMeaning},
      {"TCP_ACK_TRACE", {}, Kind::kNoMeaning},
      {"TCP_ACK_IDLE_GATE_MS", {}, Kind::kNoMeaning},
      {"TCP_ACK_IDLE_MIN_INFLIGHT", {}, Kind::kNoMeaning},
      {"TCP_PEND_CAP_BYTES", {}, Kind::kNoMeaning},
      {"TCP_RETRANSMIT_CAP_BYTES", {}, Kind::kNoMeaning},
      {"TCP_DEBUG_FLOW", {}, Kind::kNoMeaning},
      {"SOCKET_BUFFER_CAP_BYTES", {}, Kind::kNoMeaning},
      {"ICMP_ECHO", {}, Kind::kNoMeaning},
      {"IPV4_REASSEMBLY", {}, Kind::kNoMeaning},
      {"PRINT_CONFIG", {}, Kind::kNoMeaning},
      {"ROUTER_TUN_NAME", {}, Kind::kNoMeaning},
      {"ROUTER_TUN_IP", {}, Kind::kNoMeaning},
      {"ROUTER_TUN_SUBNET", {}, Kind::kNoMeaning},
      {"ROUTER_TUN_MTU", {}, Kind::kNoMeaning},
      {"ROUTER_SOCKET_IP", {}, Kind::kNoMeaning},
      {"ROUTER_DEBUG", {}, Kind::kNoMeaning},
      {"WIREGUARD_PRIVATE_KEY", {}, Kind::kNoMeaning},
      {"WIREGUARD_LISTEN_PORT", {}, Kind::kNoMeaning},
      {"WIREGUARD_DISABLE_SOURCE_VALIDATION", {}, Kind::kNoMeaning},
      {"LOGGING_LEVEL", {}, Kind::kNoMeaning},
      {"LOGGING_FILE", {}, Kind::kNoMeaning},
      {"LOGGING_MAX_SIZE", {}, Kind::kNoMeaning},
      {"LOGGING_MAX_BACKUPS", {}, Kind::kNoMeaning},
      {"LOGGING_MAX_AGE", {}, Kind::kNoMeaning},
  };
  return table;
}

const Variable* find_variable(std::string_view name) {
  for (const Variable& variable : variables()) {
    if (variable.name == name) return &variable;
  }
  if (name.starts_with("FLOW_")) return &kFlowFamily;
  if (name.starts_with("WG_TUN_IN_")) return &kTunFamily;
  return nullptr;
}

}  // namespace wgr
