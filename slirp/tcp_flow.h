// One TCP flow: the connection with the guest, and the host socket that continues it.
//
// Thread: confined to its stack.
#pragma once

#include <memory>

#include "core/egress/sockets.h"
#include "slirp/flow_table.h"
#include "slirp/tcp/connection.h"

namespace wgr::slirp {

struct TcpFlow : FlowBase {
  TcpFlow(tcp::Environment& environment, const FlowKey& flow_key, const wire::TcpView& syn,
          tcp::InitialNumbers initial, std::unique_ptr<egress::StreamSocket> host_socket, Instant now)
      : connection(environment, flow_key, syn, initial, now),
        socket(std::move(host_socket)),
        began(now),
        syn_sequence(syn.sequence()) {}

  // Of an outside client whose connection goes on to the guest.
  TcpFlow(tcp::Environment& environment, const FlowKey& flow_key, tcp::InitialNumbers initial,
          std::unique_ptr<egress::StreamSocket> client, Instant now)
      : connection(environment, flow_key, initial, now),
        socket(std::move(client)),
        began(now),
        syn_sequence(initial.sequence),
        is_connected(true),
        has_host_data(true) {}

  tcp::Connection connection;
  std::unique_ptr<egress::StreamSocket> socket;
  Instant began;                  // the dial, or the time-out of what is left after the guest has gone
  std::uint32_t syn_sequence;     // quoted by ICMP errors
  std::uint8_t upstream = 0;      // of DNS: which one is dialled
  bool is_dns : 1 = false;        // dials the DNS upstreams for one of our own addresses
  bool is_connected : 1 = false;  // the host socket
  bool is_touched : 1 = false;    // in this batch
  bool is_watching_read : 1 = false;
  bool is_watching_write : 1 = false;
  bool has_host_data : 1 = false;      // the last read did not find the end: read again without being told
  bool is_host_finished : 1 = false;   // the remote has finished sending
  bool is_guest_finished : 1 = false;  // shutdown_send() was called
  bool is_host_broken : 1 = false;     // a write failed: what the remote said last is still read, then RST
  bool is_starved : 1 = false;         // waits for memory
  bool is_lingering : 1 = false;       // the guest has gone, bytes of its are still owed to the remote
};

}  // namespace wgr::slirp
