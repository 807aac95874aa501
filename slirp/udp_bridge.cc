#include "slirp/udp_bridge.h"

#include "core/wire/dns.h"
#include "slirp/datagram_sending.h"
#include "slirp/host_errors.h"

namespace wgr::slirp {

namespace {

constexpr std::size_t kMaxGathered = 256;
constexpr std::size_t kReceiveLimit = 64;  // datagrams per call
constexpr int kReceiveCalls = 4;           // per turn: others want the worker too

FlowKey key_of(const Guest& guest, const wire::IpView& packet, const wire::UdpView& datagram) {
  FlowKey key;
  key.guest = guest.id;
  key.guest_side = {packet.source, datagram.source_port()};
  return key;
}

bool is_of(const FlowKey& key, GuestId guest, const wire::IpView& packet, const wire::UdpView& datagram) {
  return key.guest_side.port == datagram.source_port() && key.guest == guest &&
         key.guest_side.ip == packet.source;
}

}  // namespace

UdpBridge::UdpBridge(const BridgeEnvironment& environment)
    : environment_(environment), flows_(environment.hash, FlowKind::kUdp, &Guest::udp) {}

void UdpBridge::receive(Guest& guest, const wire::IpView& packet, const wire::UdpView& datagram, Instant now,
                        PacketBatch& out) {
  const SocketAddress remote{packet.destination, datagram.destination_port()};
  if (remote.port == 0 || datagram.source_port() == 0) {
    environment_.counters.drops.count(DropReason::kDestinationInvalid);
    return;
  }
  UdpFlow* flow = last_;
  if (flow == nullptr || !is_of(flow->key, guest.id, packet, datagram)) {
    const FlowKey key = key_of(guest, packet, datagram);
    flow = flows_.find(key);
    if (flow == nullptr) flow = open(guest, key, packet, now, out);
    if (flow == nullptr) return;
    last_ = flow;
  }
  if (!may_send(*flow, remote, packet, now, out)) return;

  if (gathered_for_ != flow || gathered_.size() >= kMaxGathered) send_gathered(now, out);
  gathered_for_ = flow;
  gathered_.push_back({.to = remote,
                       .payload = datagram.payload(),
                       .ttl = static_cast<std::uint8_t>(packet.ttl - 1),
                       .tos = packet.tos,
                       .dont_fragment = packet.dont_fragment});
  flow->tos = packet.tos;
  flow->last_sent = now;
  if (remote.port != wire::kDnsPort) flow->only_dns = false;
}

void UdpBridge::end_batch(Instant now, PacketBatch& out) {
  send_gathered(now, out);
  last_ = nullptr;
}

UdpFlow* UdpBridge::open(Guest& guest, const FlowKey& key, const wire::IpView& packet, Instant now,
                         PacketBatch& out) {
  if (is_draining_) return refuse(guest, packet, DropReason::kShuttingDown, now, out), nullptr;
  const egress::Verdict verdict =
      environment_.may_leave(guest.id, egress::Protocol::kUdp,
                             {packet.destination, load_be<std::uint16_t>(packet.payload.data() + 2)});
  if (!verdict) return refuse(guest, packet, DropReason::kPolicyDenied, now, out), nullptr;
  if (!guest.udp_mappings.take(now))
    return refuse(guest, packet, DropReason::kFlowRateLimited, now, out), nullptr;
  if (!make_room(guest, now, out))
    return refuse(guest, packet, DropReason::kFlowLimitTotal, now, out), nullptr;
  auto [socket, error] = environment_.sockets.open_udp(packet.family, flows_.next_token().value(), 0);
  if (!socket) {
    environment_.counters.udp.errors.add();
    const bool is_out = error == EMFILE || error == ENFILE;
    refuse(guest, packet, is_out ? DropReason::kDescriptorsExhausted : DropReason::kSocketFailed, now, out);
    return nullptr;
  }
  UdpFlow& flow = flows_.insert(key, guest, std::move(socket), environment_.hash,
                                environment_.config.limits.udp_remotes_per_flow);
  flow.last_sent = now;
  flow.socket->watch_readable();
  environment_.counters.udp.flows_opened.add();
  environment_.counters.udp.flows_active.add();
  environment_.deadlines.arm(flow.token, flow.expires(environment_.config.udp), flow.queued);
  return &flow;
}

// At its cap a guest's idlest mapping gives way; at the cap of all nobody's does.
bool UdpBridge::make_room(Guest& guest, Instant now, PacketBatch& out) {
  const Limits& limits = environment_.config.limits;
  if (flows_.count(guest) >= limits.udp_flows_per_guest) {
    UdpFlow* idlest = flows_.oldest(guest);
    if (idlest == nullptr) return false;
    if (gathered_for_ == idlest) send_gathered(now, out);
    close(*idlest);
    environment_.counters.drops.count(DropReason::kFlowLimitGuest);
  }
  return flows_.size() < limits.udp_flows;
}

bool UdpBridge::may_send(UdpFlow& flow, const SocketAddress& remote, const wire::IpView& packet, Instant now,
                         PacketBatch& out) {
  if (flow.allowed.touch(remote)) {
    flows_.touch(flow);
    return true;
  }
  if (!environment_.may_leave(flow.key.guest, egress::Protocol::kUdp, remote)) {
    refuse(*flow.guest, packet, DropReason::kPolicyDenied, now, out);
    return false;
  }
  flow.allowed.add(remote);
  flows_.touch(flow);
  return true;
}

// RFC 5508 REQ-8, RFC 6888 REQ-11: what is not sent is told.
void UdpBridge::refuse(Guest& guest, const wire::IpView& packet, DropReason reason, Instant now,
                       PacketBatch& out) {
  environment_.counters.drops.count(reason);
  environment_.counters.udp.flows_refused.add();
  if (environment_.guest_packets.error(guest, packet.packet,
                                       IcmpError::administratively_prohibited(packet.family), now, out)) {
    environment_.counters.udp.icmp_errors.add();
  }
}

void UdpBridge::send_gathered(Instant now, PacketBatch& out) {
  if (gathered_for_ == nullptr) return;
  UdpFlow& flow = *gathered_for_;
  send_datagrams(
      *flow.socket, gathered_, environment_.counters, [&] { report_errors(flow, now, out); },
      [&](const egress::DatagramOut& datagram, int error) {
        report_unsent(flow, datagram, error, now, out);
      });
  gathered_.clear();
  gathered_for_ = nullptr;
}

void UdpBridge::socket_ready(FlowToken token, Instant now, PacketBatch& out) {
  UdpFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  report_errors(*flow, now, out);
  for (int call = 0; call < kReceiveCalls; ++call) {
    arrived_.clear();
    const egress::IoResult result = flow->socket->receive(arrived_, kReceiveLimit);
    for (const egress::DatagramIn& datagram : arrived_) {
      if (!may_answer(*flow, datagram.from)) {
        environment_.counters.drops.count(DropReason::kFlowFiltered);
        continue;
      }
      environment_.counters.udp.packets_received.add();
      environment_.counters.udp.bytes_received.add(datagram.payload.size());
      const auto tos = environment_.config.copy_tos
                           ? static_cast<std::uint8_t>((flow->tos & 0xfc) | (datagram.tos & 3))
                           : datagram.tos;
      environment_.guest_packets.udp(*flow->guest, datagram.from, flow->key.guest_side, datagram.payload, tos,
                                     out);
    }
    if (result.error != 0 && !result.would_block()) environment_.counters.udp.errors.add();
    if (arrived_.size() < kReceiveLimit) break;
  }
  flow->socket->watch_readable();
}

void UdpBridge::report_errors(UdpFlow& flow, Instant now, PacketBatch& out) {
  errors_.clear();
  flow.socket->receive_errors(errors_);
  for (const egress::SocketError& error : errors_) {
    const std::optional<IcmpError> icmp = icmp_error_of(error, flow.guest->mtu());
    // Only what the guest has sent to can fail: a forged error about a stranger tells it nothing.
    if (!icmp || !flow.allowed.contains(error.destination)) {
      environment_.counters.drops.count(DropReason::kIcmpUnmatched);
      continue;
    }
    tell_error(flow, error.destination, error.payload, *icmp, reporter_of(error), now, out);
  }
}

// The host could not even send it.
void UdpBridge::report_unsent(const UdpFlow& flow, const egress::DatagramOut& datagram, int error,
                              Instant now, PacketBatch& out) {
  const IcmpError icmp = icmp_error_of(host_failure_of(error), datagram.to.ip.family());
  tell_error(flow, datagram.to, datagram.payload, icmp, std::nullopt, now, out);
}

void UdpBridge::tell_error(const UdpFlow& flow, const SocketAddress& destination, Bytes payload,
                           const IcmpError& icmp, std::optional<IpAddress> reporter, Instant now,
                           PacketBatch& out) {
  tell_datagram_error(environment_, {*flow.guest, flow.key.guest_side, destination, payload}, icmp, reporter,
                      now, out);
}

bool UdpBridge::may_answer(UdpFlow& flow, const SocketAddress& remote) const noexcept {
  switch (environment_.config.udp.filtering) {
    case UdpFiltering::kEndpointIndependent:
      return true;
    case UdpFiltering::kAddressDependent:
      return flow.allowed.contains_address(remote.ip);
    case UdpFiltering::kAddressAndPortDependent:
      return flow.allowed.contains(remote);
  }
  return false;
}

void UdpBridge::on_deadline(FlowToken token, Instant now) {
  UdpFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  flow->queued = kNever;
  const Instant expires = flow->expires(environment_.config.udp);
  if (expires <= now) {
    close(*flow);
  } else {
    environment_.deadlines.arm(token, expires, flow->queued);
  }
}

void UdpBridge::remove_guest(Guest& guest) {
  while (UdpFlow* flow = flows_.oldest(guest)) close(*flow);
}

void UdpBridge::close(UdpFlow& flow) {
  if (last_ == &flow) last_ = nullptr;
  flows_.erase(flow);
  environment_.counters.udp.flows_closed.add();
  environment_.counters.udp.flows_active.subtract();
}

}  // namespace wgr::slirp
