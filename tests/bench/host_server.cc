// The far end of the benchmarks, as cheap as it can be: one thread, loopback, four services.
//
//   source   TCP: sends zeros until the other side goes
//   sink     TCP: discards what comes (MSG_TRUNC: not even copied) until the end, then closes
//   reply    TCP: answers every read with 64 bytes, closes when the other side has finished
//   echo     UDP: returns what comes, in batches (UDP_GRO, UDP_SEGMENT)
//   plain    UDP: the same with single datagrams
//
// Prints "source=PORT sink=PORT reply=PORT echo=PORT plain=PORT" and serves until its standard input ends.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/endpoint.h"
#include "core/io/udp_socket.h"
#include "tests/bench/descriptors.h"

namespace wgr::bench {
namespace {

enum class Service : std::uint32_t { kSource, kSink, kReply };
constexpr std::size_t kServices = 3;
constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kReplySize = 64;
constexpr int kRoundsPerTurn = 16;  // of one connection, before the others have their turn

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

class HostServer {
 public:
  HostServer();
  void run();

 private:
  // What epoll hands back: a descriptor and what it is.
  static constexpr std::uint32_t kListener = 1u << 8;
  static constexpr std::uint32_t kEcho = 1u << 9;
  static constexpr std::uint32_t kPlain = 1u << 10;
  static constexpr std::uint32_t kInput = 1u << 11;

  void watch(int descriptor, std::uint32_t tag, std::uint32_t events);
  void listen_for(Service service);
  void accept_all(int listener, Service service);
  // False when the connection is over.
  bool serve(int descriptor, Service service);
  bool serve_source(int descriptor);
  bool serve_sink(int descriptor);
  bool serve_reply(int descriptor);
  void serve_echo(io::UdpSocket& socket);

  const int epoll_;
  io::UdpSocket echo_;
  io::UdpSocket plain_;
  DatagramBatch echo_batch_;
  std::array<std::uint16_t, kServices> ports_{};
  std::vector<std::uint8_t> zeros_ = std::vector<std::uint8_t>(kChunk);
};

HostServer::HostServer()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      echo_({IpAddress::v4(127, 0, 0, 1), 0}, /*share_port=*/false),
      plain_({IpAddress::v4(127, 0, 0, 1), 0}, /*share_port=*/false) {
  if (epoll_ < 0) fail("epoll_create1");
  for (Service service : {Service::kSource, Service::kSink, Service::kReply}) listen_for(service);
  plain_.disable_offloads();
  watch(echo_.descriptor(), kEcho, EPOLLIN);
  watch(plain_.descriptor(), kPlain, EPOLLIN);
  watch(STDIN_FILENO, kInput, EPOLLIN);
  std::printf("source=%u sink=%u reply=%u echo=%u plain=%u\n", ports_[0], ports_[1], ports_[2],
              echo_.local_address().port, plain_.local_address().port);
  std::fflush(stdout);
}

void HostServer::watch(int descriptor, std::uint32_t tag, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{tag} << 32 | static_cast<std::uint32_t>(descriptor);
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
}

void HostServer::listen_for(Service service) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof name;
  if (bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&name), &length) != 0) {
    fail("listen");
  }
  ports_[static_cast<std::size_t>(service)] = ntohs(name.sin_port);
  watch(listener, kListener | static_cast<std::uint32_t>(service), EPOLLIN);
}

void HostServer::run() {
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const std::uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
      const auto descriptor = static_cast<int>(data & 0xffffffff);
      const auto tag = static_cast<std::uint32_t>(data >> 32);
      if (tag == kInput) {
        std::uint8_t discarded[64];
        if (read(descriptor, discarded, sizeof discarded) <= 0) return;
      } else if (tag == kEcho) {
        serve_echo(echo_);
      } else if (tag == kPlain) {
        serve_echo(plain_);
      } else if ((tag & kListener) != 0) {
        accept_all(descriptor, static_cast<Service>(tag & 0xff));
      } else if (!serve(descriptor, static_cast<Service>(tag))) {
        close(descriptor);
      }
    }
  }
}

void HostServer::accept_all(int listener, Service service) {
  for (;;) {
    const int descriptor = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(descriptor, static_cast<std::uint32_t>(service),
          service == Service::kSource ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
}

bool HostServer::serve(int descriptor, Service service) {
  switch (service) {
    case Service::kSource:
      return serve_source(descriptor);
    case Service::kSink:
      return serve_sink(descriptor);
    case Service::kReply:
      return serve_reply(descriptor);
  }
  return false;
}

bool HostServer::serve_source(int descriptor) {
  std::uint8_t discarded[64];
  const ssize_t ended = recv(descriptor, discarded, sizeof discarded, MSG_DONTWAIT);
  if (ended == 0 || (ended < 0 && errno != EAGAIN)) return false;
  for (int round = 0; round < kRoundsPerTurn; ++round) {
    const ssize_t sent = send(descriptor, zeros_.data(), zeros_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
  }
  return true;
}

bool HostServer::serve_sink(int descriptor) {
  for (int round = 0; round < kRoundsPerTurn; ++round) {
    const ssize_t received = recv(descriptor, nullptr, 4 * kChunk, MSG_TRUNC);
    if (received == 0) return false;
    if (received < 0) return errno == EAGAIN;
  }
  return true;
}

bool HostServer::serve_reply(int descriptor) {
  std::uint8_t request[4096];
  const ssize_t received = recv(descriptor, request, sizeof request, 0);
  if (received == 0) return false;
  if (received < 0) return errno == EAGAIN;
  return send(descriptor, zeros_.data(), kReplySize, MSG_NOSIGNAL) == static_cast<ssize_t>(kReplySize);
}

void HostServer::serve_echo(io::UdpSocket& socket) {
  for (const io::UdpSocket::Received& received : socket.receive()) {
    for (std::size_t begin = 0; begin < received.bytes.size(); begin += received.segment_size) {
      const std::size_t size = std::min(received.segment_size, received.bytes.size() - begin);
      std::memcpy(echo_batch_.append(received.from, size).data(), received.bytes.data() + begin, size);
    }
  }
  socket.send(echo_batch_.runs(), Clock::now());
  echo_batch_.clear();
}

}  // namespace
}  // namespace wgr::bench

int main() {
  wgr::bench::allow_descriptors();
  wgr::bench::HostServer server;
  server.run();
}
