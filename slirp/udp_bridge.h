// UDP between guests and host sockets (RFC 4787, RFC 7857, RFC 5508 for its ICMP errors).
//
// Neighbouring datagrams of one mapping leave in one call. A datagram the socket does not take is dropped and
// counted: UDP has no queue here. Errors of the host's error queue become ICMP for the guest and never end a
// mapping (REQ-12). The host picks the external ports: at random (RFC 6056), and no guest can sit on one of
// its choice, at the price of port parity (REQ-4, optional).
//
// Thread: confined to the stack.
#pragma once

#include <vector>

#include "core/packet_buffer.h"
#include "core/wire/ip.h"
#include "core/wire/udp.h"
#include "slirp/bridge_environment.h"
#include "slirp/udp_flow.h"

namespace wgr::slirp {

class UdpBridge {
 public:
  explicit UdpBridge(const BridgeEnvironment& environment);

  // A datagram from a guest; `packet` stays in place until end_batch().
  void receive(Guest& guest, const wire::IpView& packet, const wire::UdpView& datagram, Instant now,
               PacketBatch& out);
  void end_batch(Instant now, PacketBatch& out);

  void socket_ready(FlowToken token, Instant now, PacketBatch& out);
  void on_deadline(FlowToken token, Instant now);
  bool is_live(FlowToken token) noexcept { return flows_.at(token) != nullptr; }

  void remove_guest(Guest& guest);
  void drain() noexcept { is_draining_ = true; }
  std::size_t active_flows() const noexcept { return flows_.size(); }

 private:
  UdpFlow* open(Guest& guest, const FlowKey& key, const wire::IpView& packet, Instant now, PacketBatch& out);
  bool make_room(Guest& guest, Instant now, PacketBatch& out);
  bool may_send(UdpFlow& flow, const SocketAddress& remote, const wire::IpView& packet, Instant now,
                PacketBatch& out);
  void refuse(Guest& guest, const wire::IpView& packet, DropReason reason, Instant now, PacketBatch& out);
  void send_gathered(Instant now, PacketBatch& out);
  void report_errors(UdpFlow& flow, Instant now, PacketBatch& out);
  void report_unsent(const UdpFlow& flow, const egress::DatagramOut& datagram, int error, Instant now,
                     PacketBatch& out);
  void tell_error(const UdpFlow& flow, const SocketAddress& destination, Bytes payload, const IcmpError& icmp,
                  std::optional<IpAddress> reporter, Instant now, PacketBatch& out);
  bool may_answer(UdpFlow& flow, const SocketAddress& remote) const noexcept;
  void close(UdpFlow& flow);

  const BridgeEnvironment& environment_;
  FlowTable<UdpFlow> flows_;
  bool is_draining_ = false;
  UdpFlow* last_ = nullptr;  // of the last datagram of this batch
  UdpFlow* gathered_for_ = nullptr;
  std::vector<egress::DatagramOut> gathered_;
  std::vector<egress::DatagramIn> arrived_;
  std::vector<egress::SocketError> errors_;
};

}  // namespace wgr::slirp
