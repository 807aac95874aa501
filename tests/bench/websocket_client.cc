#include "tests/bench/websocket_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace wgr::bench {
namespace {

constexpr std::size_t kMaxPieces = 16;
constexpr std::size_t kQueueBytes = 64 * 1024 * 1024;
constexpr std::size_t kMaxMessage = 65553;

sockaddr_in name_of(const IpAddress& ip, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(ip.to_v4());
  return name;
}

}  // namespace

io::Descriptor connect_from(const IpAddress& source, std::uint16_t port) {
  io::Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  // The port is chosen by connect(), which knows that the other end of the pair differs.
  setsockopt(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in from = name_of(source, 0);
  const sockaddr_in to = name_of(IpAddress::v4(127, 0, 0, 1), port);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  return socket;
}

std::shared_ptr<const ws::TlsContext> client_context(Security security) {
  if (security == Security::kPlain) return nullptr;
  return ws::TlsContext::for_client(/*authorities=*/"", /*verify=*/false);
}

ClientMemory::ClientMemory() : rng(Rng::from_kernel()) {
  settings.message_bytes = kMaxMessage;
  settings.queue_bytes = kQueueBytes;
  settings.ping_interval = Duration{0};
}

WebSocketClient::WebSocketClient(const Options& options, ClientMemory& memory)
    : memory_(memory),
      socket_(connect_from(options.source, options.port)),
      stream_({.host = "localhost",
               .authority = "localhost:" + std::to_string(options.port),
               .path = options.path,
               .behind_proxy = {},
               .proxy_authorization = {}},
              options.tls, memory.settings, memory.pool, memory.rng) {
  write();
}

std::span<const ws::Message> WebSocketClient::read(Instant now) {
  memory_.messages.clear();
  const ssize_t size = recv(socket_.get(), memory_.read.data(), memory_.read.size(), MSG_DONTWAIT);
  if (size > 0) {
    ++reads_;
    stream_.receive(MutableBytes{memory_.read}.first(static_cast<std::size_t>(size)), memory_.plain, now,
                    memory_.messages);
  } else if (size == 0 || errno != EAGAIN) {
    has_ended_ = true;
    stream_.input_ended();
  }
  return memory_.messages;
}

void WebSocketClient::end_read() noexcept { stream_.end_turn(); }

void WebSocketClient::write() {
  is_blocked_ = false;
  std::array<Bytes, kMaxPieces> pieces;
  std::array<iovec, kMaxPieces> vectors;
  for (std::size_t count = stream_.pending(pieces); count > 0; count = stream_.pending(pieces)) {
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i] = {const_cast<std::uint8_t*>(pieces[i].data()), pieces[i].size()};
      total += pieces[i].size();
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    ++writes_;
    const ssize_t sent = sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) has_ended_ = true;
    stream_.consume(static_cast<std::size_t>(std::max(sent, ssize_t{0})));
    is_blocked_ = sent < static_cast<ssize_t>(total);
    if (is_blocked_) return;
  }
}

}  // namespace wgr::bench
