// One UDP mapping: a guest's address and port, one unconnected host socket, and the remotes it has sent to.
//
//   guest 10.0.0.2:5000 --> UdpFlow --> host socket --> any remote       (RFC 4787 REQ-1)
//   guest 10.0.0.2:5000 <-- filter  <-- host socket <-- contacted remote (REQ-8)
//
// Thread: confined to its stack.
#pragma once

#include <memory>

#include "core/egress/sockets.h"
#include "slirp/config.h"
#include "slirp/flow_table.h"
#include "slirp/remote_set.h"

namespace wgr::slirp {

struct UdpFlow : FlowBase {
  UdpFlow(std::unique_ptr<egress::DatagramSocket> host_socket, const FlowHash& hash, std::size_t max_remotes)
      : socket(std::move(host_socket)), allowed(hash, max_remotes) {}

  // Outbound datagrams refresh, inbound ones do not (REQ-6).
  Instant expires(const UdpConfig& config) const noexcept {
    return last_sent + (only_dns ? config.dns_timeout : config.mapping_timeout);
  }

  std::unique_ptr<egress::DatagramSocket> socket;
  // What the policy allowed and the guest has sent to.
  RemoteSet allowed;
  Instant last_sent{};
  std::uint8_t tos = 0;  // of the guest's last datagram
  bool only_dns = true;  // every datagram went to port 53 (REQ-5a)
};

}  // namespace wgr::slirp
