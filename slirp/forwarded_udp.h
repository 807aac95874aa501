// UDP of outside clients through forwards: a mapping for each client, seen by the guest as a port of the
// router's own address.
//
//   client 198.51.100.7:9 --> host port --> own address:40001 --> guest 10.0.0.2:53
//   client 198.51.100.7:9 <-- host port <-- own address:40001 <-- guest 10.0.0.2:53
//
// Answers leave from the address the client has sent to; what the host hears of those that do not arrive, the
// guest hears as ICMP from the own address, and no mapping ends by it. Datagrams of both sides keep a
// mapping; one that the guest has not answered ends soon, because its client may not exist. At a cap the
// guest's idlest gives way.
//
// Thread: confined to the stack.
#pragma once

#include <unordered_map>
#include <vector>

#include "core/packet_buffer.h"
#include "core/wire/ip.h"
#include "core/wire/udp.h"
#include "slirp/bridge_environment.h"
#include "slirp/flow_table.h"
#include "slirp/forward_admission.h"

namespace wgr::slirp {

struct ForwardedUdpFlow : FlowBase {
  ForwardedUdpFlow(const FlowKey& outside_ends, egress::DatagramSocket& host_port,
                   ForwardAdmission::Ticket its_ticket, Instant now)
      : outside(outside_ends), socket(host_port), ticket(std::move(its_ticket)), last_used(now) {}

  const FlowKey outside;  // guest_side: the client; remote: where it sends to
  egress::DatagramSocket& socket;
  ForwardAdmission::Ticket ticket;
  Instant last_used;
  bool is_answered = false;
};

class ForwardedUdp {
 public:
  explicit ForwardedUdp(const BridgeEnvironment& environment);

  // The mapping of a client, which sends to `local`; null if it has none.
  ForwardedUdpFlow* find(const SocketAddress& client, const SocketAddress& local);
  // REQUIRES: it has none. `key` is of a guest's flow with a port of pick_port(); `port` outlives the
  // mapping.
  ForwardedUdpFlow& open(Guest& guest, const FlowKey& key, const SocketAddress& client,
                         const SocketAddress& local, egress::DatagramSocket& port,
                         ForwardAdmission::Ticket ticket, Instant now);
  FlowToken next_token() { return flows_.next_token(); }
  std::uint16_t pick_port(FlowKey key);
  // Of those of the guest which `may_go`, as far as a short look finds one. True if it did.
  template <typename Predicate>
  bool close_idlest(const Guest& guest, Predicate may_go) {
    ForwardedUdpFlow* flow = flows_.oldest(guest);
    for (int looked = 0; flow != nullptr && looked < kMaxLook; ++looked) {
      if (may_go(*flow)) {
        close(*flow);
        return true;
      }
      flow = static_cast<ForwardedUdpFlow*>(flow->newer);
    }
    return false;
  }
  void close(FlowToken token);

  void to_guest(ForwardedUdpFlow& flow, const egress::DatagramIn& datagram, Instant now, PacketBatch& out);
  // A datagram of the guest to one of our own addresses; `packet` stays in place until end_batch(). False if
  // it answers no client.
  bool receive(Guest& guest, const wire::IpView& packet, const wire::UdpView& datagram, Instant now,
               PacketBatch& out);
  void end_batch(Instant now, PacketBatch& out) { send_gathered(now, out); }
  // Tells guests what is in the error queue of a host port.
  void report_errors(egress::DatagramSocket& port, Instant now, PacketBatch& out);

  void on_deadline(FlowToken token, Instant now);
  bool is_live(FlowToken token) noexcept { return flows_.at(token) != nullptr; }
  void remove_guest(Guest& guest);
  std::size_t active_flows() const noexcept { return flows_.size(); }

 private:
  static constexpr int kMaxLook = 64;

  struct Hasher {
    std::size_t operator()(const FlowKey& key) const noexcept { return (*hash)(key); }
    const FlowHash* hash;
  };

  Instant expires(const ForwardedUdpFlow& flow) const noexcept;
  void send_gathered(Instant now, PacketBatch& out);
  ForwardedUdpFlow* find(const SocketAddress& client, const egress::DatagramSocket& port);
  void close(ForwardedUdpFlow& flow);

  const BridgeEnvironment& environment_;
  FlowTable<ForwardedUdpFlow> flows_;  // by the guest's side
  std::unordered_map<FlowKey, FlowToken, Hasher> by_client_;
  std::vector<IpAddress> locals_;  // where clients have sent to: the host's addresses, a few
  egress::DatagramSocket* gathered_for_ = nullptr;
  std::vector<egress::DatagramOut> gathered_;
  std::vector<egress::SocketError> errors_;
};

}  // namespace wgr::slirp
