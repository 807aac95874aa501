#include "slirp/forwarded_udp.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "slirp/ephemeral_port.h"

namespace wgr::slirp {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxGathered = 256;
constexpr int kPortTries = 64;
constexpr Duration kUnansweredTimeout = 30s;

FlowKey outside_key(const SocketAddress& client, const SocketAddress& local) {
  FlowKey key;
  key.guest_side = client;
  key.remote = local;
  return key;
}

}  // namespace

ForwardedUdp::ForwardedUdp(const BridgeEnvironment& environment)
    : environment_(environment),
      flows_(environment.hash, FlowKind::kForwardedUdp, &Guest::forwarded_udp),
      by_client_(0, Hasher{&environment.hash}) {}

ForwardedUdpFlow* ForwardedUdp::find(const SocketAddress& client, const SocketAddress& local) {
  const auto found = by_client_.find(outside_key(client, local));
  return found == by_client_.end() ? nullptr : flows_.at(found->second);
}

ForwardedUdpFlow& ForwardedUdp::open(Guest& guest, const FlowKey& key, const SocketAddress& client,
                                     const SocketAddress& local, egress::DatagramSocket& port,
                                     ForwardAdmission::Ticket ticket, Instant now) {
  const FlowKey outside = outside_key(client, local);
  ForwardedUdpFlow& flow = flows_.insert(key, guest, outside, port, std::move(ticket), now);
  by_client_[outside] = flow.token;
  environment_.counters.udp.flows_opened.add();
  environment_.counters.udp.flows_active.add();
  environment_.deadlines.arm(flow.token, expires(flow), flow.queued);
  return flow;
}

std::uint16_t ForwardedUdp::pick_port(FlowKey key) {
  for (int tries = 0; tries < kPortTries; ++tries) {
    key.remote.port = random_ephemeral_port();
    if (flows_.find(key) == nullptr) return key.remote.port;
  }
  return 0;
}

void ForwardedUdp::to_guest(ForwardedUdpFlow& flow, const egress::DatagramIn& datagram, Instant now,
                            PacketBatch& out) {
  flow.last_used = now;
  flows_.touch(flow);
  environment_.counters.udp.packets_received.add();
  environment_.counters.udp.bytes_received.add(datagram.payload.size());
  environment_.guest_packets.udp(*flow.guest, flow.key.remote, flow.key.guest_side, datagram.payload,
                                 datagram.tos, out);
}

bool ForwardedUdp::receive(Guest& guest, const wire::IpView& packet, const wire::UdpView& datagram,
                           Instant now) {
  const FlowKey key{
      guest.id, {packet.source, datagram.source_port()}, {packet.destination, datagram.destination_port()}};
  ForwardedUdpFlow* flow = flows_.find(key);
  if (flow == nullptr) return false;
  flow->last_used = now;
  flow->is_answered = true;
  flows_.touch(*flow);
  if (gathered_for_ != &flow->socket || gathered_.size() >= kMaxGathered) send_gathered();
  gathered_for_ = &flow->socket;
  gathered_.push_back({.to = flow->outside.guest_side,
                       .payload = datagram.payload(),
                       .ttl = environment_.config.ttl,
                       .tos = packet.tos,
                       .dont_fragment = packet.dont_fragment,
                       .from = flow->outside.remote.ip});
  return true;
}

// What the socket does not take is dropped: UDP has no queue here.
void ForwardedUdp::send_gathered() {
  if (gathered_for_ == nullptr) return;
  std::span<const egress::DatagramOut> rest = gathered_;
  BridgeCounters& counters = environment_.counters.udp;
  bool is_retry = false;
  while (!rest.empty()) {
    const egress::IoResult result = gathered_for_->send(rest);
    for (const egress::DatagramOut& datagram : rest.first(result.bytes))
      counters.bytes_sent.add(datagram.payload.size());
    counters.packets_sent.add(result.bytes);
    rest = rest.subspan(result.bytes);
    if (result.bytes > 0) is_retry = false;
    if (rest.empty()) break;
    if (result.would_block()) {
      environment_.counters.drops.count(DropReason::kSocketFull, rest.size());
      break;
    }
    counters.errors.add();
    errors_.clear();
    gathered_for_->receive_errors(errors_);
    // The error may belong to an earlier datagram: then this one passes now.
    if (!is_retry && result.error != EMSGSIZE) {
      is_retry = true;
      continue;
    }
    is_retry = false;
    environment_.counters.drops.count(DropReason::kSocketFailed);
    rest = rest.subspan(1);
  }
  gathered_.clear();
  gathered_for_ = nullptr;
}

Instant ForwardedUdp::expires(const ForwardedUdpFlow& flow) const noexcept {
  return flow.last_used + (flow.is_answered ? environment_.config.udp.mapping_timeout : kUnansweredTimeout);
}

void ForwardedUdp::on_deadline(FlowToken token, Instant now) {
  ForwardedUdpFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  flow->queued = kNever;
  const Instant end = expires(*flow);
  if (end <= now) {
    close(*flow);
  } else {
    environment_.deadlines.arm(token, end, flow->queued);
  }
}

void ForwardedUdp::close(FlowToken token) {
  if (ForwardedUdpFlow* flow = flows_.at(token)) close(*flow);
}

void ForwardedUdp::remove_guest(Guest& guest) {
  while (ForwardedUdpFlow* flow = flows_.oldest(guest)) close(*flow);
}

void ForwardedUdp::close(ForwardedUdpFlow& flow) {
  assert(gathered_for_ == nullptr);  // between batches only
  by_client_.erase(flow.outside);
  flows_.erase(flow);
  environment_.counters.udp.flows_closed.add();
  environment_.counters.udp.flows_active.subtract();
}

}  // namespace wgr::slirp
