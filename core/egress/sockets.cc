#include "core/egress/sockets.h"

#include <cerrno>

namespace wgr::egress {

bool IoResult::would_block() const noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

Opened<ListenSocket> Sockets::listen_tcp(const SocketAddress& /*local*/, SocketToken /*token*/) {
  return {.socket = nullptr, .error = EOPNOTSUPP};
}

Opened<DatagramSocket> Sockets::open_udp_at(const SocketAddress& /*local*/, SocketToken /*token*/) {
  return {.socket = nullptr, .error = EOPNOTSUPP};
}

}  // namespace wgr::egress
