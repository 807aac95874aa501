#include "tests/support/sim_sockets.h"

#include <cassert>
#include <cerrno>
#include <memory>
#include <utility>

#include "tests/support/sim_datagram_socket.h"
#include "tests/support/sim_listen_socket.h"
#include "tests/support/sim_ping_socket.h"
#include "tests/support/sim_stream_socket.h"

namespace wgr::sim {

SimSockets::~SimSockets() { assert(open_sockets == 0); }

egress::Opened<egress::StreamSocket> SimSockets::connect(const SocketAddress& remote,
                                                         egress::SocketToken token,
                                                         const egress::StreamOptions& options) {
  ++connects;
  if (!may_open()) return {nullptr, EMFILE};
  const Host& host = internet_.host_or_default(remote.ip);
  if (host.connect_fails_at_once != 0) return {nullptr, host.connect_fails_at_once};
  if (host.is_silent) return {std::make_unique<SimStreamSocket>(*this, token, nullptr), 0};
  const auto found = internet_.servers_.find(remote);
  if (host.connect_error != 0 || found == internet_.servers_.end() || !found->second.is_listening) {
    auto socket = std::make_unique<SimStreamSocket>(*this, token, nullptr);
    const int error = host.connect_error != 0 ? host.connect_error : ECONNREFUSED;
    internet_.after(2 * host.latency, [alive = socket->is_alive(), raw = socket.get(), error] {
      if (*alive) raw->connected(error);
    });
    return {std::move(socket), 0};
  }
  std::shared_ptr<RemoteStream> stream(new RemoteStream(internet_, remote, host.latency));
  stream->options_ = options;
  stream->send_buffer_ = found->second.send_buffer;
  auto socket = std::make_unique<SimStreamSocket>(*this, token, stream);
  internet_.after(host.latency, [this, stream, remote] {
    TcpServer& server = internet_.servers_.at(remote);
    server.streams.push_back(stream);
    if (server.on_accept) server.on_accept(*stream);
  });
  internet_.after(2 * host.latency, [alive = socket->is_alive(), raw = socket.get()] {
    if (*alive) raw->connected(0);
  });
  return {std::move(socket), 0};
}

egress::Opened<egress::DatagramSocket> SimSockets::open_udp(Family family, egress::SocketToken token,
                                                            std::uint16_t preferred_port) {
  if (!may_open()) return {nullptr, EMFILE};
  ++udp_opened;
  SocketAddress local{family == Family::kV4 ? external_v4 : external_v6, preferred_port};
  while (local.port == 0 || internet_.host_sockets_.contains(local)) {
    local.port = internet_.next_port_++;
    if (internet_.next_port_ == 0) internet_.next_port_ = 32768;
  }
  return {std::make_unique<SimDatagramSocket>(*this, token, local), 0};
}

egress::Opened<egress::PingSocket> SimSockets::open_ping(Family family, egress::SocketToken token) {
  if (ping_error != 0) return {nullptr, ping_error};
  if (!may_open()) return {nullptr, EMFILE};
  ++pings_opened;
  return {std::make_unique<SimPingSocket>(*this, token, family, internet_.next_ping_id_++), 0};
}

egress::Opened<egress::ListenSocket> SimSockets::listen_tcp(const SocketAddress& local,
                                                            egress::SocketToken token) {
  if (!may_open()) return {nullptr, EMFILE};
  if (bind_error != 0) return {nullptr, bind_error};
  if (internet_.listeners_.contains(local)) return {nullptr, EADDRINUSE};
  return {std::make_unique<SimListenSocket>(*this, token, local), 0};
}

egress::Opened<egress::DatagramSocket> SimSockets::open_udp_at(const SocketAddress& local,
                                                               egress::SocketToken token) {
  if (!may_open()) return {nullptr, EMFILE};
  if (bind_error != 0) return {nullptr, bind_error};
  if (internet_.host_sockets_.contains(local)) return {nullptr, EADDRINUSE};
  return {std::make_unique<SimDatagramSocket>(*this, token, local), 0};
}

void SimSockets::tell(egress::SocketToken token, egress::Ready ready) { ready_.emplace_back(token, ready); }

}  // namespace wgr::sim
