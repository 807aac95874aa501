#include "metrics/families.h"

#include <algorithm>

namespace wgr::metrics {
namespace {

constexpr FamilyType kC = FamilyType::kCounter;
constexpr FamilyType kG = FamilyType::kGauge;
constexpr FamilyType kH = FamilyType::kHistogram;

// clang-format off
constexpr Family kFamilies[] = {
    // --- the router ---
    {"wgrouter_build_info", kG, "version compiler", "Always 1"},
    {"wgrouter_config_last_reload_successful", kG, "", "Whether the last reload was taken over; the start counts as one"},
    {"wgrouter_config_last_reload_success_timestamp_seconds", kG, "", "When the configuration in use was read"},
    {"wgrouter_draining", kG, "", "Whether a signal asked to stop: no new flows"},
    {"wgrouter_health_check", kG, "check", "1: good, 0: failed"},
    {"wgrouter_probe_success", kG, "probe", "Whether the last run of a health probe was good"},
    {"wgrouter_probe_duration_seconds", kG, "probe", "How long the last run of a health probe took"},
    {"wgrouter_probe_runs_total", kC, "probe result", "Runs of health probes"},
    {"wgrouter_metrics_scrapes_total", kC, "", "Scrapes answered, this one included"},
    {"wgrouter_metrics_peers_truncated", kG, "", "1: more peers than may have series of their own; the rest is public_key=\"others\""},
    {"wgrouter_metrics_forward_ports_truncated", kG, "", "1: more forwarded ports than may have series of their own, which are the first 1000"},

    // --- WireGuard peers, under the names of MindFlavor/prometheus_wireguard_exporter ---
    {"wireguard_sent_bytes_total", kC, "interface public_key allowed_ips friendly_name", "Bytes sent to the peer, as wg counts them"},
    {"wireguard_received_bytes_total", kC, "interface public_key allowed_ips friendly_name", "Bytes received from the peer, as wg counts them"},
    {"wireguard_latest_handshake_seconds", kG, "interface public_key allowed_ips friendly_name", "UNIX time of the last handshake; 0: never"},
    {"wireguard_peer_endpoint_info", kG, "interface public_key endpoint", "Always 1: where the peer's datagrams come from"},
    // --- the same under the names of mdlayher/wireguard_exporter (metrics.compatibility) ---
    {"wireguard_device_info", kG, "device public_key", "Always 1: the router's own public key"},
    {"wireguard_peer_info", kG, "device public_key endpoint name", "Always 1"},
    {"wireguard_peer_allowed_ips_info", kG, "device public_key allowed_ips family", "Always 1: one prefix the peer owns"},
    {"wireguard_peer_receive_bytes_total", kC, "device public_key", "Bytes received from the peer"},
    {"wireguard_peer_transmit_bytes_total", kC, "device public_key", "Bytes sent to the peer"},
    {"wireguard_peer_last_handshake_seconds", kG, "device public_key", "UNIX time of the last handshake; 0: never"},

    // --- WireGuard ---
    {"wgrouter_wireguard_peers", kG, "", "Configured peers"},
    {"wgrouter_wireguard_peers_by_session", kG, "session", "Peers by their last handshake: fresh (under 180 s), stale, none"},
    {"wgrouter_wireguard_keypairs", kG, "", "Transport keypairs alive"},
    {"wgrouter_wireguard_staged_packets", kG, "", "Packets that wait for a handshake"},
    {"wgrouter_wireguard_messages_total", kC, "type direction", "Handshake messages; received ones authenticated"},
    {"wgrouter_wireguard_handshakes_total", kC, "result", "Handshakes completed or given up"},
    {"wgrouter_wireguard_handshakes_under_load_total", kC, "", "Messages that met the cookie gate"},
    {"wgrouter_wireguard_cookie_replies_suppressed_total", kC, "", "Cookie replies beyond the limit per second"},
    {"wgrouter_wireguard_future_timestamps_total", kC, "", "Initiations stamped more than a day ahead of this clock"},
    {"wgrouter_wireguard_packets_total", kC, "direction", "Inner packets, keepalives apart"},
    {"wgrouter_wireguard_bytes_total", kC, "direction", "Bytes of inner packets"},
    {"wgrouter_wireguard_keepalives_total", kC, "direction", "Keepalives"},
    {"wgrouter_wireguard_datagrams_total", kC, "direction", "WireGuard datagrams over all transports"},
    {"wgrouter_wireguard_datagram_bytes_total", kC, "direction", "Their bytes"},
    {"wgrouter_wireguard_endpoint_changes_total", kC, "", "Peers that roamed"},
    {"wgrouter_wireguard_strays_total", kC, "type", "Messages handed to the worker of their peer"},

    // --- what comes in and goes out, outside ---
    {"wgrouter_ingress_messages_total", kC, "transport direction", "Datagrams or WebSocket messages"},
    {"wgrouter_ingress_bytes_total", kC, "transport direction", "Their payload"},
    {"wgrouter_ingress_connections", kG, "", "Open TCP connections of the HTTP and WebSocket server"},
    {"wgrouter_ingress_connections_total", kC, "", "TCP connections it accepted"},
    {"wgrouter_ingress_rejected_total", kC, "reason", "What it refused: by origin, token, tunnel (of wstunnel, to elsewhere), handshake, tls, plain_http (on a port with TLS), draining; of one source by rate, half_open, sessions; of a trusted proxy by proxy; of all sources when full"},
    {"wgrouter_ingress_accept_errors_total", kC, "", "Connections that could not be accepted"},
    {"wgrouter_udp_calls_total", kC, "direction", "System calls of the UDP ports"},
    {"wgrouter_udp_batch_datagrams", kH, "direction", "Datagrams of one receive call, or of one run to one endpoint"},
    {"wgrouter_udp_send_errors_total", kC, "", "Datagrams the kernel refused"},
    {"wgrouter_udp_truncated_total", kC, "", "Datagrams longer than any buffer"},

    // --- the WebSocket server ---
    {"wgrouter_ws_sessions", kG, "service", "Open WebSocket sessions"},
    {"wgrouter_ws_sessions_total", kC, "service", "WebSocket sessions opened"},
    {"wgrouter_ws_closed_total", kC, "reason", "How sessions ended"},
    {"wgrouter_ws_queued_bytes", kG, "", "Bytes that wait for slow clients"},
    {"wgrouter_ws_ignored_messages_total", kC, "service", "Messages of text that say nothing to the service"},
    {"wgrouter_ws_dropped_messages_total", kC, "service", "Messages that gave way in a full queue"},
    {"wgrouter_ws_dropped_bytes_total", kC, "service", "Their bytes"},
    {"wgrouter_ws_pings_total", kC, "", "Pings sent to silent clients"},
    {"wgrouter_ws_dials", kG, "state", "Peers reached over a WebSocket of ours; waiting: for the next attempt, ever longer"},
    {"wgrouter_ws_dial_attempts_total", kC, "", "Attempts to connect to them"},
    {"wgrouter_ws_dial_opened_total", kC, "", "Of these, that led to a connection"},
    {"wgrouter_ws_dial_failures_total", kC, "reason", "Of these, that failed: name, connect, upgrade (proxy, TLS or HTTP said no), timeout"},
    {"wgrouter_ws_dial_lost_total", kC, "", "Connections that ended"},
    {"wgrouter_http_requests_total", kC, "", "Plain HTTP requests answered"},
    {"wgrouter_http_keep_alive_refused_total", kC, "", "Of these, the ones whose connection wanted to stay and was closed: ws.kept_alive or ws.kept_alive_per_source"},

    // --- virtual LANs ---
    {"wgrouter_lan_stations", kG, "network", "Stations known"},
    {"wgrouter_lan_stations_attached", kG, "network", "Stations with a live session"},
    {"wgrouter_lan_stations_taken_over_total", kC, "network", "Stations that came back on another session"},
    {"wgrouter_lan_frames_total", kC, "network direction", "Ethernet frames"},
    {"wgrouter_lan_bytes_total", kC, "network direction", "Their bytes"},
    {"wgrouter_lan_switched_frames_total", kC, "network", "Frames from station to station"},
    {"wgrouter_lan_paced_frames_total", kC, "network", "Frames that waited for a small receive ring"},
    {"wgrouter_lan_arp_answers_total", kC, "network", "ARP requests answered"},
    {"wgrouter_lan_arp_questions_total", kC, "network", "ARP requests behind silent sessions for stations without one"},
    {"wgrouter_lan_neighbor_answers_total", kC, "network", "IPv6 neighbour solicitations answered"},
    {"wgrouter_lan_router_advertisements_total", kC, "network", "IPv6 router advertisements sent"},
    {"wgrouter_dhcp_leases", kG, "network", "Addresses leased"},
    {"wgrouter_dhcp_messages_total", kC, "network type", "DHCP messages"},
    {"wgrouter_dhcp_pool_exhausted_total", kC, "network", "Questions for an address when there was none"},

    // --- guests ---
    {"wgrouter_guests", kG, "", "Guests that the stack keeps state for"},
    {"wgrouter_guest_packets_total", kC, "direction", "Inner packets of all guests"},
    {"wgrouter_guest_bytes_total", kC, "direction", "Their bytes"},
    {"wgrouter_overlay_packets_total", kC, "", "Packets from guest to guest"},
    {"wgrouter_overlay_bytes_total", kC, "", "Their bytes"},
    {"wgrouter_drops_total", kC, "reason", "What was not served; every reason is in core/drop_reason.h"},
    {"wgrouter_policy_denied_total", kC, "rule", "Flows and remotes the egress policy refused, by class of address, port, self or user"},

    // --- bridges to the network ---
    {"wgrouter_flows", kG, "protocol", "Live flows"},
    {"wgrouter_flows_limit", kG, "protocol", "The most there may be"},
    {"wgrouter_flows_opened_total", kC, "protocol", "Flows opened"},
    {"wgrouter_flows_closed_total", kC, "protocol", "Flows ended"},
    {"wgrouter_flows_refused_total", kC, "protocol", "Flows refused by policy, a cap or the descriptors"},
    {"wgrouter_bridge_packets_total", kC, "protocol direction", "The guests' packets"},
    {"wgrouter_bridge_bytes_total", kC, "protocol direction", "Payload that host sockets took or gave"},
    {"wgrouter_bridge_errors_total", kC, "protocol", "Failed calls of host sockets"},
    {"wgrouter_bridge_icmp_errors_total", kC, "protocol", "ICMP errors told to guests"},
    {"wgrouter_dials_total", kC, "result", "Connections to remotes, by how they ended"},
    {"wgrouter_dials_started_total", kC, "", "Connections to remotes begun"},
    {"wgrouter_dials_in_flight", kG, "", "Connections under way"},
    {"wgrouter_dial_duration_seconds", kH, "", "How long connecting took"},
    {"wgrouter_pending_writes_total", kC, "event", "Host sockets that were full, and that took everything at last"},
    {"wgrouter_pending_dropped_bytes_total", kC, "", "Bytes lost because the host side had died"},
    {"wgrouter_stack_packets_total", kC, "", "Packets from guests to the stack"},
    {"wgrouter_stack_resets_total", kC, "", "RST about segments of no flow"},
    {"wgrouter_stack_icmp_errors_total", kC, "", "ICMP errors sent to guests"},
    {"wgrouter_stack_echo_replies_total", kC, "", "Pings of the router's own addresses answered"},
    {"wgrouter_dns_queries_total", kC, "", "Questions to the router's resolver"},
    {"wgrouter_dns_answers_total", kC, "", "Answers from upstreams"},
    {"wgrouter_dns_own_answers_total", kC, "", "Answers about names the router knows"},
    {"wgrouter_dns_repeated_total", kC, "", "Questions asked again while the first was on its way"},
    {"wgrouter_dns_retries_total", kC, "", "Questions asked of another upstream"},
    {"wgrouter_dns_truncated_total", kC, "", "Questions asked again over TCP, for DNS over HTTPS"},
    {"wgrouter_dns_server_failures_total", kC, "", "SERVFAIL told to guests"},
    {"wgrouter_dns_mismatched_total", kC, "", "Answers to no question of ours"},
    {"wgrouter_dns_outstanding", kG, "", "Questions that wait for an answer"},
    {"wgrouter_dns_query_duration_seconds", kH, "", "How long upstreams took"},
    {"wgrouter_forward_flows_opened_total", kC, "", "Flows of outside clients through forwards"},
    {"wgrouter_forward_flows", kG, "", "Of these, open"},
    {"wgrouter_forward_refused_total", kC, "reason", "Outside clients that were refused"},
    {"wgrouter_forward_accept_pauses_total", kC, "", "Waits of forwards for descriptors"},
    {"wgrouter_forward_bind_failures_total", kC, "", "Forwarded ports that could not be opened, each try"},
    {"wgrouter_forward_port_bound", kG, "protocol listen", "1: the port is open, 0: on an address it is not, and it is tried again"},
    {"wgrouter_forward_port_guest_present", kG, "protocol listen", "Whether the guest it leads to is there; while not, clients are refused"},
    {"wgrouter_forward_port_flows", kG, "protocol listen", "TCP connections, or UDP clients, of this port now"},
    {"wgrouter_forward_port_flows_opened_total", kC, "protocol listen", "Of these, accepted so far"},
    {"wgrouter_forward_port_refused_total", kC, "protocol listen reason", "Outside clients refused at this port: source, absent (the guest), limit"},

    // --- TCP towards guests ---
    {"wgrouter_tcp_segments_total", kC, "direction", "Segments"},
    {"wgrouter_tcp_bytes_total", kC, "direction", "Payload in order; retransmissions not counted"},
    {"wgrouter_tcp_opened_total", kC, "by", "Connections begun, by whom"},
    {"wgrouter_tcp_established_total", kC, "", "Connections established"},
    {"wgrouter_tcp_rtt_seconds", kH, "", "Round trips to guests, one sample per acknowledgement at the most"},
    {"wgrouter_tcp_retransmits_total", kC, "", "Segments sent again"},
    {"wgrouter_tcp_syn_retransmits_total", kC, "", "SYN and SYN-ACK sent again"},
    {"wgrouter_tcp_rto_total", kC, "", "Retransmission time-outs"},
    {"wgrouter_tcp_fast_recoveries_total", kC, "", "Losses found before a time-out"},
    {"wgrouter_tcp_tail_loss_probes_total", kC, "", "Probes for a lost tail"},
    {"wgrouter_tcp_spurious_recoveries_total", kC, "", "Window reductions taken back"},
    {"wgrouter_tcp_zero_window_total", kC, "", "Times a guest closed its window"},
    {"wgrouter_tcp_zero_window_probes_total", kC, "", "Probes of closed windows"},
    {"wgrouter_tcp_keepalive_probes_total", kC, "", "Probes of silent guests"},
    {"wgrouter_tcp_acks_total", kC, "kind", "Acknowledgements of guests"},
    {"wgrouter_tcp_window_updates_total", kC, "", "Window updates sent"},
    {"wgrouter_tcp_out_of_order_segments_total", kC, "", "Segments that came early"},
    {"wgrouter_tcp_duplicate_segments_total", kC, "", "Segments that came twice"},
    {"wgrouter_tcp_resets_total", kC, "direction", "RST of connections"},
    {"wgrouter_tcp_challenge_acks_total", kC, "", "Challenge ACKs sent (RFC 5961)"},
    {"wgrouter_tcp_challenge_acks_suppressed_total", kC, "", "Challenge ACKs beyond their limit"},
    {"wgrouter_tcp_slots_refused_total", kC, "", "Segments refused for want of memory"},
    {"wgrouter_tcp_given_up_total", kC, "", "Connections ended by a time-out"},
    {"wgrouter_tcp_time_wait", kG, "", "Connections in TIME-WAIT"},
    {"wgrouter_tcp_time_wait_reopened_total", kC, "", "TIME-WAIT ended by a new SYN"},

    // --- host sockets ---
    {"wgrouter_host_sockets_opened_total", kC, "protocol", "Sockets opened"},
    {"wgrouter_host_accepted_total", kC, "", "Connections of outside clients of forwards"},
    {"wgrouter_host_accept_errors_total", kC, "", "Of these, that could not be accepted"},
    {"wgrouter_host_open_errors_total", kC, "", "Sockets that could not be opened"},
    {"wgrouter_host_descriptors_exhausted_total", kC, "", "Of these, for want of descriptors"},
    {"wgrouter_host_calls_total", kC, "protocol direction", "System calls that move data"},
    {"wgrouter_host_bytes_total", kC, "protocol direction", "Bytes they moved"},
    {"wgrouter_host_datagrams_total", kC, "direction", "Datagrams they moved"},
    {"wgrouter_host_segmentation_refused_total", kC, "", "Runs of datagrams the kernel would not segment"},
    {"wgrouter_host_invalid_messages_total", kC, "", "Datagrams truncated or without a source"},
    {"wgrouter_host_error_reports_total", kC, "", "ICMP errors the kernel reported"},

    // --- workers and memory ---
    {"wgrouter_worker_turns_total", kC, "worker", "Turns of the event loop"},
    {"wgrouter_worker_flows", kG, "worker", "Live flows"},
    {"wgrouter_worker_guests", kG, "worker", "Guests with state"},
    {"wgrouter_worker_mailbox_depth", kG, "worker", "Items that wait in the mailbox"},
    {"wgrouter_worker_mailbox_limit", kG, "worker", "The most it takes"},
    {"wgrouter_worker_heartbeat_seconds", kG, "worker", "How long the last heartbeat took, or the one under way is taking"},
    {"wgrouter_mailbox_items_total", kC, "direction", "Items between workers"},
    {"wgrouter_pool_slots", kG, "state", "Pooled segment buffers"},
    {"wgrouter_memory_bytes", kG, "use", "Bytes held for guests, as accounted"},
    {"wgrouter_heap_bytes", kG, "state", "What malloc took from the system, and what of it is in use"},
    {"wgrouter_ephemeral_ports_used", kG, "", "Sockets of this network namespace, an upper bound of its ephemeral ports in use"},
    {"wgrouter_ephemeral_ports_limit", kG, "", "Size of the range of ephemeral ports"},
    {"wgrouter_conntrack_entries", kG, "", "Entries of the host's connection tracking"},
    {"wgrouter_conntrack_limit", kG, "", "The most it takes"},

    // --- the process, under the standard names ---
    {"process_cpu_seconds_total", kC, "", "User and system CPU time"},
    {"process_resident_memory_bytes", kG, "", "Resident memory"},
    {"process_virtual_memory_bytes", kG, "", "Virtual memory"},
    {"process_open_fds", kG, "", "Open descriptors"},
    {"process_max_fds", kG, "", "The most there may be"},
    {"process_start_time_seconds", kG, "", "UNIX time of the start"},
    {"process_threads", kG, "", "Threads"},
};
// clang-format on

}  // namespace

std::span<const Family> families() noexcept { return kFamilies; }

const Family* find_family(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kFamilies, name, &Family::name);
  return found == std::end(kFamilies) ? nullptr : found;
}

std::string_view to_string(FamilyType type) noexcept {
  switch (type) {
    case FamilyType::kCounter:
      return "counter";
    case FamilyType::kGauge:
      return "gauge";
    case FamilyType::kHistogram:
      return "histogram";
  }
  return {};
}

}  // namespace wgr::metrics
