#include "slirp/icmp_bridge.h"

#include <cerrno>

#include "slirp/host_errors.h"

namespace wgr::slirp {

namespace {

constexpr std::size_t kReceiveLimit = 64;  // replies per turn
constexpr std::size_t kMaxQuote = 1280;

FlowKey key_of(const Guest& guest, const wire::IpView& packet, const wire::IcmpView& request) {
  FlowKey key;
  key.guest = guest.id;
  key.guest_side = {packet.source, request.identifier()};
  return key;
}

}  // namespace

IcmpBridge::IcmpBridge(const BridgeEnvironment& environment)
    : environment_(environment), flows_(environment.hash, FlowKind::kIcmp, &Guest::icmp) {}

void IcmpBridge::receive(Guest& guest, const wire::IpView& packet, const wire::IcmpView& request, Instant now,
                         PacketBatch& out) {
  const SocketAddress remote{packet.destination, 0};
  const FlowKey key = key_of(guest, packet, request);
  IcmpFlow* flow = flows_.find(key);
  if (flow == nullptr || !flow->allowed.touch(remote)) {
    if (!environment_.may_leave(guest.id, egress::Protocol::kIcmp, remote)) {
      return refuse(guest, packet, DropReason::kPolicyDenied, now, out);
    }
    if (flow == nullptr) flow = open(guest, key, packet, now, out);
    if (flow == nullptr) return;
    flow->allowed.add(remote);
  }
  flows_.touch(*flow);
  flow->last_sent = now;

  send(*flow, packet, request, now, out);
}

void IcmpBridge::send(IcmpFlow& flow, const wire::IpView& packet, const wire::IcmpView& request, Instant now,
                      PacketBatch& out) {
  BridgeCounters& counters = environment_.counters.icmp;
  const auto ttl = static_cast<std::uint8_t>(packet.ttl - 1);
  int error = flow.socket->send(packet.destination, request.message(), ttl, packet.tos);
  if (error != 0 && error != EAGAIN && report_errors(flow, now, out) > 0) {
    // It may have been about an earlier request, whose complaint has come back.
    error = flow.socket->send(packet.destination, request.message(), ttl, packet.tos);
    if (error != 0 && error != EAGAIN && report_errors(flow, now, out) > 0) {
      counters.errors.add();
      return environment_.counters.drops.count(DropReason::kSocketFailed);
    }
  }
  if (error == 0) {
    counters.packets_sent.add();
    counters.bytes_sent.add(request.payload().size());
    return;
  }
  counters.errors.add();
  if (error == EAGAIN) return environment_.counters.drops.count(DropReason::kSocketFull);
  environment_.counters.drops.count(DropReason::kSocketFailed);
  if (environment_.guest_packets.error(*flow.guest, packet.packet,
                                       icmp_error_of(host_failure_of(error), packet.family), now, out)) {
    counters.icmp_errors.add();
  }
}

IcmpFlow* IcmpBridge::open(Guest& guest, const FlowKey& key, const wire::IpView& packet, Instant now,
                           PacketBatch& out) {
  if (is_draining_) return refuse(guest, packet, DropReason::kShuttingDown, now, out), nullptr;
  if (flows_.size() >= environment_.config.limits.icmp_flows) {
    return refuse(guest, packet, DropReason::kFlowLimitTotal, now, out), nullptr;
  }
  // A guest's idlest identifier gives way to a new one.
  if (flows_.count(guest) >= environment_.config.limits.icmp_flows_per_guest) {
    environment_.counters.drops.count(DropReason::kFlowLimitGuest);
    IcmpFlow* idlest = flows_.oldest(guest);
    if (idlest == nullptr) return nullptr;
    close(*idlest);
  }
  auto [socket, error] = environment_.sockets.open_ping(packet.family, flows_.next_token().value());
  if (!socket) {
    environment_.counters.icmp.errors.add();
    if (error == EACCES || error == EPERM) {
      environment_.counters.drops.count(DropReason::kPingUnavailable);
    } else {
      const bool is_out = error == EMFILE || error == ENFILE;
      refuse(guest, packet, is_out ? DropReason::kDescriptorsExhausted : DropReason::kSocketFailed, now, out);
    }
    return nullptr;
  }
  IcmpFlow& flow = flows_.insert(key, guest, std::move(socket), environment_.hash);
  flow.last_sent = now;
  flow.socket->watch_readable();
  environment_.counters.icmp.flows_opened.add();
  environment_.counters.icmp.flows_active.add();
  environment_.deadlines.arm(flow.token, flow.expires(environment_.config.icmp), flow.queued);
  return &flow;
}

// RFC 5508 REQ-8.
void IcmpBridge::refuse(Guest& guest, const wire::IpView& packet, DropReason reason, Instant now,
                        PacketBatch& out) {
  environment_.counters.drops.count(reason);
  environment_.counters.icmp.flows_refused.add();
  if (environment_.guest_packets.error(guest, packet.packet,
                                       IcmpError::administratively_prohibited(packet.family), now, out)) {
    environment_.counters.icmp.icmp_errors.add();
  }
}

void IcmpBridge::socket_ready(FlowToken token, Instant now, PacketBatch& out) {
  IcmpFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  report_errors(*flow, now, out);
  arrived_.clear();
  flow->socket->receive(arrived_, kReceiveLimit);
  for (const egress::DatagramIn& reply : arrived_) {
    if (reply.payload.size() < wire::kIcmpHeaderSize || !flow->allowed.contains_address(reply.from.ip)) {
      environment_.counters.drops.count(DropReason::kFlowFiltered);
      continue;
    }
    const std::uint16_t sequence = load_be<std::uint16_t>(reply.payload.data() + 6);
    const Bytes data = reply.payload.subspan(wire::kIcmpHeaderSize);
    environment_.counters.icmp.packets_received.add();
    environment_.counters.icmp.bytes_received.add(data.size());
    environment_.guest_packets.echo_reply(*flow->guest, reply.from.ip, flow->key.guest_side.ip,
                                          flow->key.guest_side.port, sequence, data, reply.tos, out);
  }
  flow->socket->watch_readable();
}

// REQ-6: an error about a query neither refreshes nor ends its flow.
std::size_t IcmpBridge::report_errors(IcmpFlow& flow, Instant now, PacketBatch& out) {
  errors_.clear();
  flow.socket->receive_errors(errors_);
  for (const egress::SocketError& error : errors_) {
    const std::optional<IcmpError> icmp = icmp_error_of(error, flow.guest->mtu());
    // The kernel keeps the request from its type on; without the sequence number the guest could not tell
    // which.
    if (!icmp || error.payload.size() < wire::kIcmpHeaderSize ||
        !flow.allowed.contains_address(error.destination.ip)) {
      environment_.counters.drops.count(DropReason::kIcmpUnmatched);
      continue;
    }
    std::array<std::uint8_t, kMaxQuote> quote;
    const MutableBytes original =
        write_quoted_echo(quote, flow.key.guest_side.ip, error.destination.ip, flow.key.guest_side.port,
                          load_be<std::uint16_t>(error.payload.data() + 6));
    if (environment_.guest_packets.error(*flow.guest, original, *icmp, now, out, reporter_of(error))) {
      environment_.counters.icmp.icmp_errors.add();
    }
  }
  return errors_.size();
}

void IcmpBridge::on_deadline(FlowToken token, Instant now) {
  IcmpFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  flow->queued = kNever;
  const Instant expires = flow->expires(environment_.config.icmp);
  if (expires <= now) {
    close(*flow);
  } else {
    environment_.deadlines.arm(token, expires, flow->queued);
  }
}

void IcmpBridge::remove_guest(Guest& guest) {
  while (IcmpFlow* flow = flows_.oldest(guest)) close(*flow);
}

void IcmpBridge::close(IcmpFlow& flow) {
  flows_.erase(flow);
  environment_.counters.icmp.flows_closed.add();
  environment_.counters.icmp.flows_active.subtract();
}

}  // namespace wgr::slirp
