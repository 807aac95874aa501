#include "slirp/stack.h"

#include <algorithm>

#include "core/deadline_queue.h"
#include "core/wire/dns.h"
#include "core/wire/icmp.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"
#include "slirp/dns_forwarder.h"
#include "slirp/forward.h"
#include "slirp/forwarded_udp.h"
#include "slirp/fragment.h"
#include "slirp/guest.h"
#include "slirp/guest_packets.h"
#include "slirp/icmp_bridge.h"
#include "slirp/ip_input.h"
#include "slirp/reassembly.h"
#include "slirp/segment_run.h"
#include "slirp/tcp_bridge.h"
#include "slirp/udp_bridge.h"

namespace wgr::slirp {

namespace {

constexpr std::size_t kDeadlinesSlack = 4096;
constexpr std::uint16_t kLeastGuestMtu = 576;  // RFC 1122 3.3.3; no ICMP error over IPv4 exceeds it
constexpr Duration kReleaseMemoryAfter = std::chrono::seconds{10};

// Whether Poly1305 has vouched for its packets; a station's have only their sums.
bool is_sealed(GuestId guest) { return !guest.is_station(); }

std::size_t pool_slots(const Config& config) {
  const std::size_t slot = config.largest_mtu() + kHeadroom + kTailroom;
  return std::max<std::size_t>(config.limits.tcp_memory / slot, 64);
}

}  // namespace

struct Stack::Parts {
  Parts(const Config& settings, egress::Sockets& sockets, std::shared_ptr<const egress::Policy> rules,
        Rng& rng)
      : config(settings),
        policy(std::move(rules)),
        pool(config.largest_mtu(), pool_slots(config)),
        memory(config.limits.tcp_memory),
        guests(config, pool, counters, memory),
        ip_input(config),
        guest_packets(config, counters, rng),
        reassembly(config.limits, guest_packets.errors(), counters.drops),
        dns_policy(config.dns, counters),
        environment{config, sockets, policy, hash, counters, guest_packets, deadlines, dns_policy},
        forwards(environment, guests, tcp, forwarded_udp),
        tcp(environment),
        udp(environment),
        icmp(environment),
        dns(environment),
        forwarded_udp(environment),
        router(GuestId{}, config, pool, counters.tcp_connections, memory) {}

  void receive(const PacketView& packet, Instant now, PacketBatch& out);
  std::size_t receive_followers(std::span<const PacketView> packets, std::span<const MutableBytes> followers,
                                Instant now);
  void dispatch(Guest& guest, const AcceptedPacket& accepted, Instant now, PacketBatch& out);
  void receive_udp(Guest& guest, const AcceptedPacket& accepted, Instant now, PacketBatch& out);
  void receive_icmp(Guest& guest, const AcceptedPacket& accepted, Instant now, PacketBatch& out);
  void receive_icmp_error(Guest& guest, const wire::IpView& packet, const wire::IcmpView& error, Instant now,
                          PacketBatch& out);
  void refuse(Guest& guest, const wire::IpView& packet, DropReason reason, const IcmpError& answer,
              Instant now, PacketBatch& out);
  void on_flow_deadline(FlowToken token, Instant now, PacketBatch& out);
  bool is_live(FlowToken token) noexcept;
  std::size_t active_flows() const {
    return tcp.active_flows() + udp.active_flows() + icmp.active_flows() + forwarded_udp.active_flows();
  }

  // Constant after construction, but for the policy and the DNS upstreams.
  Config config;
  std::shared_ptr<const egress::Policy> policy;
  const FlowHash hash;

  Counters counters;
  PacketPool pool;  // of TCP segments, both ways
  MemoryBudget memory;
  DeadlineQueue<FlowToken> deadlines;
  GuestTable guests;
  IpInput ip_input;
  SegmentRun segment_run;
  GuestPackets guest_packets;
  Reassembly reassembly;
  DnsPolicy dns_policy;
  BridgeEnvironment environment;
  Forwards forwards;  // outlives the flows of its clients
  TcpBridge tcp;
  UdpBridge udp;
  IcmpBridge icmp;
  DnsForwarder dns;
  ForwardedUdp forwarded_udp;
  Guest router;                        // asks for DNS over HTTPS
  Instant release_memory_at = kNever;  // when no TCP flow has come until then
};

Stack::Stack(const Config& config, egress::Sockets& sockets, std::shared_ptr<const egress::Policy> policy,
             Rng& rng)
    : parts_(std::make_unique<Parts>(config, sockets, std::move(policy), rng)) {}

Stack::~Stack() = default;

void Stack::receive(std::span<const PacketView> packets, Instant now, PacketBatch& out) {
  parts_->counters.packets.add(packets.size());
  std::size_t sought = 0;  // packets among which followers were looked for
  for (std::size_t i = 0; i < packets.size();) {
    const auto rest = packets.subspan(i);
    parts_->receive(rest.front(), now, out);
    ++i;
    if (i <= sought) continue;                     // each is looked at once, whether it is taken or not
    if (!is_sealed(rest.front().guest)) continue;  // the sum of each is looked at
    const auto followers = parts_->segment_run.find(rest);
    sought = i + followers.size();
    if (!followers.empty()) i += parts_->receive_followers(rest, followers, now);
  }
  parts_->tcp.end_batch(now, out);
  parts_->udp.end_batch(now, out);
  parts_->forwarded_udp.end_batch(now, out);
  parts_->reassembly.end_turn();
}

void Stack::Parts::receive(const PacketView& packet, Instant now, PacketBatch& out) {
  const auto sums = is_sealed(packet.guest) ? TransportChecksums::kTrusted : TransportChecksums::kVerified;
  if (sums == TransportChecksums::kTrusted) [[likely]] {
    if (const AcceptedPacket* accepted = ip_input.check_like_last(packet.bytes)) [[likely]] {
      return dispatch(guests.at(packet.guest), *accepted, now, out);
    }
  }
  auto checked = ip_input.check(packet.bytes, sums);
  if (!checked) {
    const IpRefusal refusal = checked.error();
    counters.drops.count(refusal.reason);
    if (refusal.answer) guest_packets.error(guests.at(packet.guest), packet.bytes, *refusal.answer, now, out);
    return;
  }
  Guest& guest = guests.at(packet.guest);
  if (!checked->is_fragment) return dispatch(guest, ip_input.remember(*checked), now, out);
  auto whole = reassembly.receive(packet.guest, *checked, now, out);
  if (!whole) return;
  if (sums == TransportChecksums::kVerified && !transport_checksum_is_valid(*whole)) {
    return counters.drops.count(DropReason::kChecksumInvalid);
  }
  whole->dont_fragment = false;  // the guest cut it itself: so may the host, also over IPv6
  dispatch(guest, {*whole, ip_input.is_own(whole->destination)}, now, out);
}

// What follows the front packet in its flow, as far as the connection takes it as it is. Returns how many.
std::size_t Stack::Parts::receive_followers(std::span<const PacketView> packets,
                                            std::span<const MutableBytes> followers, Instant now) {
  const PacketView& first = packets.front();
  const auto ip = wire::IpView::parse(first.bytes);
  if (!ip) return 0;
  const auto segment = wire::TcpView::parse(ip->payload);
  if (!segment) return 0;
  return tcp.receive_followers(first.guest, *ip, *segment, followers, now);
}

void Stack::Parts::dispatch(Guest& guest, const AcceptedPacket& accepted, Instant now, PacketBatch& out) {
  const wire::IpView& packet = accepted.ip;
  if (packet.protocol == wire::IpProtocol::kTcp) {
    const auto segment = wire::TcpView::parse(packet.payload);
    if (!segment) return counters.drops.count(segment.error());
    return tcp.receive(guest, packet, *segment, accepted.is_to_us, now, out);
  }
  if (packet.protocol == wire::IpProtocol::kUdp) return receive_udp(guest, accepted, now, out);
  if (packet.protocol == wire::icmp_protocol(packet.family)) return receive_icmp(guest, accepted, now, out);
  refuse(guest, packet, DropReason::kProtocolUnsupported,
         IcmpError::protocol_unreachable(packet.family, packet.protocol_field_offset), now, out);
}

void Stack::Parts::receive_udp(Guest& guest, const AcceptedPacket& accepted, Instant now, PacketBatch& out) {
  const wire::IpView& packet = accepted.ip;
  const auto datagram = wire::UdpView::parse(packet.payload);
  if (!datagram) return counters.drops.count(datagram.error());
  // RFC 8200 8.1; over IPv4 zero means that there is none.
  if (packet.family == Family::kV6 && datagram->checksum() == 0) {
    return counters.drops.count(DropReason::kChecksumInvalid);
  }
  if (!accepted.is_to_us) return udp.receive(guest, packet, *datagram, now, out);
  if (datagram->destination_port() != wire::kDnsPort || !dns.is_enabled()) {
    if (forwarded_udp.receive(guest, packet, *datagram, now, out)) return;
    return refuse(guest, packet, DropReason::kDestinationInvalid, IcmpError::port_unreachable(packet.family),
                  now, out);
  }
  if (datagram->source_port() == 0) return counters.drops.count(DropReason::kSourceInvalid);
  dns.receive(guest, {packet.source, datagram->source_port()}, {packet.destination, wire::kDnsPort},
              datagram->payload(), now, out);
}

void Stack::Parts::receive_icmp(Guest& guest, const AcceptedPacket& accepted, Instant now, PacketBatch& out) {
  const wire::IpView& packet = accepted.ip;
  const auto message = wire::IcmpView::parse(packet.family, packet.payload);
  if (!message) return counters.drops.count(message.error());
  if (message->is_echo_request()) {
    if (!accepted.is_to_us) return icmp.receive(guest, packet, *message, now, out);
    counters.own_echo_replies.add();
    return guest_packets.echo_reply(guest, packet.destination, packet.source, message->identifier(),
                                    message->sequence(), message->payload(), packet.tos, out);
  }
  if (message->is_error()) return receive_icmp_error(guest, packet, *message, now, out);
  counters.drops.count(DropReason::kProtocolUnsupported);  // RFC 1122 3.2.2: silently
}

void Stack::Parts::receive_icmp_error(Guest& guest, const wire::IpView& packet, const wire::IcmpView& error,
                                      Instant now, PacketBatch& out) {
  // RFC 5508 REQ-3.
  if (!error.checksum_is_valid(packet.source, packet.destination)) {
    return counters.drops.count(DropReason::kChecksumInvalid);
  }
  const auto quoted = wire::QuotedPacket::parse(packet.family, error.quoted());
  // What a guest says about UDP and pings changes nothing here: mappings live (RFC 4787 REQ-12), and the
  // remote cannot be told through a socket.
  if (!quoted || quoted->protocol != wire::IpProtocol::kTcp)
    return counters.drops.count(DropReason::kIcmpUnmatched);
  tcp.receive_error(guest, error, *quoted, now, out);
}

void Stack::Parts::refuse(Guest& guest, const wire::IpView& packet, DropReason reason,
                          const IcmpError& answer, Instant now, PacketBatch& out) {
  counters.drops.count(reason);
  guest_packets.error(guest, packet.packet, answer, now, out);
}

void Stack::socket_ready(egress::SocketToken value, egress::Ready ready, Instant now, PacketBatch& out) {
  const FlowToken token = FlowToken::from(value);
  switch (token.kind()) {
    case FlowKind::kTcp:
      return parts_->tcp.socket_ready(token, ready, now, out);
    case FlowKind::kUdp:
      return parts_->udp.socket_ready(token, now, out);
    case FlowKind::kIcmp:
      return parts_->icmp.socket_ready(token, now, out);
    case FlowKind::kDns:
      return parts_->dns.socket_ready(token, now, out);
    case FlowKind::kForward:
      return parts_->forwards.socket_ready(token, now, out);
    case FlowKind::kForwardedUdp:
    case FlowKind::kTimeWait:
      return;
  }
}

Instant Stack::next_deadline() const {
  return std::min({parts_->deadlines.next(), parts_->tcp.next_deadline(), parts_->forwards.next_deadline(),
                   parts_->reassembly.next_deadline(), parts_->release_memory_at});
}

void Stack::on_deadline(Instant now, PacketBatch& out) {
  Parts& parts = *parts_;
  // As many as there were: what is due again at once has its turn next time.
  for (std::size_t left = parts.deadlines.size(); left > 0; --left) {
    const auto token = parts.deadlines.take_due(now);
    if (!token) break;
    parts.on_flow_deadline(*token, now, out);
  }
  parts.tcp.on_deadline(now, out);
  parts.forwards.on_deadline(now, out);
  parts.reassembly.on_deadline(now, out);
  if (parts.deadlines.size() > 4 * parts.active_flows() + kDeadlinesSlack) {
    parts.deadlines.discard_if([&parts](FlowToken token) { return !parts.is_live(token); });
  }
  if (parts.release_memory_at <= now) {
    parts.release_memory_at = kNever;
    if (parts.tcp.active_flows() == 0) parts.pool.release_idle_memory();
  }
}

void Stack::Parts::on_flow_deadline(FlowToken token, Instant now, PacketBatch& out) {
  switch (token.kind()) {
    case FlowKind::kTcp:
      tcp.on_deadline(token, now, out);
      break;
    case FlowKind::kUdp:
      udp.on_deadline(token, now);
      break;
    case FlowKind::kIcmp:
      icmp.on_deadline(token, now);
      break;
    case FlowKind::kDns:
      dns.on_deadline(token, now, out);
      break;
    case FlowKind::kForwardedUdp:
      forwarded_udp.on_deadline(token, now);
      break;
    case FlowKind::kForward:
    case FlowKind::kTimeWait:
      break;
  }
  if (tcp.active_flows() == 0 && pool.slots_allocated() > 0) release_memory_at = now + kReleaseMemoryAfter;
}

bool Stack::Parts::is_live(FlowToken token) noexcept {
  return tcp.is_live(token) || udp.is_live(token) || icmp.is_live(token) || dns.is_live(token) ||
         forwarded_udp.is_live(token);
}

void Stack::end_turn() {
  Parts& parts = *parts_;
  parts.pool.end_turn();
  const auto set = [](Gauge& gauge, std::size_t value) { gauge.set(static_cast<std::int64_t>(value)); };
  set(parts.counters.pool_slots_in_use, parts.pool.slots_in_use());
  set(parts.counters.pool_slots_allocated, parts.pool.slots_allocated());
  set(parts.counters.tcp_memory_bytes, parts.memory.used());
  set(parts.counters.reassembly_bytes, parts.reassembly.bytes_held());
}

void Stack::remove_guest(GuestId id) {
  Guest* guest = parts_->guests.find(id);
  if (guest == nullptr) return;
  parts_->tcp.remove_guest(*guest);
  parts_->udp.remove_guest(*guest);
  parts_->icmp.remove_guest(*guest);
  parts_->dns.remove_guest(*guest);
  parts_->forwarded_udp.remove_guest(*guest);
  parts_->forwards.remove_guest(id);
  parts_->reassembly.remove_guest(id);
  parts_->guest_packets.errors().remove_guest(id);
  parts_->guests.erase(id);
}

void Stack::set_guest_mtu(GuestId guest, std::uint16_t mtu) {
  parts_->guests.at(guest).tcp_environment.own_mtu =
      std::clamp(mtu, kLeastGuestMtu, parts_->config.largest_mtu());
}

void Stack::cut_or_refuse(GuestId to, const PacketView& packet, std::uint16_t mtu, Instant now,
                          PacketBatch& fragments, PacketBatch& out) {
  const auto ip = wire::IpView::parse(packet.bytes);
  if (!ip) return parts_->counters.drops.count(ip.error());
  if (ip->family == Family::kV4 && !ip->dont_fragment) return cut_ipv4(to, ip->packet, mtu, fragments);
  parts_->refuse(parts_->guests.at(packet.guest), *ip, DropReason::kPacketTooBig,
                 IcmpError::packet_too_big(ip->family, mtu), now, out);
}

void Stack::set_forwards(std::vector<ForwardConfig> forwards, Instant now, PacketBatch& out) {
  parts_->forwards.set(std::move(forwards), now, out);
}

void Stack::set_forward_target(std::size_t index, const std::optional<ForwardTarget>& target) {
  parts_->forwards.set_target(index, target);
}

std::vector<ForwardStatus> Stack::forward_status() const { return parts_->forwards.status(); }
std::vector<UnboundForward> Stack::unbound_forwards(std::size_t limit) const {
  return parts_->forwards.unbound(limit);
}

void Stack::set_policy(std::shared_ptr<const egress::Policy> policy) { parts_->policy = std::move(policy); }

void Stack::set_dns_upstreams(std::vector<SocketAddress> upstreams) {
  parts_->config.dns.upstreams = std::move(upstreams);
}

void Stack::set_dns_names(std::shared_ptr<const DnsNames> names) {
  parts_->dns_policy.set_names(std::move(names));
}

void Stack::ask_dns(std::uint64_t question, Bytes message, Instant now, const IpAddress& source) {
  parts_->dns.ask(parts_->router, {question, source}, message, now);
}

std::vector<DnsAnswer> Stack::take_dns_answers() { return parts_->dns.take_answers(); }

void Stack::drain() {
  parts_->tcp.drain();
  parts_->udp.drain();
  parts_->icmp.drain();
  parts_->forwards.drain();
}

std::size_t Stack::active_flows() const { return parts_->active_flows(); }

const Counters& Stack::counters() const { return parts_->counters; }

}  // namespace wgr::slirp
