#include "slirp/forwarded_udp.h"

#include <algorithm>
#include <cassert>

#include "slirp/datagram_sending.h"
#include "slirp/ephemeral_port.h"
#include "slirp/host_errors.h"

namespace wgr::slirp {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxGathered = 256;
constexpr std::size_t kMaxLocals = 64;  // errors about clients of further addresses are not told
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
  const bool is_known = std::ranges::find(locals_, local.ip) != locals_.end();
  if (!is_known && locals_.size() < kMaxLocals) locals_.push_back(local.ip);
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
                           Instant now, PacketBatch& out) {
  const FlowKey key{
      guest.id, {packet.source, datagram.source_port()}, {packet.destination, datagram.destination_port()}};
  ForwardedUdpFlow* flow = flows_.find(key);
  if (flow == nullptr) return false;
  flow->last_used = now;
  flow->is_answered = true;
  flows_.touch(*flow);
  if (gathered_for_ != &flow->socket || gathered_.size() >= kMaxGathered) send_gathered(now, out);
  gathered_for_ = &flow->socket;
  gathered_.push_back({.to = flow->outside.guest_side,
                       .payload = datagram.payload(),
                       .ttl = environment_.config.ttl,
                       .tos = packet.tos,
                       .dont_fragment = packet.dont_fragment,
                       .from = flow->outside.remote.ip});
  return true;
}

void ForwardedUdp::send_gathered(Instant now, PacketBatch& out) {
  if (gathered_for_ == nullptr) return;
  egress::DatagramSocket& port = *gathered_for_;
  send_datagrams(
      port, gathered_, environment_.counters, [&] { report_errors(port, now, out); },
      [&](const egress::DatagramOut& datagram, int error) {
        const ForwardedUdpFlow* const flow = find(datagram.to, {datagram.from, port.local_address().port});
        if (flow == nullptr) return;
        const SentDatagram sent{*flow->guest, flow->key.guest_side, flow->key.remote, datagram.payload};
        const IcmpError icmp = icmp_error_of(host_failure_of(error), flow->key.remote.ip.family());
        tell_datagram_error(environment_, sent, icmp, std::nullopt, now, out);
      });
  gathered_.clear();
  gathered_for_ = nullptr;
}

// The queue says where a datagram went to, not which of our addresses it left from.
ForwardedUdpFlow* ForwardedUdp::find(const SocketAddress& client, const egress::DatagramSocket& port) {
  const std::uint16_t port_number = port.local_address().port;
  for (const IpAddress& local : locals_) {
    ForwardedUdpFlow* const flow = find(client, {local, port_number});
    if (flow != nullptr && &flow->socket == &port) return flow;
  }
  return nullptr;
}

void ForwardedUdp::report_errors(egress::DatagramSocket& port, Instant now, PacketBatch& out) {
  errors_.clear();
  port.receive_errors(errors_);
  for (const egress::SocketError& error : errors_) {
    const ForwardedUdpFlow* const flow = find(error.destination, port);
    // Only what the guest has sent can fail.
    const bool is_sent = flow != nullptr && flow->is_answered;
    const auto icmp = is_sent ? icmp_error_for(flow->key.remote.ip.family(), error, flow->guest->mtu())
                              : std::optional<IcmpError>{};
    if (!icmp) {
      environment_.counters.drops.count(DropReason::kIcmpUnmatched);
      continue;
    }
    const SentDatagram sent{*flow->guest, flow->key.guest_side, flow->key.remote, error.payload};
    tell_datagram_error(environment_, sent, *icmp, std::nullopt, now, out);
  }
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
