// TCP between guests and host sockets.
//
//   SYN -> policy, caps -> host connect -> connected: SYN-ACK | refused: RST | unreachable: ICMP
//   guest --segments of a whole batch--> Connection --one writev--> host socket
//   guest <-- segments -- Connection <-- one readv into segment slots -- host socket
//
// Flow control is end to end: the host socket is read while the guest's windows are open, and the guest's
// window opens as the host socket takes bytes. Nothing here blocks: a stuck remote keeps its own flow's bytes
// and nobody else's. What comes for no flow is answered by TcpStrangers.
//
// Endpoint-independent mapping (RFC 5382 REQ-1) does not apply: each flow is a socket of the host, whose
// kernel chooses the port.
//
// The connection of an outside client through a forward is a flow like any other, opened from our side.
//
// Thread: confined to the stack.
#pragma once

#include <deque>
#include <vector>

#include "core/keyed_hash.h"
#include "core/packet_buffer.h"
#include "core/wire/icmp.h"
#include "core/wire/ip.h"
#include "core/wire/tcp.h"
#include "slirp/bridge_environment.h"
#include "slirp/host_errors.h"
#include "slirp/tcp_flow.h"
#include "slirp/tcp_strangers.h"

namespace wgr::slirp {

class TcpBridge {
 public:
  explicit TcpBridge(const BridgeEnvironment& environment);

  // A segment from a guest; `packet` stays in place until end_batch(). A segment to one of our own addresses
  // comes here too: port 53 is DNS, any other is refused.
  void receive(Guest& guest, const wire::IpView& packet, const wire::TcpView& segment, bool is_own_address,
               Instant now, PacketBatch& out);
  // Payloads behind the segment just received (slirp/segment_run.h). Returns how many were taken; the others
  // are to be received as packets.
  std::size_t receive_followers(GuestId guest, const wire::IpView& packet, const wire::TcpView& first,
                                std::span<const MutableBytes> payloads, Instant now);
  // Moves the bytes of the flows that were touched: one write, one acknowledgement each.
  void end_batch(Instant now, PacketBatch& out);
  // An ICMP error of the guest that quotes a segment of ours.
  void receive_error(Guest& guest, const wire::IcmpView& error, const wire::QuotedPacket& quoted, Instant now,
                     PacketBatch& out);

  void socket_ready(FlowToken token, egress::Ready ready, Instant now, PacketBatch& out);
  void on_deadline(FlowToken token, Instant now, PacketBatch& out);
  bool is_live(FlowToken token) noexcept { return flows_.at(token) != nullptr; }
  // Of TIME-WAIT entries and of flows that wait for memory.
  Instant next_deadline() const noexcept;
  void on_deadline(Instant now, PacketBatch& out);

  // A connection of an outside client (slirp/forward.h) goes on as one of ours to the guest. `socket` is
  // connected and has next_token(); it is read once the guest has answered, and reset if it does not.
  // REQUIRES: has_room_for(guest); `key` has a port of pick_port().
  void open_to_guest(Guest& guest, const FlowKey& key, std::unique_ptr<egress::StreamSocket> socket,
                     Instant now, PacketBatch& out);
  FlowToken next_token() { return flows_.next_token(); }
  bool has_room_for(const Guest& guest) const noexcept;
  // A port for key.remote which no flow of the guest's address and port has; 0 if none was found.
  std::uint16_t pick_port(FlowKey key);
  // Resets both sides. Between batches; a stale token is ignored.
  void abort(FlowToken token, Instant now, PacketBatch& out);

  void remove_guest(Guest& guest);
  void drain() noexcept { is_draining_ = true; }
  std::size_t active_flows() const noexcept { return flows_.size(); }

 private:
  // tcp_dial.cc: from the SYN to the outcome of the host connect.
  void open(Guest& guest, const FlowKey& key, const wire::IpView& packet, const wire::TcpView& syn,
            bool is_own_address, Instant now, PacketBatch& out);
  bool may_open(Guest& guest, const FlowKey& key, const wire::IpView& packet, const wire::TcpView& syn,
                bool is_own_address, Instant now, PacketBatch& out);
  void refuse(Guest& guest, const wire::IpView& packet, const wire::TcpView& syn, DropReason reason,
              Instant now, PacketBatch& out);
  egress::Opened<egress::StreamSocket> dial(const SocketAddress& to, const wire::IpView& packet,
                                            FlowToken token);
  // The upstream's socket, with the router's own names and the protection against rebinding.
  std::unique_ptr<egress::StreamSocket> with_dns(std::unique_ptr<egress::StreamSocket> upstream);
  bool dial_next_upstream(TcpFlow& flow);
  void dial_finished(TcpFlow& flow, int error, Instant now, PacketBatch& out);
  void dial_failed(TcpFlow& flow, HostFailure failure, Instant now, PacketBatch& out);
  // Takes the flow out of the connecting ones.
  void end_dial(TcpFlow& flow);
  tcp::InitialNumbers initial_numbers(const FlowKey& key, Instant now) const;

  void count_opened();

  // tcp_bridge.cc: bytes.
  void touch(TcpFlow& flow);
  void move_bytes(TcpFlow& flow, Instant now, PacketBatch& out);
  void write_to_host(TcpFlow& flow, Instant now);
  void read_from_host(TcpFlow& flow, Instant now, PacketBatch& out);
  void note_if_starved(TcpFlow& flow, Instant now);
  // What is due after anything happened: shut down, retire to TIME-WAIT, close, or set the deadline.
  void settle(TcpFlow& flow, Instant now);
  void watch(TcpFlow& flow, egress::Ready interest);
  void close(TcpFlow& flow);

  const BridgeEnvironment& environment_;
  FlowTable<TcpFlow> flows_;
  TcpStrangers strangers_;
  KeyedHash numbers_;
  std::size_t connecting_ = 0;
  bool is_draining_ = false;
  TcpFlow* last_ = nullptr;        // of the last segment of this batch
  std::vector<TcpFlow*> touched_;  // in this batch
  std::size_t read_budget_ = 0;    // bytes this turn may still read
  std::deque<FlowToken> starved_;  // wait for memory that others hold
  Instant retry_starved_ = kNever;
};

}  // namespace wgr::slirp
