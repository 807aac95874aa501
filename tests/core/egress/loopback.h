// A worker's loop and its host sockets, and plain blocking sockets of the kernel on the other side.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "gtest/gtest.h"

#include "core/egress/host_sockets.h"
#include "core/io/descriptor.h"
#include "core/io/sockaddr.h"

namespace wgr::egress {

inline IpAddress loopback_of(Family family) {
  return family == Family::kV4 ? IpAddress::v4(127, 0, 0, 1) : IpAddress::parse("::1").value();
}

// Bounds every wait of a test; reached only when something is broken.
inline constexpr std::chrono::seconds kPatience{5};

// A socket of the test itself: blocking, bound to an ephemeral port of the loopback.
class TestSocket {
 public:
  TestSocket(Family family, int type)
      : descriptor_(socket(family == Family::kV4 ? AF_INET : AF_INET6, type, 0)) {
    sockaddr_storage name{};
    const socklen_t length = io::to_sockaddr({loopback_of(family), 0}, name);
    EXPECT_EQ(bind(get(), reinterpret_cast<const sockaddr*>(&name), length), 0);
    const timeval patience{kPatience.count(), 0};
    setsockopt(get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  explicit TestSocket(int descriptor) : descriptor_(descriptor) {}

  int get() const { return descriptor_.get(); }
  void close() { descriptor_ = io::Descriptor{}; }

  SocketAddress address() const {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    EXPECT_EQ(getsockname(get(), reinterpret_cast<sockaddr*>(&name), &length), 0);
    return io::from_sockaddr(name, length).value();
  }

  // Also accepts what is not there yet.
  TestSocket accept() { return TestSocket{::accept(get(), nullptr, nullptr)}; }

  std::vector<std::uint8_t> receive_datagram(SocketAddress* from = nullptr) {
    std::vector<std::uint8_t> buffer(65536);
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    const ssize_t size =
        recvfrom(get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&name), &length);
    EXPECT_GE(size, 0);
    buffer.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    if (from != nullptr) *from = io::from_sockaddr(name, length).value();
    return buffer;
  }

  void send_datagram(const SocketAddress& to, const std::vector<std::uint8_t>& payload) {
    sockaddr_storage name{};
    const socklen_t length = io::to_sockaddr(to, name);
    EXPECT_EQ(
        sendto(get(), payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&name), length),
        static_cast<ssize_t>(payload.size()));
  }

 private:
  io::Descriptor descriptor_;
};

class LoopbackTest : public testing::Test {
 protected:
  struct News {
    SocketToken token;
    Ready ready;
  };

  // Runs the loop until there is news, and takes it. A token of kNobody when there is none.
  static constexpr SocketToken kNobody = ~SocketToken{0};
  News next_news() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (news_.empty() && std::chrono::steady_clock::now() < deadline) context_.run_one_for(kPatience);
    if (news_.empty()) return {kNobody, {}};
    const News first = news_.front();
    news_.erase(news_.begin());
    return first;
  }
  // Runs what is ready now, and nothing more.
  void settle() {
    while (context_.poll() != 0) {
    }
  }

  // Outlived by nothing: declared before the sockets.
  boost::asio::io_context context_{1};
  std::vector<News> news_;
  HostSockets sockets_{context_, [this](SocketToken token, Ready ready) { news_.push_back({token, ready}); }};
};

}  // namespace wgr::egress
