// DNS over UDP on the router's own addresses: queries of guests, and those the router itself asks for its
// DNS over HTTPS, go on to the configured upstreams, unless the router knows the name.
//
//   guest --query(id A)--> [own address:53] --query(id random, port random)--> upstream 1, then 2, ...
//   guest <--reply(id A)-- [own address:53] <--reply with our id, from that upstream, same question--
//
// Each query has a socket and an id of its own, so that a forger has to guess both (RFC 5452). Nothing is
// cached. Who asks the router from outside must not take what guests need: together they have a part of the
// questions that may wait, each source as many as a guest. A reply with TC set passes: the guest asks again
// over TCP, which leads to an upstream message by message (slirp/dns_stream.h). Who asked over HTTPS cannot:
// for it the router asks that upstream again over TCP. When no upstream answers the guest is told SERVFAIL.
//
// Upstreams are the operator's choice and not asked of the egress policy of the guest, whose rules may well
// close the resolver's private address to everything else.
//
// Thread: confined to the stack.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/packet_buffer.h"
#include "core/wire/dns.h"
#include "slirp/bridge_environment.h"
#include "slirp/dns_answer.h"
#include "slirp/dns_exchange.h"
#include "slirp/flow_table.h"

namespace wgr::slirp {

// One query on its way. Its key's remote is the own address that was asked, with the guest's id for a port.
struct DnsFlow : FlowBase {
  std::optional<std::uint64_t> question;  // of the router itself, which has no address
  IpAddress source;                       // who asks the router
  std::unique_ptr<egress::DatagramSocket> socket;
  std::unique_ptr<DnsExchange> exchange;  // after a truncated reply; then there is no socket
  std::vector<std::uint8_t> query;        // as sent, with our id
  std::size_t upstream = 0;
  SocketAddress server;  // the one asked: the upstreams may change meanwhile
  Instant asked_at{};
  Instant deadline{};  // of this upstream
};

class DnsForwarder {
 public:
  explicit DnsForwarder(const BridgeEnvironment& environment);

  bool is_enabled() const noexcept {
    return !environment_.config.dns.upstreams.empty() || environment_.dns_policy.has_names();
  }

  // A query of a guest to `own` (port 53).
  void receive(Guest& guest, const SocketAddress& from, const SocketAddress& own, Bytes message, Instant now,
               PacketBatch& out);

  struct Asker {
    std::uint64_t question = 0;
    IpAddress source;
  };
  // A query of the router itself; see Stack::ask_dns(). `router` stands for a guest.
  void ask(Guest& router, const Asker& asker, Bytes message, Instant now);
  std::vector<DnsAnswer> take_answers() { return std::exchange(answers_, {}); }

  void socket_ready(FlowToken token, Instant now, PacketBatch& out);
  void on_deadline(FlowToken token, Instant now, PacketBatch& out);
  bool is_live(FlowToken token) noexcept { return flows_.at(token) != nullptr; }

  void remove_guest(Guest& guest);

 private:
  // What can be said without an upstream; nullopt: one has to be asked.
  std::optional<std::vector<std::uint8_t>> answer_at_once(const wire::DnsView& query,
                                                          std::size_t limit) const;
  bool may_ask(const Guest& router, const IpAddress& source) const;
  DnsFlow& begin(Guest& guest, const FlowKey& key, Bytes message, Instant now);
  // Asks the flow's upstream, or the next that can be asked; false when there is none left.
  bool ask_upstream(DnsFlow& flow, Instant now);
  bool ask_next(DnsFlow& flow, Instant now);
  // Whether it is the upstream's, in one way or the other.
  bool is_reply(const DnsFlow& flow, Bytes message) const;
  void take_reply(DnsFlow& flow, Bytes message, Instant now, PacketBatch& out);
  // Asks again over TCP; false when there is no socket for it.
  bool ask_over_tcp(DnsFlow& flow, Instant now);
  void exchange_ready(DnsFlow& flow, Instant now, PacketBatch& out);
  // `out` is null for a question of the router, which needs none.
  void deliver(const DnsFlow& flow, std::vector<std::uint8_t> reply, PacketBatch* out);
  void answer_failure(DnsFlow& flow, PacketBatch* out);
  void close(DnsFlow& flow);

  const BridgeEnvironment& environment_;
  FlowTable<DnsFlow> flows_;
  std::vector<egress::DatagramIn> arrived_;
  std::vector<egress::SocketError> errors_;
  std::vector<DnsAnswer> answers_;
  std::map<IpAddress, std::size_t> by_source_;  // questions of the router that wait, at most its part of all
};

}  // namespace wgr::slirp
