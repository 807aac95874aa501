// A guest, a server with bytes to check, a dead host and a UDP peer, for the faults of wgslirp.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/stack_world.h"

namespace wgr::slirp {

class WgslirpRegressionTest : public testing::Test {
 protected:
  static inline const IpAddress kGuestIp = IpAddress::v4(10, 0, 0, 2);
  static inline const SocketAddress kServer{IpAddress::v4(93, 184, 216, 34), 80};
  static inline const SocketAddress kDead{IpAddress::v4(93, 184, 216, 99), 80};
  static inline const SocketAddress kUdpPeer{IpAddress::v4(93, 184, 216, 35), 9000};

  static SocketAddress guest(std::uint16_t port = 40000) { return {kGuestIp, port}; }
  static wire::TcpHeader header(wire::TcpFlags flags, std::uint32_t sequence = 1000,
                                std::uint32_t acknowledgement = 0) {
    wire::TcpHeader result;
    result.sequence = sequence;
    result.acknowledgement = acknowledgement;
    result.flags = flags;
    result.window = 65535;
    return result;
  }
  static std::uint8_t byte_at(std::uint64_t offset) {
    return static_cast<std::uint8_t>(offset * 31 + (offset >> 13));
  }
  static void fill(std::uint64_t offset, MutableBytes into) {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = byte_at(offset + i);
  }

  // Compares a stream with fill() as it comes.
  struct Checker {
    std::uint64_t offset = 0;
    bool is_right = true;
    void operator()(Bytes bytes) {
      for (std::uint8_t byte : bytes) is_right &= byte == byte_at(offset++);
    }
  };

  // A download of `size` bytes; what the guest thinks of it.
  struct Download {
    Checker checker;
    bool is_complete = false;
  };
  Download download(sim::StackWorld& world, std::uint64_t size, Duration limit) {
    auto& server = world.internet.listen(kServer);
    server.on_accept = [size](sim::RemoteStream& stream) {
      stream.send_generated(size, fill);
      stream.finish();
    };
    Download result;
    sim::GuestTcp client{world, guest(), kServer};
    client.keep_received = false;
    client.on_data = [&](Bytes bytes) { result.checker(bytes); };
    client.connect();
    result.is_complete = world.advance_until([&] { return client.peer_finished(); }, limit);
    return result;
  }
};

}  // namespace wgr::slirp
