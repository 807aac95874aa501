#include "tests/bench/limit_parts.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace wgr::bench {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

SocketAddress loopback(std::uint16_t port) { return {IpAddress::v4(127, 0, 0, 1), port}; }

int connect_tcp(std::uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (descriptor < 0 || connect(descriptor, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
    fail("connect");
  return descriptor;
}

void announce(std::uint16_t port) {
  std::printf("port=%u\n", port);
  std::fflush(stdout);
}

bool wait_readable(int first, int second) {
  pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {first, POLLIN, 0}, {second, POLLIN, 0}};
  if (poll(watched, 3, -1) < 0 && errno != EINTR) fail("poll");
  return watched[0].revents == 0;
}

bool has_input_ended() {
  pollfd watched{STDIN_FILENO, POLLIN, 0};
  return poll(&watched, 1, 0) > 0;
}

std::size_t write_all(int host, std::span<iovec> pieces) {
  constexpr std::size_t kMostPieces = 1024;  // of one writev
  std::size_t sum = 0;
  while (!pieces.empty()) {
    const std::size_t count = std::min(pieces.size(), kMostPieces);
    const ssize_t written = writev(host, pieces.data(), static_cast<int>(count));  // blocking: takes all
    if (written < 0) fail("writev");
    sum += static_cast<std::size_t>(written);
    pieces = pieces.subspan(count);
  }
  return sum;
}

void Account::mark() {
  ended_ = Clock::now();
  if (began_ == kNever) began_ = ended_;
}

void Account::report() const {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  const double wall =
      began_ == kNever ? 1 : std::max(std::chrono::duration<double>(ended_ - began_).count(), 1e-3);
  const auto payload = static_cast<double>(payload_bytes);
  const auto each = static_cast<double>(completed);
  std::printf(
      "cpu_seconds=%.4f user_seconds=%.4f payload_bytes=%.0f packets=%llu cpu_seconds_per_gb=%.4f "
      "gbit_per_second=%.3f rate=%.1f us_each=%.3f\n",
      cpu, seconds(usage.ru_utime), payload, static_cast<unsigned long long>(packets),
      cpu * 1e9 / std::max(payload, 1.0), payload * 8e-9 / wall, each / wall,
      cpu * 1e6 / std::max(each, 1.0));
}

}  // namespace wgr::bench
