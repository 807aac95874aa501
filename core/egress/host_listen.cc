#include "core/egress/host_listen.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "core/egress/host_stream.h"
#include "core/io/sockaddr.h"

namespace wgr::egress {
namespace {

// Clients that gave up before their turn, passed over in one call.
constexpr int kMaxAborted = 16;

// What accept(2) tells of the connection it would have returned, not of the listening socket.
bool is_about_one_client(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPERM:  // a firewall's word
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

SocketAddress address_of(int descriptor) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &length) != 0) return {};
  return io::from_sockaddr(name, length).value_or(SocketAddress{});
}

}  // namespace

Accepted HostListen::accept(SocketToken token, const StreamOptions& options) {
  for (int aborted = 0; aborted < kMaxAborted; ++aborted) {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    io::Descriptor client{accept4(descriptor_.get(), reinterpret_cast<sockaddr*>(&name), &length,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (client) {
      const auto address = io::from_sockaddr(name, length);
      if (address) return take(std::move(client), *address, token, options);
      counters_.accept_errors.add();
      continue;
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      watch_.found_no_more_to_read();
      return {.socket = nullptr, .client = {}, .local = {}, .error = EAGAIN};
    }
    counters_.accept_errors.add();
    if (!is_about_one_client(error)) return failed(error);
  }
  return {.socket = nullptr, .client = {}, .local = {}, .error = EAGAIN};
}

Accepted HostListen::take(io::Descriptor descriptor, const SocketAddress& client, SocketToken token,
                          const StreamOptions& options) {
  if (descriptor.get() >= descriptor_limit_) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    counters_.accept_errors.add();
    return failed(EMFILE);
  }
  set_stream_options(descriptor, client.ip.family(), options);
  const SocketAddress local = address_of(descriptor.get());
  auto watch = watcher_.add(descriptor.get(), token, Watcher::Interest::kReadableAndWritable);
  if (!watch) return failed(errno);
  counters_.tcp_accepted.add();
  return {.socket = std::make_unique<HostStream>(std::move(descriptor), std::move(*watch), counters_),
          .client = client,
          .local = local,
          .error = 0};
}

Accepted HostListen::failed(int error) {
  if (error == EMFILE || error == ENFILE) counters_.descriptors_exhausted.add();
  return {.socket = nullptr, .client = {}, .local = {}, .error = error};
}

SocketAddress HostListen::local_address() const { return address_of(descriptor_.get()); }

}  // namespace wgr::egress
