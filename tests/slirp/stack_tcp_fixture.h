// A guest, a server and a host that is not there, of either family, for tests of TCP through the stack.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/stack_world.h"

namespace wgr::slirp {

// Every behaviour holds for both families.
class StackTcpTest : public testing::TestWithParam<Family> {
 protected:
  bool is_v4() const { return GetParam() == Family::kV4; }
  SocketAddress guest(std::uint16_t port = 40000) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"), port};
  }
  SocketAddress server(std::uint16_t port = 80) const {
    return {is_v4() ? IpAddress::v4(93, 184, 216, 34) : *IpAddress::parse("2606:2800:220:1::1"), port};
  }
  SocketAddress dead_host(std::uint16_t port = 80) const {
    return {is_v4() ? IpAddress::v4(93, 184, 216, 99) : *IpAddress::parse("2606:2800:220:1::99"), port};
  }
  wire::TcpHeader syn(std::uint32_t sequence = 1000) const {
    wire::TcpHeader header;
    header.sequence = sequence;
    header.flags = wire::kTcpSyn;
    header.window = 65535;
    return header;
  }
};

}  // namespace wgr::slirp
