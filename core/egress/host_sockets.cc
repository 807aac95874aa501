#include "core/egress/host_sockets.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <utility>

#include "core/egress/host_listen.h"
#include "core/egress/host_ping.h"
#include "core/egress/host_stream.h"
#include "core/io/sockaddr.h"
#include "core/rng.h"

namespace wgr::egress {
namespace {

int process_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return INT_MAX;
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, INT_MAX));
}

void report_errors_and_tos(const io::Descriptor& descriptor, Family family) {
  if (family == Family::kV4) {
    set_option(descriptor, IPPROTO_IP, IP_RECVERR, 1);
    set_option(descriptor, IPPROTO_IP, IP_RECVTOS, 1);
  } else {
    set_option(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1);
    set_option(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  }
}

void set_datagram_options(const io::Descriptor& descriptor, Family family) {
  report_errors_and_tos(descriptor, family);
  if (family == Family::kV6) {
    set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  } else {
    set_option(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  }
  set_option(descriptor, SOL_SOCKET, SO_RCVBUF, HostSockets::kUdpBuffer);
  set_option(descriptor, SOL_SOCKET, SO_SNDBUF, HostSockets::kUdpBuffer);
  set_option(descriptor, IPPROTO_UDP, UDP_GRO, 1);
}

// 0 or errno.
int bind_to(const io::Descriptor& descriptor, const SocketAddress& local) {
  sockaddr_storage name{};
  const socklen_t length = io::to_sockaddr(local, name);
  return bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&name), length) == 0 ? 0 : errno;
}

int bind_any(const io::Descriptor& descriptor, Family family, std::uint16_t port) {
  constexpr std::array<std::uint8_t, 16> kAny{};
  return bind_to(descriptor,
                 {IpAddress::from_bytes(Bytes{kAny}.first(family == Family::kV4 ? 4 : 16)), port});
}

// The address a datagram came to, which its answer leaves from.
void report_local_address(const io::Descriptor& descriptor, Family family) {
  if (family == Family::kV4) {
    set_option(descriptor, IPPROTO_IP, IP_PKTINFO, 1);
  } else {
    set_option(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
}

// Only echo replies reach a raw socket; errors about our requests come by the error queue.
void hear_replies_only(const io::Descriptor& descriptor, Family family) {
  if (family == Family::kV4) {
    constexpr int kIcmpFilter = 1;  // ICMP_FILTER of linux/icmp.h, which collides with netinet's
    set_option(descriptor, SOL_RAW, kIcmpFilter, static_cast<int>(~(1u << 0)));
  } else {
    icmp6_filter filter;
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    setsockopt(descriptor.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  }
}

}  // namespace

HostSockets::HostSockets(boost::asio::io_context& context, ReadyHandler handler)
    : HostSockets(context, std::move(handler), process_limit()) {}

HostSockets::HostSockets(boost::asio::io_context& context, ReadyHandler handler, int descriptor_limit)
    : watcher_(context, std::move(handler)),
      descriptor_limit_(descriptor_limit),
      // Random, so that the raw sockets of two workers hardly ever take each other's replies.
      next_raw_identifier_(static_cast<std::uint16_t>(Rng::from_kernel().next())) {}

template <typename Socket>
Opened<Socket> HostSockets::failed(int error) {
  counters_.open_errors.add();
  if (error == EMFILE || error == ENFILE) counters_.descriptors_exhausted.add();
  return {.socket = nullptr, .error = error};
}

HostSockets::Descriptor HostSockets::open(Family family, int type, int protocol) {
  const int domain = family == Family::kV4 ? AF_INET : AF_INET6;
  io::Descriptor descriptor{socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)};
  if (!descriptor) return {.descriptor = {}, .error = errno};
  if (descriptor.get() >= descriptor_limit_ - kReservedDescriptors)
    return {.descriptor = {}, .error = EMFILE};
  return {.descriptor = std::move(descriptor), .error = 0};
}

Opened<StreamSocket> HostSockets::connect(const SocketAddress& remote, SocketToken token,
                                          const StreamOptions& options) {
  Descriptor opened = open(remote.ip.family(), SOCK_STREAM, IPPROTO_TCP);
  if (opened.error != 0) return failed<StreamSocket>(opened.error);
  set_stream_options(opened.descriptor, remote.ip.family(), options);
  sockaddr_storage name{};
  const socklen_t length = io::to_sockaddr(remote, name);
  if (::connect(opened.descriptor.get(), reinterpret_cast<const sockaddr*>(&name), length) != 0 &&
      errno != EINPROGRESS) {
    return failed<StreamSocket>(errno);
  }
  // Not before connect(): an unconnected socket is hung up to epoll.
  auto watch = watcher_.add(opened.descriptor.get(), token, Watcher::Interest::kReadableAndWritable);
  if (!watch) return failed<StreamSocket>(errno);
  counters_.tcp_opened.add();
  return {.socket = std::make_unique<HostStream>(std::move(opened.descriptor), std::move(*watch), counters_),
          .error = 0};
}

Opened<DatagramSocket> HostSockets::open_udp(Family family, SocketToken token, std::uint16_t preferred_port) {
  Descriptor opened = open(family, SOCK_DGRAM, IPPROTO_UDP);
  if (opened.error != 0) return failed<DatagramSocket>(opened.error);
  set_datagram_options(opened.descriptor, family);
  int error = bind_any(opened.descriptor, family, preferred_port);
  if (error != 0 && preferred_port != 0) error = bind_any(opened.descriptor, family, 0);
  if (error != 0) return failed<DatagramSocket>(error);
  return watched(std::move(opened.descriptor), family, token);
}

Opened<DatagramSocket> HostSockets::open_udp_at(const SocketAddress& local, SocketToken token) {
  const Family family = local.ip.family();
  Descriptor opened = open(family, SOCK_DGRAM, IPPROTO_UDP);
  if (opened.error != 0) return failed<DatagramSocket>(opened.error);
  set_datagram_options(opened.descriptor, family);
  report_local_address(opened.descriptor, family);
  // No SO_REUSEADDR: for UDP it would let two sockets have one port.
  if (const int error = bind_to(opened.descriptor, local); error != 0) return failed<DatagramSocket>(error);
  return watched(std::move(opened.descriptor), family, token);
}

Opened<DatagramSocket> HostSockets::watched(io::Descriptor descriptor, Family family, SocketToken token) {
  auto watch = watcher_.add(descriptor.get(), token, Watcher::Interest::kReadable);
  if (!watch) return failed<DatagramSocket>(errno);
  counters_.udp_opened.add();
  return {.socket = std::make_unique<HostDatagram>(std::move(descriptor), std::move(*watch), family, scratch_,
                                                   counters_),
          .error = 0};
}

Opened<ListenSocket> HostSockets::listen_tcp(const SocketAddress& local, SocketToken token) {
  const Family family = local.ip.family();
  Descriptor opened = open(family, SOCK_STREAM, IPPROTO_TCP);
  if (opened.error != 0) return failed<ListenSocket>(opened.error);
  // A port whose old connections are in TIME-WAIT may be had at once.
  set_option(opened.descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (family == Family::kV6) set_option(opened.descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (const int error = bind_to(opened.descriptor, local); error != 0) return failed<ListenSocket>(error);
  if (listen(opened.descriptor.get(), kBacklog) != 0) return failed<ListenSocket>(errno);
  auto watch = watcher_.add(opened.descriptor.get(), token, Watcher::Interest::kReadable);
  if (!watch) return failed<ListenSocket>(errno);
  counters_.listen_opened.add();
  return {.socket = std::make_unique<HostListen>(std::move(opened.descriptor), std::move(*watch), watcher_,
                                                 descriptor_limit_ - kReservedDescriptors, counters_),
          .error = 0};
}

Opened<PingSocket> HostSockets::open_ping(Family family, SocketToken token) {
  Ping ping = open_any_ping(family);
  if (ping.opened.error != 0) return failed<PingSocket>(ping.opened.error);
  report_errors_and_tos(ping.opened.descriptor, family);
  auto watch = watcher_.add(ping.opened.descriptor.get(), token, Watcher::Interest::kReadable);
  if (!watch) return failed<PingSocket>(errno);
  counters_.ping_opened.add();
  return {.socket = std::make_unique<HostPing>(std::move(ping.opened.descriptor), std::move(*watch), family,
                                               ping.raw_identifier, scratch_, counters_),
          .error = 0};
}

// A ping socket where net.ipv4.ping_group_range lets us, else a raw one where a capability does. The
// error is that of the ping socket.
HostSockets::Ping HostSockets::open_any_ping(Family family) {
  const int protocol = family == Family::kV4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  Descriptor ping = open(family, SOCK_DGRAM, protocol);
  if (ping.error != EACCES && ping.error != EPERM && ping.error != EPROTONOSUPPORT) {
    return {.opened = std::move(ping), .raw_identifier = std::nullopt};
  }
  Descriptor raw = open(family, SOCK_RAW, protocol);
  if (raw.error != 0) return {.opened = std::move(ping), .raw_identifier = std::nullopt};
  hear_replies_only(raw.descriptor, family);
  return {.opened = std::move(raw), .raw_identifier = next_raw_identifier_++};
}

}  // namespace wgr::egress
