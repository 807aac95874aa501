#include "slirp/forward.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/wire/proxy_protocol.h"
#include "slirp/forwarded_stream.h"

namespace wgr::slirp {

namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstRetry = 100ms;  // another worker may just be giving the port up
constexpr Duration kLastRetry = 10s;
constexpr Duration kAcceptPause = 100ms;
constexpr int kAcceptsPerTurn = 16;
constexpr std::size_t kReceiveLimit = 64;  // datagrams per call
constexpr int kReceiveCalls = 4;           // per turn: others want the worker too

FlowKey key_to(const ForwardTarget& target, std::uint16_t guest_port) {
  return {target.guest, {target.address, guest_port}, {target.own_address, 0}};
}

}  // namespace

Forwards::Forwards(const BridgeEnvironment& environment, GuestTable& guests, TcpBridge& tcp,
                   ForwardedUdp& udp)
    : environment_(environment),
      guests_(guests),
      tcp_(tcp),
      udp_(udp),
      admission_(environment.config.limits, environment.hash, environment.counters.forward_flows_active) {}

// --- what there is ---

void Forwards::set(std::vector<ForwardConfig> configs, Instant now, PacketBatch& out) {
  // A range may be thousands of ports: look for the same one among those of its port only.
  std::multimap<std::pair<ForwardProtocol, std::uint16_t>, Serial> old;
  for (const Serial serial : order_) {
    const ForwardConfig& config = forwards_.at(serial).config;
    old.emplace(std::pair{config.protocol, config.listen_port}, serial);
  }
  std::vector<Serial> order;
  std::vector<Serial> fresh;
  for (ForwardConfig& config : configs) {
    const auto [begin, end] = old.equal_range({config.protocol, config.listen_port});
    const auto same =
        std::find_if(begin, end, [&](const auto& one) { return forwards_.at(one.second).config == config; });
    if (same != end) {
      order.push_back(same->second);
      old.erase(same);
      continue;
    }
    const Serial serial = next_serial_++ & FlowToken::kGenerationMask;
    forwards_[serial].config = std::move(config);
    order.push_back(serial);
    fresh.push_back(serial);
  }
  // The ports of those that go may be wanted by those that come.
  for (const auto& [port, serial] : old) {
    end_flows(forwards_.at(serial), now, out);
    forwards_.erase(serial);
  }
  order_ = std::move(order);
  for (const Serial serial : fresh) open(serial, forwards_.at(serial), now);
}

void Forwards::end_flows(Forward& forward, Instant now, PacketBatch& out) {
  while (!forward.flows.empty()) {
    const FlowToken token = *forward.flows.begin();
    if (token.kind() == FlowKind::kTcp) {
      tcp_.abort(token, now, out);
    } else {
      udp_.close(token);
    }
  }
}

void Forwards::open(Serial serial, Forward& forward, Instant now) {
  const std::uint16_t port = forward.config.listen_port;
  for (const IpAddress& ip : forward.config.listen_addresses) {
    forward.listeners.emplace_back(SocketAddress{ip, port});
  }
  if (forward.listeners.empty()) {
    constexpr std::array<std::uint8_t, 16> kAny{};
    forward.listeners.emplace_back(SocketAddress{IpAddress{}, port});
    forward.listeners.emplace_back(SocketAddress{IpAddress::from_bytes(kAny), port}).is_optional = true;
  }
  for (std::size_t i = 0; i < forward.listeners.size(); ++i) {
    const FlowToken token{FlowKind::kForward, serial, static_cast<std::uint32_t>(i)};
    open(token, forward, forward.listeners[i], now);
  }
}

void Forwards::open(FlowToken token, const Forward& forward, Listener& listener, Instant now) {
  if (forward.config.protocol == ForwardProtocol::kTcp) {
    if (is_draining_) return;
    auto [socket, error] = environment_.sockets.listen_tcp(listener.address, token.value());
    listener.tcp = std::move(socket);
    listener.error = listener.tcp ? 0 : error;
    if (listener.tcp) listener.tcp->watch_readable();
  } else {
    auto [socket, error] = environment_.sockets.open_udp_at(listener.address, token.value());
    listener.udp = std::move(socket);
    listener.error = listener.udp ? 0 : error;
    if (listener.udp) listener.udp->watch_readable();
  }
  if (listener.error == 0) {
    listener.wait = Duration{0};
    return;
  }
  if (listener.is_optional && listener.error == EAFNOSUPPORT) {
    listener.error = 0;
    return;
  }
  environment_.counters.forward_bind_failures.add();
  retry(listener, listener.error, now);
}

void Forwards::retry(Listener& listener, int error, Instant now) {
  listener.error = error;
  listener.wait = std::clamp(2 * listener.wait, kFirstRetry, kLastRetry);
  again_at(listener, now + listener.wait);
}

void Forwards::again_at(Listener& listener, Instant at) {
  listener.again = at;
  next_ = std::min(next_, at);
}

void Forwards::on_deadline(Instant now, PacketBatch& out) {
  if (next_ > now) return;
  next_ = kNever;
  for (auto& [serial, forward] : forwards_) {
    for (std::size_t i = 0; i < forward.listeners.size(); ++i) {
      Listener& listener = forward.listeners[i];
      if (listener.again > now) {
        next_ = std::min(next_, listener.again);
        continue;
      }
      listener.again = kNever;
      if (listener.tcp) {
        accept_some(forward, listener, now, out);
      } else if (!listener.udp) {
        open({FlowKind::kForward, serial, static_cast<std::uint32_t>(i)}, forward, listener, now);
      }
    }
  }
}

bool Forwards::is_usable(const ForwardTarget& target) const {
  const std::vector<IpAddress>& own = environment_.config.own_addresses;
  return target.address.family() == target.own_address.family() &&
         std::find(own.begin(), own.end(), target.own_address) != own.end();
}

void Forwards::set_target(std::size_t index, const std::optional<ForwardTarget>& target) {
  if (index >= order_.size()) return;
  Forward& forward = forwards_.at(order_[index]);
  const bool is_target = target && is_usable(*target);
  if (is_target ? forward.target == target : !forward.target) return;
  forward.target = is_target ? target : std::nullopt;
  if (forward.config.protocol == ForwardProtocol::kTcp) return;
  while (!forward.flows.empty()) udp_.close(*forward.flows.begin());
}

std::vector<ForwardStatus> Forwards::status() const {
  std::vector<ForwardStatus> all;
  all.reserve(order_.size());
  for (const Serial serial : order_) {
    const Forward& forward = forwards_.at(serial);
    ForwardStatus& status = all.emplace_back(forward.counts);
    status.config = forward.config;
    status.target = forward.target;
    status.active_flows = forward.flows.size();
    for (const Listener& listener : forward.listeners) {
      if (listener.error == 0) continue;
      status.error = listener.error;
      status.failed_address = listener.address;
      break;
    }
  }
  return all;
}

std::vector<UnboundForward> Forwards::unbound(std::size_t limit) const {
  std::vector<UnboundForward> unbound;
  for (const Serial serial : order_) {
    const Forward& forward = forwards_.at(serial);
    for (const Listener& listener : forward.listeners) {
      if (unbound.size() == limit) return unbound;
      if (listener.error != 0) unbound.push_back({forward.config.protocol, listener.address, listener.error});
    }
  }
  return unbound;
}

void Forwards::remove_guest(GuestId guest) {
  for (auto& [serial, forward] : forwards_) {
    if (forward.target && forward.target->guest == guest) forward.target.reset();
  }
}

void Forwards::drain() {
  is_draining_ = true;
  for (auto& [serial, forward] : forwards_) {
    for (Listener& listener : forward.listeners) listener.tcp.reset();
  }
}

// --- who comes ---

void Forwards::socket_ready(FlowToken token, Instant now, PacketBatch& out) {
  const auto found = forwards_.find(token.generation());
  if (found == forwards_.end() || token.slot() >= found->second.listeners.size()) return;
  Listener& listener = found->second.listeners[token.slot()];
  if (listener.tcp) accept_some(found->second, listener, now, out);
  if (listener.udp) receive_some(found->second, listener, now, out);
}

bool Forwards::may_enter(Forward& forward, const IpAddress& client) {
  const std::vector<Prefix>& allowed = forward.config.allowed_sources;
  if (!allowed.empty() && std::none_of(allowed.begin(), allowed.end(),
                                       [&](const Prefix& prefix) { return prefix.contains(client); })) {
    environment_.counters.drops.count(DropReason::kPolicyDenied);
    environment_.counters.forward_refused_sources.add();
    ++forward.counts.refused_sources;
    return false;
  }
  if (is_draining_) {
    environment_.counters.drops.count(DropReason::kShuttingDown);
    return false;
  }
  if (!forward.target) {
    environment_.counters.drops.count(DropReason::kNoRoute);
    environment_.counters.forward_refused_absent.add();
    ++forward.counts.refused_absent;
    return false;
  }
  return true;
}

void Forwards::refuse_limit(Forward& forward, DropReason reason) {
  environment_.counters.drops.count(reason);
  environment_.counters.forward_refused_limits.add();
  ++forward.counts.refused_limits;
}

void Forwards::count_opened(Forward& forward) {
  environment_.counters.forward_flows_opened.add();
  ++forward.counts.flows_opened;
}

void Forwards::accept_some(Forward& forward, Listener& listener, Instant now, PacketBatch& out) {
  const egress::StreamOptions options{.receive_buffer = environment_.config.tcp.host_receive_buffer,
                                      .send_buffer = environment_.config.tcp.host_send_buffer};
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    egress::Accepted accepted = listener.tcp->accept(tcp_.next_token().value(), options);
    if (accepted.socket) {
      if (!open_connection(forward, accepted, now, out)) accepted.socket->reset_on_close();
      continue;
    }
    if (accepted.error == EAGAIN) break;
    if (!egress::is_shortage(accepted.error)) {  // somebody has shut the port down
      listener.tcp.reset();
      return retry(listener, accepted.error, now);
    }
    // Clients wait in the kernel until flows have ended.
    environment_.counters.drops.count(DropReason::kDescriptorsExhausted);
    environment_.counters.forward_accept_pauses.add();
    return again_at(listener, now + kAcceptPause);
  }
  listener.tcp->watch_readable();
}

bool Forwards::open_connection(Forward& forward, egress::Accepted& accepted, Instant now, PacketBatch& out) {
  if (!may_enter(forward, accepted.client.ip)) return false;
  Guest& guest = guests_.at(forward.target->guest);
  FlowKey key = key_to(*forward.target, forward.config.guest_port);
  key.remote.port = tcp_.has_room_for(guest) ? tcp_.pick_port(key) : 0;
  if (key.remote.port == 0) return refuse_limit(forward, DropReason::kFlowLimitGuest), false;
  auto ticket = admission_.admit(accepted.client.ip, forward.flows, guest, tcp_.next_token());
  if (!ticket) return refuse_limit(forward, ticket.error()), false;
  Bytes preface;
  std::array<std::uint8_t, wire::kMaxProxyHeader> header;
  if (forward.config.proxy_protocol)
    preface = wire::write_proxy_header(header, accepted.client, accepted.local);
  tcp_.open_to_guest(
      guest, key, std::make_unique<ForwardedStream>(std::move(accepted.socket), *std::move(ticket), preface),
      now, out);
  count_opened(forward);
  return true;
}

void Forwards::receive_some(Forward& forward, Listener& listener, Instant now, PacketBatch& out) {
  udp_.report_errors(*listener.udp, now, out);
  ForwardedUdpFlow* last = nullptr;
  for (int call = 0; call < kReceiveCalls; ++call) {
    arrived_.clear();
    const egress::IoResult result = listener.udp->receive(arrived_, kReceiveLimit);
    for (const egress::DatagramIn& datagram : arrived_) {
      if (datagram.from.port == 0) continue;
      const SocketAddress local{datagram.local, listener.address.port};
      if (last == nullptr || last->outside.guest_side != datagram.from || last->outside.remote != local) {
        last = udp_.find(datagram.from, local);
        if (last == nullptr) last = open_mapping(forward, datagram, local, *listener.udp, now);
        if (last == nullptr) continue;
      }
      udp_.to_guest(*last, datagram, now, out);
    }
    if (result.error != 0 && !result.would_block()) environment_.counters.udp.errors.add();
    if (arrived_.size() < kReceiveLimit) break;
  }
  listener.udp->watch_readable();
}

Result<ForwardAdmission::Ticket> Forwards::admit_mapping(Forward& forward, Guest& guest,
                                                         const IpAddress& client) {
  const auto admit = [&] { return admission_.admit(client, forward.flows, guest, udp_.next_token()); };
  auto ticket = admit();
  if (ticket) return ticket;
  const auto has_source = [&](const ForwardedUdpFlow& flow) {
    return source_of(flow.outside.guest_side.ip) == source_of(client);
  };
  const auto is_same_forward = [&](const ForwardedUdpFlow& flow) {
    return forward.flows.contains(flow.token);
  };
  if (!udp_.close_idlest(guest, has_source) && !udp_.close_idlest(guest, is_same_forward)) return ticket;
  return admit();
}

ForwardedUdpFlow* Forwards::open_mapping(Forward& forward, const egress::DatagramIn& datagram,
                                         const SocketAddress& local, egress::DatagramSocket& port,
                                         Instant now) {
  if (!may_enter(forward, datagram.from.ip)) return nullptr;
  Guest& guest = guests_.at(forward.target->guest);
  FlowKey key = key_to(*forward.target, forward.config.guest_port);
  key.remote.port = udp_.pick_port(key);
  if (key.remote.port == 0) return refuse_limit(forward, DropReason::kFlowLimitGuest), nullptr;
  auto ticket = admit_mapping(forward, guest, datagram.from.ip);
  if (!ticket) return refuse_limit(forward, ticket.error()), nullptr;
  count_opened(forward);
  return &udp_.open(guest, key, datagram.from, local, port, *std::move(ticket), now);
}

}  // namespace wgr::slirp
