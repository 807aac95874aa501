// What the bridges of one stack share. All references outlive every bridge.
//
// Thread: confined to the stack.
#pragma once

#include <memory>

#include "core/deadline_queue.h"
#include "core/egress/policy.h"
#include "core/egress/sockets.h"
#include "slirp/config.h"
#include "slirp/counters.h"
#include "slirp/dns_policy.h"
#include "slirp/flow_hash.h"
#include "slirp/flow_token.h"
#include "slirp/guest_packets.h"

namespace wgr::slirp {

struct BridgeEnvironment {
  const Config& config;
  egress::Sockets& sockets;
  const std::shared_ptr<const egress::Policy>& policy;  // what it points to changes with a reload
  const FlowHash& hash;
  Counters& counters;
  GuestPackets& guest_packets;
  DeadlineQueue<FlowToken>& deadlines;
  const DnsPolicy& dns_policy;

  // Asks the policy; a refusal is counted by what spoke against it.
  egress::Verdict may_leave(GuestId guest, egress::Protocol protocol, const SocketAddress& to) const {
    return counters.policy_denied.count(policy->check(guest, protocol, to));
  }
};

}  // namespace wgr::slirp
