// The stack of one worker: inner IP packets of guests on one side, host sockets on the other.
//
//   receive(batch)  ->  IP checks, reassembly  ->  flow  ->  bridge  ->  host socket
//   socket_ready()  ->  bridge  ->  flow  ->  packets for the guest
//
// It knows GuestIds, not peers. It is sans-IO: host sockets are an interface (core/egress/sockets.h),
// so the whole stack runs in a test at simulated time.
//
// Caps (slirp/config.h, Limits) refuse what is new and count it; nothing live is harmed but a guest's own
// idlest UDP mapping or ping. The guest is told: ICMP administratively prohibited, or RST as configured.
//
// Thread: confined to one worker.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/egress/policy.h"
#include "core/egress/sockets.h"
#include "core/packet_buffer.h"
#include "core/rng.h"
#include "core/time.h"
#include "slirp/config.h"
#include "slirp/counters.h"
#include "slirp/dns_answer.h"
#include "slirp/dns_names.h"
#include "slirp/forward_config.h"

namespace wgr::slirp {

class Stack {
 public:
  // `sockets` and `rng` must outlive the stack; `out` of every call is one and the same batch of the worker.
  Stack(const Config& config, egress::Sockets& sockets, std::shared_ptr<const egress::Policy> policy,
        Rng& rng);
  ~Stack();

  // Packets of guests whose sources were checked. The memory stays in place until this returns: what
  // the host sockets do not take at once is copied or refused. One host write and one acknowledgement
  // per flow, whatever the batch holds.
  void receive(std::span<const PacketView> packets, Instant now, PacketBatch& out);
  // News of a host socket (see core/egress/sockets.h). Stale tokens are ignored.
  void socket_ready(egress::SocketToken token, egress::Ready ready, Instant now, PacketBatch& out);

  Instant next_deadline() const;
  void on_deadline(Instant now, PacketBatch& out);

  // The caller has sealed or copied what was in `out`: slots given back may be used again.
  void end_turn();

  // The guest was removed: its flows end, its host sockets are reset.
  void remove_guest(GuestId guest);
  // Of a guest whose link is not that of the others, before its first packet or at any time: it holds for
  // what is sent from here on, of TCP for new connections. Cut to 576 .. Config::max_guest_mtu.
  void set_guest_mtu(GuestId guest, std::uint16_t mtu);
  // A packet on its way from one guest to another whose MTU it exceeds. IPv4 without don't-fragment goes on
  // as fragments addressed to `to`; anything else is dropped, and its sender told in `out`, at its rate of
  // errors. `fragments` may be `out`. REQUIRES: mtu >= 68.
  void cut_or_refuse(GuestId to, const PacketView& packet, std::uint16_t mtu, Instant now,
                     PacketBatch& fragments, PacketBatch& out);
  // Ports of the host that lead into guests (slirp/forward.h). Those that were there stay, with their target
  // and their flows; the flows of those that are gone are reset.
  void set_forwards(std::vector<ForwardConfig> forwards, Instant now, PacketBatch& out);
  // Where one leads; `index` as in the last set_forwards(). Nothing while its guest is not there. The own
  // address is one of Config::own_addresses.
  void set_forward_target(std::size_t index, const std::optional<ForwardTarget>& target);
  std::vector<ForwardStatus> forward_status() const;
  // Ports of forwards that are not open, at most so many.
  std::vector<UnboundForward> unbound_forwards(std::size_t limit) const;
  // New rules apply to new flows and new remotes.
  void set_policy(std::shared_ptr<const egress::Policy> policy);
  // Asked from the next question on.
  void set_dns_upstreams(std::vector<SocketAddress> upstreams);
  // The names that are answered here; null: none. From the next question on.
  void set_dns_names(std::shared_ptr<const DnsNames> names);

  // A question of the router itself, for DNS over HTTPS: like one of a guest, where each source that asks has
  // the cap of a guest, and all of them a part of what there is. `question` is the asker's number for it, not
  // in use for another. Each is answered once, at once or in a later turn; the message is empty when the
  // question was no DNS query.
  void ask_dns(std::uint64_t question, Bytes message, Instant now, const IpAddress& source = {});
  std::vector<DnsAnswer> take_dns_answers();

  // No new flows; live ones go on.
  void drain();

  std::size_t active_flows() const;
  const Counters& counters() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace wgr::slirp
