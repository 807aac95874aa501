// What the HTTP and WebSocket server counts. One writer: its worker.
#pragma once

#include "core/counters.h"

namespace wgr::ws {

// Of one service (Ethernet, WireGuard).
struct ServiceCounters {
  Gauge sessions;
  Counter sessions_opened;
  Counter messages_received;
  Counter messages_ignored;  // of them, text that says nothing to the service
  Counter bytes_received;
  Counter messages_sent;  // handed to the kernel or to TLS
  Counter bytes_sent;
  Counter messages_dropped;  // the queue was full: oldest first
  Counter bytes_dropped;

  template <typename Visitor>
  void visit(Visitor&& visit) const {
    visit("sessions", sessions);
    visit("sessions_opened", sessions_opened);
    visit("messages_received", messages_received);
    visit("messages_ignored", messages_ignored);
    visit("bytes_received", bytes_received);
    visit("messages_sent", messages_sent);
    visit("bytes_sent", bytes_sent);
    visit("messages_dropped", messages_dropped);
    visit("bytes_dropped", bytes_dropped);
  }
};

struct Counters {
  ServiceCounters ethernet;
  ServiceCounters wireguard;

  Gauge connections;  // open sockets, sessions included
  Counter connections_accepted;
  Counter requests;            // plain HTTP, answered
  Counter keep_alive_refused;  // of these, with the end of the connection: too many wanted to stay
  // Refused, by why.
  Counter refused_origin;
  Counter refused_token;
  Counter refused_rate;       // a source came too often
  Counter refused_half_open;  // too many connections of a source said nothing yet
  Counter refused_sessions;   // too many sessions of a source
  Counter refused_proxy;      // too many connections of a trusted proxy are no sessions
  Counter refused_full;       // too much of all sources together
  Counter refused_handshake;  // no valid upgrade or request
  Counter refused_tls;
  Counter refused_plain_http;  // on a port with TLS
  Counter refused_tunnel;      // wstunnel's, to somewhere else
  Counter refused_draining;
  // How sessions ended.
  Counter closed_by_client;
  Counter closed_protocol_error;
  Counter closed_dead;     // two pings unanswered
  Counter closed_stalled;  // took no byte in time
  Counter closed_by_us;    // drain, takeover, policy
  Gauge queued_bytes;
  Counter pings_sent;
  Counter accept_errors;

  template <typename Visitor>
  void visit(Visitor&& visit) const {
    visit("connections", connections);
    visit("connections_accepted", connections_accepted);
    visit("requests", requests);
    visit("keep_alive_refused", keep_alive_refused);
    visit("refused_origin", refused_origin);
    visit("refused_token", refused_token);
    visit("refused_rate", refused_rate);
    visit("refused_half_open", refused_half_open);
    visit("refused_sessions", refused_sessions);
    visit("refused_proxy", refused_proxy);
    visit("refused_full", refused_full);
    visit("refused_handshake", refused_handshake);
    visit("refused_tls", refused_tls);
    visit("refused_plain_http", refused_plain_http);
    visit("refused_tunnel", refused_tunnel);
    visit("refused_draining", refused_draining);
    visit("closed_by_client", closed_by_client);
    visit("closed_protocol_error", closed_protocol_error);
    visit("closed_dead", closed_dead);
    visit("closed_stalled", closed_stalled);
    visit("closed_by_us", closed_by_us);
    visit("queued_bytes", queued_bytes);
    visit("pings_sent", pings_sent);
    visit("accept_errors", accept_errors);
  }
};

}  // namespace wgr::ws
