// Host sockets that cost nothing: a TCP remote that gives without end or takes everything at once, and a UDP
// remote that returns every datagram. What they have to tell waits in events(), as epoll would hold it.
//
// For replays and micro benchmarks: what is left to measure is the router.
#pragma once

#include <cstdint>
#include <vector>

#include "core/egress/sockets.h"

namespace wgr::bench {

struct SocketEvent {
  egress::SocketToken token = 0;
  egress::Ready ready;
};

class MemorySockets : public egress::Sockets {
 public:
  // TCP remotes at this port send without end; all others only take.
  static constexpr std::uint16_t kSourcePort = 19;
  // One read of a source gives at most this much, as a host's receive queue would hold.
  static constexpr std::size_t kReadSize = 60 * 1024;

  egress::Opened<egress::StreamSocket> connect(const SocketAddress& remote, egress::SocketToken token,
                                               const egress::StreamOptions& options) override;
  egress::Opened<egress::DatagramSocket> open_udp(Family family, egress::SocketToken token,
                                                  std::uint16_t preferred_port) override;
  egress::Opened<egress::PingSocket> open_ping(Family family, egress::SocketToken token) override;

  // Moves what has happened since the last call into `into`, which is cleared first.
  void take_events(std::vector<SocketEvent>& into);
  void post(SocketEvent event) { events_.push_back(event); }

  std::uint64_t bytes_read = 0;     // by the router from TCP remotes
  std::uint64_t bytes_written = 0;  // by the router to TCP remotes
  std::uint64_t datagrams = 0;      // sent by the router

 private:
  std::vector<SocketEvent> events_;
};

}  // namespace wgr::bench
