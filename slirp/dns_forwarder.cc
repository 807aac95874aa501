#include "slirp/dns_forwarder.h"

#include <algorithm>
#include <array>

#include "core/secret.h"

namespace wgr::slirp {

namespace {

constexpr std::size_t kMaxQuery = 4096;   // a query is one question and options
constexpr std::size_t kPartOfRouter = 4;  // of all questions that may wait, those the router asks itself
constexpr std::size_t kReceiveLimit = 8;  // datagrams per turn: one is ours, the rest are guesses

// Who has one IPv6 address of a network has them all.
IpAddress network_of(const IpAddress& source) {
  return source.is_v4() ? source : Prefix{source, 64}.address();
}

std::uint16_t guest_id_of(const DnsFlow& flow) noexcept { return flow.key.remote.port; }

SocketAddress own_address_of(const DnsFlow& flow) noexcept { return {flow.key.remote.ip, wire::kDnsPort}; }

std::uint16_t random_id() noexcept {
  std::array<std::uint8_t, 2> bytes;
  random_bytes(bytes);
  return load_be<std::uint16_t>(bytes.data());
}

std::vector<std::uint8_t> short_reply(const wire::DnsView& query, wire::DnsRcode rcode) {
  std::vector<std::uint8_t> reply(wire::kDnsMaxShortReply);
  reply.resize(wire::write_dns_reply(reply, query, rcode));
  return reply;
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
  if (const auto reply = answer_at_once(*query, query->udp_reply_limit())) {
    return environment_.guest_packets.udp(guest, own, from, *reply, 0, out);
  }
  const FlowKey key{guest.id, from, {own.ip, query->id()}};
  // The guest is impatient: its query is on the way.
  if (flows_.find(key) != nullptr) return counters.dns_repeated.add();
  if (flows_.count(guest) >= environment_.config.dns.outstanding_per_guest ||
      flows_.size() >= environment_.config.dns.outstanding) {
    return counters.drops.count(DropReason::kDnsLimit);
  }
  DnsFlow& flow = begin(guest, key, message, now);
  if (!ask_upstream(flow, now)) answer_failure(flow, &out);
}

void DnsForwarder::ask(Guest& router, const Asker& asker, Bytes message, Instant now) {
  const std::uint64_t question = asker.question;
  Counters& counters = environment_.counters;
  const auto query = wire::DnsView::parse(message);
  if (!query || query->is_response() || message.size() > kMaxQuery) {
    counters.drops.count(DropReason::kDnsMalformed);
    answers_.push_back({question, {}});
    return;
  }
  counters.dns_queries.add();
  if (auto reply = answer_at_once(*query, wire::kDnsMaxMessage)) {
    answers_.push_back({question, std::move(*reply)});
    return;
  }
  // The question's number takes the place of the guest's address.
  std::array<std::uint8_t, 16> number{};
  store_be(number.data() + 8, question);
  const FlowKey key{router.id, {IpAddress::from_bytes(number), 0}, {IpAddress{}, query->id()}};
  if (flows_.find(key) != nullptr) return counters.dns_repeated.add();
  const IpAddress source = network_of(asker.source);
  if (!may_ask(router, source)) {
    counters.drops.count(DropReason::kDnsLimit);
    answers_.push_back({question, short_reply(*query, wire::DnsRcode::kServFail)});
    return;
  }
  DnsFlow& flow = begin(router, key, message, now);
  flow.question = question;
  flow.source = source;
  ++by_source_[source];
  if (!ask_upstream(flow, now)) answer_failure(flow, nullptr);
}

bool DnsForwarder::may_ask(const Guest& router, const IpAddress& source) const {
  const DnsConfig& dns = environment_.config.dns;
  const auto asked = by_source_.find(source);
  if (asked != by_source_.end() && asked->second >= dns.outstanding_per_guest) return false;
  const std::size_t part = std::max<std::size_t>(dns.outstanding / kPartOfRouter, 1);
  return flows_.count(router) < part && flows_.size() < dns.outstanding;
}

std::optional<std::vector<std::uint8_t>> DnsForwarder::answer_at_once(const wire::DnsView& query,
                                                                      std::size_t limit) const {
  if (query.question()) return environment_.dns_policy.answer(query, limit);
  environment_.counters.drops.count(DropReason::kDnsMalformed);
  return short_reply(query, wire::DnsRcode::kFormErr);
}

DnsFlow& DnsForwarder::begin(Guest& guest, const FlowKey& key, Bytes message, Instant now) {
  DnsFlow& flow = flows_.insert(key, guest);
  environment_.counters.dns_outstanding.add();
  flow.query.assign(message.begin(), message.end());
  flow.asked_at = now;
  return flow;
}

bool DnsForwarder::ask_upstream(DnsFlow& flow, Instant now) {
  const DnsConfig& config = environment_.config.dns;
  for (; flow.upstream < config.upstreams.size(); ++flow.upstream) {
    const SocketAddress& upstream = config.upstreams[flow.upstream];
    flow.socket.reset();
    flow.exchange.reset();
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
  return ask_upstream(flow, now);
}

void DnsForwarder::socket_ready(FlowToken token, Instant now, PacketBatch& out) {
  DnsFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  if (flow->exchange) return exchange_ready(*flow, now, out);
  if (!flow->socket) return;
  arrived_.clear();
  flow->socket->receive(arrived_, kReceiveLimit);
  for (const egress::DatagramIn& datagram : arrived_) {
    if (datagram.from == flow->server && is_reply(*flow, datagram.payload)) {
      return take_reply(*flow, datagram.payload, now, out);
    }
    environment_.counters.dns_mismatched.add();
  }
  errors_.clear();
  flow->socket->receive_errors(errors_);
  if (errors_.empty()) return flow->socket->watch_readable();
  // Refused or unreachable: no use to wait for the time-out.
  if (!ask_next(*flow, now)) answer_failure(*flow, &out);
}

bool DnsForwarder::is_reply(const DnsFlow& flow, Bytes message) const {
  const auto query = wire::DnsView::parse(flow.query);
  const auto reply = wire::DnsView::parse(message);
  return query && reply && reply->answers(*query);
}

// REQUIRES: is_reply(flow, message).
void DnsForwarder::take_reply(DnsFlow& flow, Bytes message, Instant now, PacketBatch& out) {
  const wire::DnsView reply = *wire::DnsView::parse(message);
  const bool must_be_whole = flow.question && !flow.exchange;
  if (must_be_whole && reply.is_truncated()) {
    environment_.counters.dns_truncated.add();
    if (!ask_over_tcp(flow, now) && !ask_next(flow, now)) answer_failure(flow, &out);
    return;
  }
  environment_.counters.dns_answers.add();
  environment_.counters.dns_time.record(now - flow.asked_at);
  if (auto objection = environment_.dns_policy.objection(reply)) {
    deliver(flow, std::move(*objection), &out);
  } else {
    deliver(flow, {message.begin(), message.end()}, &out);
  }
  close(flow);
}

bool DnsForwarder::ask_over_tcp(DnsFlow& flow, Instant now) {
  flow.socket.reset();
  auto [socket, error] = environment_.sockets.connect(flow.server, flow.token.value(), {});
  if (!socket) return false;
  store_be<std::uint16_t>(flow.query.data(), random_id());
  flow.exchange = std::make_unique<DnsExchange>(std::move(socket), flow.query);
  flow.deadline = now + environment_.config.dns.timeout;
  environment_.deadlines.arm(flow.token, flow.deadline, flow.queued);
  return true;
}

void DnsForwarder::exchange_ready(DnsFlow& flow, Instant now, PacketBatch& out) {
  const DnsExchange::State state = flow.exchange->proceed();
  if (state == DnsExchange::State::kWaiting) return;
  if (state == DnsExchange::State::kAnswered && is_reply(flow, flow.exchange->reply())) {
    return take_reply(flow, flow.exchange->reply(), now, out);
  }
  if (!ask_next(flow, now)) answer_failure(flow, &out);
}

void DnsForwarder::deliver(const DnsFlow& flow, std::vector<std::uint8_t> reply, PacketBatch* out) {
  store_be<std::uint16_t>(reply.data(), guest_id_of(flow));
  if (flow.question) {
    answers_.push_back({*flow.question, std::move(reply)});
  } else if (out != nullptr) {
    environment_.guest_packets.udp(*flow.guest, own_address_of(flow), flow.key.guest_side, reply, 0, *out);
  }
}

void DnsForwarder::on_deadline(FlowToken token, Instant now, PacketBatch& out) {
  DnsFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  flow->queued = kNever;
  if (flow->deadline > now) {
    environment_.deadlines.arm(token, flow->deadline, flow->queued);
  } else if (!ask_next(*flow, now)) {
    answer_failure(*flow, &out);
  }
}

void DnsForwarder::answer_failure(DnsFlow& flow, PacketBatch* out) {
  environment_.counters.drops.count(DropReason::kDnsUnanswered);
  environment_.counters.dns_server_failures.add();
  if (const auto query = wire::DnsView::parse(flow.query)) {
    deliver(flow, short_reply(*query, wire::DnsRcode::kServFail), out);
  }
  close(flow);
}

void DnsForwarder::remove_guest(Guest& guest) {
  while (DnsFlow* flow = flows_.oldest(guest)) close(*flow);
}

void DnsForwarder::close(DnsFlow& flow) {
  if (flow.question) {
    const auto asked = by_source_.find(flow.source);
    if (--asked->second == 0) by_source_.erase(asked);
  }
  environment_.counters.dns_outstanding.subtract();
  flows_.erase(flow);
}

}  // namespace wgr::slirp
