#include "slirp/dns_forwarder.h"

#include <array>

#include "core/secret.h"

namespace wgr::slirp {

namespace {

constexpr std::size_t kMaxQuery = 4096;   // a query is one question and options
constexpr std::size_t kReceiveLimit = 8;  // datagrams per turn: one is ours, the rest are guesses

std::uint16_t guest_id_of(const DnsFlow& flow) noexcept { return flow.key.remote.port; }

SocketAddress own_address_of(const DnsFlow& flow) noexcept { return {flow.key.remote.ip, wire::kDnsPort}; }

std::uint16_t random_id() noexcept {
  std::array<std::uint8_t, 2> bytes;
  random_bytes(bytes);
  return load_be<std::uint16_t>(bytes.data());
}

}  // namespace

DnsForwarder::DnsForwarder(const BridgeEnvironment& environment)
    : environment_(environment), flows_(environment.hash, FlowKind::kDns, &Guest::dns) {}

void DnsForwarder::receive(Guest& guest, const SocketAddress& from, const SocketAddress& own, Bytes message,
                           Instant now, PacketBatch& out) {
  Counters& counters = environment_.counters;
  const auto query = wire::DnsView::parse(message);
  if (!query || query->is_response() || message.size() > kMaxQuery) {
    return counters.drops.count(DropReason::kDnsMalformed);
  }
  counters.dns_queries.add();
  if (!query->question()) {
    counters.drops.count(DropReason::kDnsMalformed);
    std::array<std::uint8_t, wire::kDnsMaxShortReply> reply;
    const std::size_t size = wire::write_dns_reply(reply, *query, wire::DnsRcode::kFormErr);
    return environment_.guest_packets.udp(guest, own, from, Bytes{reply}.first(size), 0, out);
  }
  FlowKey key{guest.id, from, {own.ip, query->id()}};
  if (flows_.find(key) != nullptr) return;  // the guest is impatient: its query is on the way
  if (flows_.count(guest) >= environment_.config.dns.outstanding_per_guest ||
      flows_.size() >= environment_.config.dns.outstanding) {
    return counters.drops.count(DropReason::kDnsLimit);
  }
  DnsFlow& flow = flows_.insert(key, guest);
  counters.dns_outstanding.add();
  flow.query.assign(message.begin(), message.end());
  flow.asked_at = now;
  if (!ask(flow, now)) answer_failure(flow, out);
}

bool DnsForwarder::ask(DnsFlow& flow, Instant now) {
  const DnsConfig& config = environment_.config.dns;
  for (; flow.upstream < config.upstreams.size(); ++flow.upstream) {
    const SocketAddress& upstream = config.upstreams[flow.upstream];
    flow.socket.reset();
    auto [socket, error] = environment_.sockets.open_udp(upstream.ip.family(), flow.token.value(), 0);
    if (!socket) {
      environment_.counters.drops.count(DropReason::kDescriptorsExhausted);
      continue;
    }
    flow.socket = std::move(socket);
    store_be<std::uint16_t>(flow.query.data(), random_id());
    const egress::DatagramOut datagram{
        .to = upstream, .payload = flow.query, .ttl = 64, .tos = 0, .dont_fragment = false};
    if (flow.socket->send({&datagram, 1}).bytes != 1) continue;
    flow.server = upstream;
    flow.socket->watch_readable();
    flow.deadline = now + config.timeout;
    environment_.deadlines.arm(flow.token, flow.deadline, flow.queued);
    return true;
  }
  return false;
}

bool DnsForwarder::ask_next(DnsFlow& flow, Instant now) {
  ++flow.upstream;
  if (flow.upstream < environment_.config.dns.upstreams.size()) environment_.counters.dns_retries.add();
  return ask(flow, now);
}

void DnsForwarder::socket_ready(FlowToken token, Instant now, PacketBatch& out) {
  DnsFlow* flow = flows_.at(token);
  if (flow == nullptr || !flow->socket) return;
  arrived_.clear();
  flow->socket->receive(arrived_, kReceiveLimit);
  for (const egress::DatagramIn& datagram : arrived_) {
    if (accept_reply(*flow, datagram, now, out)) return close(*flow);
    environment_.counters.dns_mismatched.add();
  }
  errors_.clear();
  flow->socket->receive_errors(errors_);
  if (errors_.empty()) return flow->socket->watch_readable();
  // Refused or unreachable: no use to wait for the time-out.
  if (!ask_next(*flow, now)) answer_failure(*flow, out);
}

bool DnsForwarder::accept_reply(DnsFlow& flow, const egress::DatagramIn& datagram, Instant now,
                                PacketBatch& out) {
  if (datagram.from != flow.server) return false;
  const auto query = wire::DnsView::parse(flow.query);
  const auto reply = wire::DnsView::parse(datagram.payload);
  if (!query || !reply || !reply->answers(*query)) return false;
  reply_.assign(datagram.payload.begin(), datagram.payload.end());
  store_be<std::uint16_t>(reply_.data(), guest_id_of(flow));
  environment_.guest_packets.udp(*flow.guest, own_address_of(flow), flow.key.guest_side, reply_, 0, out);
  environment_.counters.dns_answers.add();
  environment_.counters.dns_time.record(now - flow.asked_at);
  return true;
}

void DnsForwarder::on_deadline(FlowToken token, Instant now, PacketBatch& out) {
  DnsFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  flow->queued = kNever;
  if (flow->deadline > now) {
    environment_.deadlines.arm(token, flow->deadline, flow->queued);
  } else if (!ask_next(*flow, now)) {
    answer_failure(*flow, out);
  }
}

void DnsForwarder::answer_failure(DnsFlow& flow, PacketBatch& out) {
  environment_.counters.drops.count(DropReason::kDnsUnanswered);
  environment_.counters.dns_server_failures.add();
  store_be<std::uint16_t>(flow.query.data(), guest_id_of(flow));
  if (const auto query = wire::DnsView::parse(flow.query)) {
    std::array<std::uint8_t, wire::kDnsMaxShortReply> reply;
    const std::size_t size = wire::write_dns_reply(reply, *query, wire::DnsRcode::kServFail);
    environment_.guest_packets.udp(*flow.guest, own_address_of(flow), flow.key.guest_side,
                                   Bytes{reply}.first(size), 0, out);
  }
  close(flow);
}

void DnsForwarder::remove_guest(Guest& guest) {
  while (DnsFlow* flow = flows_.oldest(guest)) close(*flow);
}

void DnsForwarder::close(DnsFlow& flow) {
  environment_.counters.dns_outstanding.subtract();
  flows_.erase(flow);
}

}  // namespace wgr::slirp
