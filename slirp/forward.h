// Forwards: ports of the host that lead into guests.
//
//   outside client --> listener --> source, target, caps --> TcpBridge: a connection of ours to the guest
//                                                        --> ForwardedUdp: a mapping
//
// A listener that cannot be opened, or is lost, is tried again, later and later. While a forward has no
// target its TCP clients are reset and its datagrams dropped, at once and counted: a client that is told
// tries again. Where a forward leads may change at any time; TCP connections stay with the guest they have
// reached, UDP mappings move. The source of a connection, as the guest sees it, is the router's own address;
// who the client is, a PROXY header may say.
//
// Thread: confined to the stack.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/packet_buffer.h"
#include "slirp/bridge_environment.h"
#include "slirp/forward_admission.h"
#include "slirp/forward_config.h"
#include "slirp/forwarded_udp.h"
#include "slirp/guest.h"
#include "slirp/tcp_bridge.h"

namespace wgr::slirp {

class Forwards {
 public:
  // The bridges outlive the calls, and their flows end before this object.
  Forwards(const BridgeEnvironment& environment, GuestTable& guests, TcpBridge& tcp, ForwardedUdp& udp);

  // What is new is opened; what is gone is closed with its flows; what is the same stays as it is, with its
  // target.
  void set(std::vector<ForwardConfig> configs, Instant now, PacketBatch& out);
  // `index` as in the last set(). A target is none if it is not within one family, or its own address is not
  // one of the router's.
  void set_target(std::size_t index, const std::optional<ForwardTarget>& target);
  std::vector<ForwardStatus> status() const;
  // At most so many of them.
  std::vector<UnboundForward> unbound(std::size_t limit) const;

  void socket_ready(FlowToken token, Instant now, PacketBatch& out);
  Instant next_deadline() const noexcept { return next_; }
  void on_deadline(Instant now, PacketBatch& out);

  // Targets of the guest are gone. REQUIRES: so are its flows.
  void remove_guest(GuestId guest);
  // TCP ports close. Datagrams of clients that have a mapping go on.
  void drain();

 private:
  struct Listener {
    explicit Listener(const SocketAddress& listen_address) : address(listen_address) {}

    SocketAddress address;
    bool is_optional = false;  // the host may not have the family
    std::unique_ptr<egress::ListenSocket> tcp;
    std::unique_ptr<egress::DatagramSocket> udp;
    int error = 0;
    Instant again = kNever;  // opened, or accepted from, once more
    Duration wait{0};
  };
  struct Forward {
    ForwardConfig config;
    std::vector<Listener> listeners;
    std::optional<ForwardTarget> target;
    ForwardAdmission::Flows flows;
    ForwardStatus counts;
  };
  using Serial = std::uint32_t;  // with the index of a listener it makes its token

  void open(Serial serial, Forward& forward, Instant now);
  void open(FlowToken token, const Forward& forward, Listener& listener, Instant now);
  void retry(Listener& listener, int error, Instant now);
  void again_at(Listener& listener, Instant at);
  void end_flows(Forward& forward, Instant now, PacketBatch& out);
  bool is_usable(const ForwardTarget& target) const;

  void accept_some(Forward& forward, Listener& listener, Instant now, PacketBatch& out);
  // False if the client is to be reset.
  bool open_connection(Forward& forward, egress::Accepted& accepted, Instant now, PacketBatch& out);
  void receive_some(Forward& forward, Listener& listener, Instant now, PacketBatch& out);
  ForwardedUdpFlow* open_mapping(Forward& forward, const egress::DatagramIn& datagram,
                                 const SocketAddress& local, egress::DatagramSocket& port, Instant now);
  // A ticket, if need be of an older mapping that gives way.
  Result<ForwardAdmission::Ticket> admit_mapping(Forward& forward, Guest& guest, const IpAddress& client);
  // Whether the client may come in, counted if not.
  bool may_enter(Forward& forward, const IpAddress& client);
  void refuse_limit(Forward& forward, DropReason reason);
  void count_opened(Forward& forward);

  const BridgeEnvironment& environment_;
  GuestTable& guests_;
  TcpBridge& tcp_;
  ForwardedUdp& udp_;
  ForwardAdmission admission_;
  std::map<Serial, Forward> forwards_;
  std::vector<Serial> order_;  // of the configuration
  Serial next_serial_ = 1;
  Instant next_ = kNever;
  bool is_draining_ = false;
  std::vector<egress::DatagramIn> arrived_;
};

}  // namespace wgr::slirp
