// The sockets of the host: the real egress::Sockets. One per worker, on the worker's io_context.
//
// No socket here has a coroutine, a timer or a queue: a call is a system call, and news of all of them
// come through one Watcher to one handler.
//
// A reserve of descriptors stays free for what keeps the router itself alive: when fewer than
// kReservedDescriptors are left of RLIMIT_NOFILE, opening fails with EMFILE. The kernel hands out the
// lowest free number, so the number of a new descriptor tells how many are in use.
//
// Thread: confined to its worker. Lives longer than its sockets.
#pragma once

#include <cstdint>
#include <optional>

#include "boost/asio/io_context.hpp"

#include "core/egress/host_counters.h"
#include "core/egress/host_datagram.h"
#include "core/egress/sockets.h"
#include "core/egress/watcher.h"
#include "core/io/descriptor.h"

namespace wgr::egress {

class HostSockets final : public Sockets {
 public:
  static constexpr int kReservedDescriptors = 64;

  // What every UDP socket asks the kernel to hold for it, each way; the kernel cuts it to its own limit.
  static constexpr int kUdpBuffer = 1024 * 1024;

  static constexpr int kBacklog = 512;  // clients that wait to be accepted, per port

  // The handler runs on the io_context's thread, never from inside a call to a socket.
  HostSockets(boost::asio::io_context& context, ReadyHandler handler);
  // With another limit of descriptors than the process has.
  HostSockets(boost::asio::io_context& context, ReadyHandler handler, int descriptor_limit);

  Opened<StreamSocket> connect(const SocketAddress& remote, SocketToken token,
                               const StreamOptions& options) override;
  Opened<DatagramSocket> open_udp(Family family, SocketToken token, std::uint16_t preferred_port) override;
  Opened<PingSocket> open_ping(Family family, SocketToken token) override;
  Opened<ListenSocket> listen_tcp(const SocketAddress& local, SocketToken token) override;
  Opened<DatagramSocket> open_udp_at(const SocketAddress& local, SocketToken token) override;

  const HostSocketCounters& counters() const noexcept { return counters_; }

 private:
  struct Descriptor {
    io::Descriptor descriptor;
    int error = 0;
  };
  struct Ping {
    Descriptor opened;
    std::optional<std::uint16_t> raw_identifier;
  };

  Descriptor open(Family family, int type, int protocol);
  Ping open_any_ping(Family family);
  Opened<DatagramSocket> watched(io::Descriptor descriptor, Family family, SocketToken token);
  // Counts the failure and wraps its errno.
  template <typename Socket>
  Opened<Socket> failed(int error);

  HostSocketCounters counters_;
  DatagramScratch scratch_;
  Watcher watcher_;
  const int descriptor_limit_;
  std::uint16_t next_raw_identifier_;
};

}  // namespace wgr::egress
