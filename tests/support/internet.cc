#include "tests/support/internet.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/wire/icmp.h"
#include "tests/support/sim_datagram_socket.h"
#include "tests/support/sim_listen_socket.h"

namespace wgr::sim {

TcpServer& Internet::listen(const SocketAddress& address) {
  TcpServer& server = servers_[address];
  server.address = address;
  server.is_listening = true;
  return server;
}

UdpRemote& Internet::bind_udp(const SocketAddress& address) {
  auto& remote = udp_remotes_[address];
  if (!remote) remote.reset(new UdpRemote(*this, address));
  return *remote;
}

void Internet::run_until(Instant now) {
  while (!events_.empty() && events_.begin()->first.first <= now) {
    now_ = std::max(now_, events_.begin()->first.first);
    auto action = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    action();
  }
  now_ = std::max(now_, now);
}

Instant Internet::next_event() const { return events_.empty() ? kNever : events_.begin()->first.first; }

void Internet::after(Duration delay, std::function<void()> action) {
  events_.emplace(std::pair{now_ + delay, order_++}, std::move(action));
}

const Host& Internet::host_or_default(const IpAddress& ip) const {
  static const Host kDefault;
  const auto found = hosts_.find(ip);
  return found == hosts_.end() ? kDefault : found->second;
}

void Internet::deliver(ReceivedDatagram datagram, Duration delay) {
  after(delay, [this, datagram = std::move(datagram)]() mutable { arrive(std::move(datagram)); });
}

template <typename Socket>
Socket* Internet::bound_to(const std::map<SocketAddress, Socket*>& sockets, const SocketAddress& address) {
  static const IpAddress kAnyV6 = *IpAddress::parse("::");
  auto found = sockets.find(address);
  if (found == sockets.end()) found = sockets.find({address.ip.is_v4() ? IpAddress{} : kAnyV6, address.port});
  return found == sockets.end() ? nullptr : found->second;
}

std::shared_ptr<RemoteStream> Internet::dial(const SocketAddress& from, const SocketAddress& to) {
  std::shared_ptr<RemoteStream> stream(new RemoteStream(*this, from, host_or_default(from.ip).latency));
  stream->send_buffer_ = TcpServer{}.send_buffer;
  stream->is_in_backlog_ = true;
  after(stream->latency_, [this, stream, to] {
    if (SimListenSocket* listener = bound_to(listeners_, to)) return listener->arrived(stream, to);
    stream->is_in_backlog_ = false;
    stream->peer_reset_ = stream->peer_closed_ = true;
  });
  return stream;
}

void UdpRemote::send(const SocketAddress& to, Bytes payload, std::uint8_t tos) {
  internet_.deliver({address_, to, {payload.begin(), payload.end()}, 64, tos, false},
                    internet_.host_or_default(address_.ip).latency);
}

void Internet::arrive(ReceivedDatagram datagram) {
  if (SimDatagramSocket* socket = bound_to(host_sockets_, datagram.to)) {
    socket->arrived(std::move(datagram));
    return;
  }
  if (const auto found = udp_remotes_.find(datagram.to); found != udp_remotes_.end()) {
    UdpRemote& remote = *found->second;
    remote.received_.push_back(datagram);
    if (remote.on_datagram) remote.on_datagram(remote, datagram);
    return;
  }
  // Port unreachable.
  after(host_or_default(datagram.to.ip).latency, [this, datagram = std::move(datagram)]() mutable {
    SimDatagramSocket* const sender = bound_to(host_sockets_, datagram.from);
    if (sender == nullptr) return;
    egress::SocketError error;
    error.destination = datagram.to;
    error.offender = {datagram.to.ip, 0};
    error.error = ECONNREFUSED;
    const bool is_v4 = datagram.to.ip.is_v4();
    error.icmp_type = is_v4 ? wire::icmpv4::kDestinationUnreachable : wire::icmpv6::kDestinationUnreachable;
    error.icmp_code = is_v4 ? wire::icmpv4::kPortUnreachable : wire::icmpv6::kPortUnreachable;
    sender->failed(error, std::move(datagram.payload));
  });
}

}  // namespace wgr::sim
