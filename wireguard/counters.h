// Counters of one worker's WireGuard device.
#pragma once

#include "core/counters.h"

namespace wgr::wireguard {

struct Counters {
  // handshakes
  Counter initiations_sent, initiations_received;  // received: authenticated and fresh
  Counter responses_sent, responses_received;
  Counter handshakes_completed;  // as initiator: response accepted; as responder: keys confirmed
  Counter handshakes_given_up;   // no response within Rekey-Attempt-Time
  Counter cookie_replies_sent, cookie_replies_received;
  Counter cookie_replies_suppressed;  // over the limit of replies per second
  Counter future_timestamps;          // an initiation whose stamp is more than a day ahead of our clock
  Counter handshakes_under_load;      // messages that met the cookie gate
  // traffic: inner packets and their bytes; keepalives apart
  Counter received_packets, received_bytes;
  Counter sent_packets, sent_bytes;
  Counter keepalives_received, keepalives_sent;
  Counter received_datagrams, received_datagram_bytes;
  Counter sent_datagrams, sent_datagram_bytes;
  Counter endpoint_changes;                    // roaming
  Counter stray_datagrams, stray_initiations;  // handed to another worker
  // levels
  Gauge peers, keypairs, staged_packets;
  DropCounters drops;

  template <typename Visitor>
  void visit(Visitor&& visit) const {
    visit("initiations_sent", initiations_sent);
    visit("initiations_received", initiations_received);
    visit("responses_sent", responses_sent);
    visit("responses_received", responses_received);
    visit("handshakes_completed", handshakes_completed);
    visit("handshakes_given_up", handshakes_given_up);
    visit("cookie_replies_sent", cookie_replies_sent);
    visit("cookie_replies_received", cookie_replies_received);
    visit("cookie_replies_suppressed", cookie_replies_suppressed);
    visit("future_timestamps", future_timestamps);
    visit("handshakes_under_load", handshakes_under_load);
    visit("received_packets", received_packets);
    visit("received_bytes", received_bytes);
    visit("sent_packets", sent_packets);
    visit("sent_bytes", sent_bytes);
    visit("keepalives_received", keepalives_received);
    visit("keepalives_sent", keepalives_sent);
    visit("received_datagrams", received_datagrams);
    visit("received_datagram_bytes", received_datagram_bytes);
    visit("sent_datagrams", sent_datagrams);
    visit("sent_datagram_bytes", sent_datagram_bytes);
    visit("endpoint_changes", endpoint_changes);
    visit("stray_datagrams", stray_datagrams);
    visit("stray_initiations", stray_initiations);
    visit("peers", peers);
    visit("keypairs", keypairs);
    visit("staged_packets", staged_packets);
  }
};

}  // namespace wgr::wireguard
