// Pings of guests through ping sockets of the host (RFC 5508). The kernel gives each socket its identifier;
// the guest's is put back on the way in. Errors about pings (traceroute) come back with the guest's own
// request in them. Where the kernel forbids ping sockets, requests are dropped and counted; the router's own
// addresses answer anyhow, in the stack.
//
// Thread: confined to the stack.
#pragma once

#include <vector>

#include "core/packet_buffer.h"
#include "core/wire/icmp.h"
#include "core/wire/ip.h"
#include "slirp/bridge_environment.h"
#include "slirp/icmp_flow.h"

namespace wgr::slirp {

class IcmpBridge {
 public:
  explicit IcmpBridge(const BridgeEnvironment& environment);

  // An echo request to the network. REQUIRES: request.is_echo_request().
  void receive(Guest& guest, const wire::IpView& packet, const wire::IcmpView& request, Instant now,
               PacketBatch& out);

  void socket_ready(FlowToken token, Instant now, PacketBatch& out);
  void on_deadline(FlowToken token, Instant now);
  bool is_live(FlowToken token) noexcept { return flows_.at(token) != nullptr; }

  void remove_guest(Guest& guest);
  void drain() noexcept { is_draining_ = true; }
  std::size_t active_flows() const noexcept { return flows_.size(); }

 private:
  IcmpFlow* open(Guest& guest, const FlowKey& key, const wire::IpView& packet, Instant now, PacketBatch& out);
  void refuse(Guest& guest, const wire::IpView& packet, DropReason reason, Instant now, PacketBatch& out);
  void send(IcmpFlow& flow, const wire::IpView& packet, const wire::IcmpView& request, Instant now,
            PacketBatch& out);
  // How many there were.
  std::size_t report_errors(IcmpFlow& flow, Instant now, PacketBatch& out);
  void close(IcmpFlow& flow);

  const BridgeEnvironment& environment_;
  FlowTable<IcmpFlow> flows_;
  bool is_draining_ = false;
  std::vector<egress::DatagramIn> arrived_;
  std::vector<egress::SocketError> errors_;
};

}  // namespace wgr::slirp
