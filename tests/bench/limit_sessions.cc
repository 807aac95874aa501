#include "tests/bench/limit_sessions.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ws/handshake.h"

namespace wgr::bench {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::string_view kKeyHeader = "Sec-WebSocket-Key: ";
constexpr std::size_t kKeySize = 24;
constexpr std::array<std::uint8_t, 4> kClose = {0x88, 2, 1000 >> 8, 1000 & 0xff};

class Sessions {
 public:
  Sessions(const LimitTlsContext* tls, Account& account)
      : context_(tls), account_(account), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  void run(int listener) {
    watch(listener);
    watch(STDIN_FILENO);
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < count; ++i) {
        const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
        if (descriptor == STDIN_FILENO) return;
        descriptor == listener ? accept_all(listener) : read(descriptor);
      }
    }
  }

 private:
  struct Session {
    std::unique_ptr<LimitTls> tls;
    bool is_upgraded = false;
  };

  void watch(int descriptor) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
  }
  void accept_all(int listener) {
    for (int accepted = 0;; watch(accepted)) {
      accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted < 0) return;
      const int on = 1;
      setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      sessions_[accepted].tls = context_ != nullptr ? std::make_unique<LimitTls>(*context_) : nullptr;
    }
  }
  void read(int descriptor) {
    Session& session = sessions_[descriptor];
    const ssize_t received = recv(descriptor, read_.data(), read_.size(), 0);
    if (received <= 0) {
      if (session.is_upgraded) ++account_.completed;
      account_.mark();
      sessions_.erase(descriptor);
      close(descriptor);
      return;
    }
    Bytes bytes = Bytes{read_}.first(static_cast<std::size_t>(received));
    if (session.tls != nullptr) bytes = Bytes{plain_}.first(session.tls->receive(bytes, plain_));
    if (!bytes.empty() && session.is_upgraded) {
      write(descriptor, session, kClose);
    } else if (!bytes.empty()) {
      upgrade(descriptor, session, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    } else if (session.tls != nullptr) {
      write(descriptor, session, {});
    }
  }
  void upgrade(int descriptor, Session& session, std::string_view request) {
    const std::size_t at = request.find(kKeyHeader);
    if (at == request.npos) fail("request");
    const std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        ws::accept_key(request.substr(at + kKeyHeader.size(), kKeySize)) + "\r\n\r\n";
    write(descriptor, session, bytes_of(answer));
    session.is_upgraded = true;
  }
  // What TLS owes goes first; behind a Close frame there is nothing more.
  void write(int descriptor, Session& session, Bytes bytes) const {
    const bool is_last = bytes.data() == kClose.data();
    if (session.tls != nullptr) {
      session.tls->send(bytes);
      if (is_last) session.tls->close();
      bytes = session.tls->sealed();
    }
    if (!bytes.empty()) send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (session.tls != nullptr) session.tls->clear();
    if (is_last) shutdown(descriptor, SHUT_WR);
  }

  const LimitTlsContext* const context_;
  Account& account_;
  const int epoll_;
  std::unordered_map<int, Session> sessions_;
  std::vector<std::uint8_t> read_ = std::vector<std::uint8_t>(kReadBytes);
  std::vector<std::uint8_t> plain_ = std::vector<std::uint8_t>(2 * kReadBytes);
};

}  // namespace

int listen_on_loopback() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof name;
  if (bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&name), &length) != 0) {
    fail("listen");
  }
  announce(ntohs(name.sin_port));
  return listener;
}

void serve_sessions(int listener, const LimitTlsContext* tls, Account& account) {
  Sessions(tls, account).run(listener);
}

}  // namespace wgr::bench
