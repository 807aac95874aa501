// One guest's use of an echo identifier: a ping socket whose own identifier stands for it (RFC 5508 REQ-1).
//
// Thread: confined to its stack.
#pragma once

#include <memory>

#include "core/egress/sockets.h"
#include "slirp/config.h"
#include "slirp/flow_table.h"
#include "slirp/remote_set.h"

namespace wgr::slirp {

// The key's guest_side is the guest's address and the identifier, its remote nobody.
struct IcmpFlow : FlowBase {
  static constexpr std::size_t kMaxRemotes = 256;

  IcmpFlow(std::unique_ptr<egress::PingSocket> host_socket, const FlowHash& hash)
      : socket(std::move(host_socket)), allowed(hash, kMaxRemotes) {}

  Instant expires(const IcmpConfig& config) const noexcept { return last_sent + config.query_timeout; }

  std::unique_ptr<egress::PingSocket> socket;
  RemoteSet allowed;  // pinged, and allowed by the policy
  Instant last_sent{};
};

}  // namespace wgr::slirp
