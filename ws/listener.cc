#include "ws/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "core/io/sockaddr.h"

namespace wgr::ws {
namespace {

constexpr int kBacklog = 1024;
// Of bytes the network has not taken yet: the rest waits in our queue, where the oldest gives way.
constexpr int kUnsentBytes = 128 * 1024;

[[noreturn]] void fail(const char* what, const SocketAddress& address) {
  throw std::system_error(errno, std::generic_category(), std::string{what} + " " + address.to_string());
}

bool set_option(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

io::Descriptor open_socket(const SocketAddress& address) {
  const bool is_v6 = address.ip.is_v6();
  io::Descriptor descriptor{
      socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!descriptor) fail("cannot open a TCP socket for", address);
  if (is_v6) set_option(descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  set_option(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  return descriptor;
}

void bind_to(const io::Descriptor& descriptor, const SocketAddress& address) {
  sockaddr_storage name{};
  const socklen_t length = io::to_sockaddr(address, name);
  if (bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&name), length) != 0) {
    fail("cannot listen on TCP", address);
  }
}

SocketAddress local_address(int descriptor) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &length) != 0) return {};
  return io::from_sockaddr(name, length).value_or(SocketAddress{});
}

}  // namespace

ListeningSocket::ListeningSocket(const SocketAddress& address, bool is_first) {
  // A shared port would be shared with another process of the same user too, silently.
  if (is_first && address.port != 0) bind_to(open_socket(address), address);
  descriptor_ = open_socket(address);
  if (!set_option(descriptor_.get(), SOL_SOCKET, SO_REUSEPORT, 1)) fail("cannot share the TCP port", address);
  bind_to(descriptor_, address);
  if (listen(descriptor_.get(), kBacklog) != 0) fail("cannot listen on TCP", address);
  address_ = local_address(descriptor_.get());
}

bool ListeningSocket::is_listening() const {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(descriptor_.get(), SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0;
}

std::optional<Accepted> ListeningSocket::accept(int descriptor_limit) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  io::Descriptor socket{
      accept4(descriptor_.get(), reinterpret_cast<sockaddr*>(&name), &length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!socket) return std::nullopt;
  if (socket.get() >= descriptor_limit) {
    socket = {};
    errno = EMFILE;
    return std::nullopt;
  }
  const auto peer = io::from_sockaddr(name, length);
  if (!peer) {
    errno = ECONNABORTED;
    return std::nullopt;
  }
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytes);
  const SocketAddress local = local_address(socket.get());
  return Accepted{std::move(socket), *peer, local};
}

std::vector<ListeningSocket> open_listener(const ListenerConfig& config, WorkerIndex worker) {
  std::vector<ListeningSocket> sockets;
  const bool is_first = worker == 0;
  sockets.reserve(config.addresses.size());
  for (const IpAddress& address : config.addresses)
    sockets.emplace_back(SocketAddress{address, config.port}, is_first);
  if (!sockets.empty()) return sockets;

  sockets.emplace_back(SocketAddress{IpAddress::v4(0, 0, 0, 0), config.port}, is_first);
  const std::uint16_t port = sockets.front().address().port;
  try {
    sockets.emplace_back(SocketAddress{IpAddress::parse("::").value(), port}, is_first);
  } catch (const std::system_error& error) {
    const int code = error.code().value();
    if (code != EAFNOSUPPORT && code != EADDRNOTAVAIL) throw;
  }
  return sockets;
}

}  // namespace wgr::ws
