// TcpBridge, from the SYN to the outcome of the host connect.
#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>

#include "core/wire/dns.h"
#include "slirp/dns_stream.h"
#include "slirp/ephemeral_port.h"
#include "slirp/tcp_bridge.h"

namespace wgr::slirp {

namespace {

constexpr std::size_t kQuoteSize = 64;
constexpr int kPortTries = 64;

void count_failure(Counters& counters, HostFailure failure) {
  switch (failure) {
    case HostFailure::kRefused:
      return counters.dial_refused.add();
    case HostFailure::kNetUnreachable:
    case HostFailure::kHostUnreachable:
      return counters.dial_unreachable.add();
    case HostFailure::kTimedOut:
      return counters.dial_timed_out.add();
    case HostFailure::kProhibited:
    case HostFailure::kNoResources:
    case HostFailure::kOther:
      return counters.dial_failed.add();
  }
}

// 1..255: what the packet would carry after one hop through us.
std::uint8_t ttl_after_hop(const wire::IpView& packet) {
  return static_cast<std::uint8_t>(std::max(packet.ttl - 1, 1));
}

}  // namespace

void TcpBridge::open(Guest& guest, const FlowKey& key, const wire::IpView& packet, const wire::TcpView& syn,
                     bool is_own_address, Instant now, PacketBatch& out) {
  if (!may_open(guest, key, packet, syn, is_own_address, now, out)) return;
  const SocketAddress to = is_own_address ? environment_.config.dns.upstreams.front() : key.remote;
  environment_.counters.dial_started.add();
  auto [socket, error] = dial(to, packet, flows_.next_token());
  if (!socket && host_failure_of(error) == HostFailure::kNoResources) {
    environment_.counters.dial_failed.add();
    environment_.counters.tcp.errors.add();
    return refuse(guest, packet, syn, DropReason::kDescriptorsExhausted, now, out);
  }

  if (socket && is_own_address) socket = with_dns(std::move(socket));
  TcpFlow& flow = flows_.insert(key, guest, guest.tcp_environment, key, syn, initial_numbers(key, now),
                                std::move(socket), now);
  flow.is_dns = is_own_address;
  // ECN stays ours: we do not mark what we send as ECN-capable.
  if (environment_.config.copy_tos) flow.connection.set_tos(static_cast<std::uint8_t>(packet.tos & 0xfc));
  ++guest.connecting;
  ++connecting_;
  environment_.counters.dial_in_flight.add();
  count_opened();
  const FlowToken token = flow.token;
  if (flow.socket) {
    watch(flow, {.writable = true});
  } else {
    dial_finished(flow, error, now, out);
  }
  if (TcpFlow* live = flows_.at(token)) touch(*live);
}

void TcpBridge::count_opened() {
  environment_.counters.tcp.flows_opened.add();
  environment_.counters.tcp.flows_active.add();
}

void TcpBridge::open_to_guest(Guest& guest, const FlowKey& key, std::unique_ptr<egress::StreamSocket> socket,
                              Instant now, PacketBatch& out) {
  TcpFlow& flow = flows_.insert(key, guest, guest.tcp_environment, key, initial_numbers(key, now),
                                std::move(socket), now);
  count_opened();
  flow.connection.connect(now, out);
  settle(flow, now);
}

bool TcpBridge::has_room_for(const Guest& guest) const noexcept {
  const Limits& limits = environment_.config.limits;
  return flows_.count(guest) < limits.tcp_flows_per_guest && flows_.size() < limits.tcp_flows;
}

// RFC 6056 3.3.1. A guest has a quarter of these ports at most, so a handful of tries fails never or always.
std::uint16_t TcpBridge::pick_port(FlowKey key) {
  for (int tries = 0; tries < kPortTries; ++tries) {
    key.remote.port = random_ephemeral_port();
    if (flows_.find(key) == nullptr && !strangers_.knows(key)) return key.remote.port;
  }
  return 0;
}

void TcpBridge::abort(FlowToken token, Instant now, PacketBatch& out) {
  TcpFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  assert(!flow->is_touched);
  flow->connection.abort(now, out);
  if (flow->socket) flow->socket->reset_on_close();
  close(*flow);
}

bool TcpBridge::may_open(Guest& guest, const FlowKey& key, const wire::IpView& packet,
                         const wire::TcpView& syn, bool is_own_address, Instant now, PacketBatch& out) {
  const Limits& limits = environment_.config.limits;
  const auto refused = [&](DropReason reason) {
    refuse(guest, packet, syn, reason, now, out);
    return false;
  };
  if (is_own_address && (key.remote.port != wire::kDnsPort || environment_.config.dns.upstreams.empty())) {
    strangers_.reset(guest, packet, syn, out);
    return false;
  }
  if (is_draining_) return refused(DropReason::kShuttingDown);
  if (!is_own_address && !environment_.may_leave(guest.id, egress::Protocol::kTcp, key.remote)) {
    return refused(DropReason::kPolicyDenied);
  }
  if (flows_.count(guest) >= limits.tcp_flows_per_guest || guest.connecting >= limits.connecting_per_guest) {
    return refused(DropReason::kFlowLimitGuest);
  }
  if (flows_.size() >= limits.tcp_flows || connecting_ >= limits.connecting) {
    return refused(DropReason::kFlowLimitTotal);
  }
  return true;
}

// Before there is a flow: policy, caps, descriptors (RFC 5508 REQ-8, RFC 6888 REQ-11).
void TcpBridge::refuse(Guest& guest, const wire::IpView& packet, const wire::TcpView& syn, DropReason reason,
                       Instant now, PacketBatch& out) {
  environment_.counters.drops.count(reason);
  environment_.counters.tcp.flows_refused.add();
  switch (environment_.config.tcp.error_signal) {
    case TcpErrorSignal::kNone:
      return;
    case TcpErrorSignal::kRst:
      return strangers_.reset(guest, packet, syn, out);
    case TcpErrorSignal::kAccurate:
    case TcpErrorSignal::kIcmp:
      break;
  }
  const IcmpError error = IcmpError::administratively_prohibited(packet.family);
  if (environment_.guest_packets.error(guest, packet.packet, error, now, out)) {
    environment_.counters.tcp.icmp_errors.add();
  } else {
    strangers_.reset(guest, packet, syn, out);  // errors are rationed, the truth is not
  }
}

egress::Opened<egress::StreamSocket> TcpBridge::dial(const SocketAddress& to, const wire::IpView& packet,
                                                     FlowToken token) {
  egress::StreamOptions options;
  options.ttl = ttl_after_hop(packet);
  options.tos = static_cast<std::uint8_t>(packet.tos & 0xfc);  // ECN is the kernel's
  options.receive_buffer = environment_.config.tcp.host_receive_buffer;
  options.send_buffer = environment_.config.tcp.host_send_buffer;
  return environment_.sockets.connect(to, token.value(), options);
}

std::unique_ptr<egress::StreamSocket> TcpBridge::with_dns(std::unique_ptr<egress::StreamSocket> upstream) {
  return std::make_unique<DnsStream>(std::move(upstream), environment_.dns_policy, environment_.counters);
}

// DNS over TCP: an upstream that does not take the connection is passed over.
bool TcpBridge::dial_next_upstream(TcpFlow& flow) {
  const auto& upstreams = environment_.config.dns.upstreams;
  while (flow.is_dns && flow.upstream + 1u < upstreams.size()) {
    ++flow.upstream;
    environment_.counters.dns_retries.add();
    flow.socket.reset();
    flow.is_watching_write = false;
    auto [socket, error] = environment_.sockets.connect(upstreams[flow.upstream], flow.token.value(), {});
    if (!socket) continue;
    flow.socket = with_dns(std::move(socket));
    watch(flow, {.writable = true});
    return true;
  }
  return false;
}

void TcpBridge::dial_finished(TcpFlow& flow, int error, Instant now, PacketBatch& out) {
  if (error == EINPROGRESS) return watch(flow, {.writable = true});
  if (error != 0) return dial_failed(flow, host_failure_of(error), now, out);
  environment_.counters.dial_connected.add();
  environment_.counters.connect_time.record(now - flow.began);
  end_dial(flow);
  flow.is_connected = true;
  flow.connection.accept(now, out);
  settle(flow, now);
}

void TcpBridge::dial_failed(TcpFlow& flow, HostFailure failure, Instant now, PacketBatch& out) {
  if (dial_next_upstream(flow)) {
    flow.began = now;
    return settle(flow, now);
  }
  count_failure(environment_.counters, failure);
  const TcpErrorSignal signal = environment_.config.tcp.error_signal;
  const bool wants_icmp = signal == TcpErrorSignal::kIcmp ||
                          (signal == TcpErrorSignal::kAccurate && failure != HostFailure::kRefused);
  bool is_told = signal == TcpErrorSignal::kNone;
  if (wants_icmp) {
    const Family family = flow.key.remote.ip.family();
    const IcmpError error = signal == TcpErrorSignal::kIcmp ? IcmpError::host_unreachable(family)
                                                            : icmp_error_of(failure, family);
    std::array<std::uint8_t, kQuoteSize> quote;
    const MutableBytes syn = write_quoted_tcp(quote, flow.key.guest_side, flow.key.remote, flow.syn_sequence);
    is_told = environment_.guest_packets.error(*flow.guest, syn, error, now, out);
    if (is_told) environment_.counters.tcp.icmp_errors.add();
  }
  if (!is_told) flow.connection.abort(now, out);
  close(flow);
}

void TcpBridge::end_dial(TcpFlow& flow) {
  --flow.guest->connecting;
  --connecting_;
  environment_.counters.dial_in_flight.subtract();
}

// RFC 6528: a clock of 4 microseconds and a keyed hash of the flow. The clock of the timestamps starts per
// flow too (RFC 7323 5.4), and with the same hash, so that a flow that is opened again goes on where it was.
tcp::InitialNumbers TcpBridge::initial_numbers(const FlowKey& key, Instant now) const {
  std::array<std::uint8_t, 8 + 2 * 18> bytes{};
  store_be<std::uint64_t>(bytes.data(), key.guest.value());
  std::uint8_t* at = bytes.data() + 8;
  for (const SocketAddress* end : {&key.guest_side, &key.remote}) {
    const Bytes ip = end->ip.bytes();
    std::copy(ip.begin(), ip.end(), at);
    store_be<std::uint16_t>(at + 16, end->port);
    at += 18;
  }
  const std::uint64_t hash = numbers_(bytes);
  const auto ticks = static_cast<std::uint64_t>(now.time_since_epoch() / std::chrono::microseconds{4});
  return {.sequence = static_cast<std::uint32_t>(hash + ticks),
          .timestamp_offset = static_cast<std::uint32_t>(hash >> 32)};
}

}  // namespace wgr::slirp
