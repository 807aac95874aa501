// Guests and hosts of either family, and the ICMP codes of each, for tests of UDP through the stack.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/stack_world.h"

namespace wgr::slirp {

class StackUdpTest : public testing::TestWithParam<Family> {
 protected:
  bool is_v4() const { return GetParam() == Family::kV4; }
  SocketAddress guest(std::uint16_t port = 5000) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"), port};
  }
  // Host number `n` of the internet.
  SocketAddress remote(std::uint8_t n = 1, std::uint16_t port = 9000) const {
    return {
        is_v4() ? IpAddress::v4(93, 184, 216, n) : *IpAddress::parse("2606:2800:220:1::" + std::to_string(n)),
        port};
  }
  IpAddress router(std::uint8_t n) const {
    return is_v4() ? IpAddress::v4(4, 4, 4, n) : *IpAddress::parse("2600::" + std::to_string(n));
  }
  IpAddress own() const { return is_v4() ? IpAddress::v4(10, 0, 0, 1) : *IpAddress::parse("fd00::1"); }
  std::uint8_t unreachable() const { return is_v4() ? 3 : 1; }
  std::uint8_t port_unreachable() const { return is_v4() ? 3 : 4; }
  std::uint8_t prohibited() const { return is_v4() ? 13 : 1; }
};

}  // namespace wgr::slirp
