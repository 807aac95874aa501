// Host sockets on a small internet in memory: what egress::Sockets is in a test.
//
//   stack / shard --> SimSockets (one per worker) --> Internet <-- TcpServer, UdpRemote, hosts with faults
//
// Time is whatever the test says: Internet::run_until(now) delivers what is due, next_event() tells when more
// is. Readiness is gathered in SimSockets and taken by the test:
//
//   internet.run_until(now);
//   for (const auto& [token, ready] : sockets.take_ready()) stack.socket_ready(token, ready, now, out);
//
// Faults: hosts that are silent, unreachable, slow, behind a small MTU or many hops; servers that do not
// read; short reads and writes; EMFILE, EAGAIN, forbidden ping. Nothing here is random.
//
// Thread: one thread. Lifetimes: SimSockets and the sockets it makes are gone before the Internet.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/egress/sockets.h"
#include "tests/support/internet.h"

namespace wgr::sim {

// Host sockets of one worker.
class SimSockets : public egress::Sockets {
 public:
  explicit SimSockets(Internet& internet) : internet_(internet) {}
  ~SimSockets() override;

  egress::Opened<egress::StreamSocket> connect(const SocketAddress& remote, egress::SocketToken token,
                                               const egress::StreamOptions& options) override;
  egress::Opened<egress::DatagramSocket> open_udp(Family family, egress::SocketToken token,
                                                  std::uint16_t preferred_port) override;
  egress::Opened<egress::PingSocket> open_ping(Family family, egress::SocketToken token) override;
  egress::Opened<egress::ListenSocket> listen_tcp(const SocketAddress& local,
                                                  egress::SocketToken token) override;
  egress::Opened<egress::DatagramSocket> open_udp_at(const SocketAddress& local,
                                                     egress::SocketToken token) override;

  using News = std::pair<egress::SocketToken, egress::Ready>;
  std::vector<News> take_ready() { return std::exchange(ready_, {}); }
  bool has_ready() const { return !ready_.empty(); }

  // How the internet sees this router.
  IpAddress external_v4 = IpAddress::v4(203, 0, 113, 1);
  IpAddress external_v6 = *IpAddress::parse("2001:db8:ffff::1");
  // Faults.
  std::size_t descriptor_limit = SIZE_MAX;    // EMFILE beyond
  std::size_t max_bytes_per_call = SIZE_MAX;  // short reads and writes
  int ping_error = 0;                         // what open_ping() says
  int bind_error = 0;                         // what listen_tcp() and open_udp_at() say
  int accept_error = 0;                       // what accept() says
  std::size_t refuse_datagrams = 0;           // so many sends say EAGAIN

  // Counts for assertions about system calls.
  std::size_t open_sockets = 0;
  std::size_t connects = 0;
  std::size_t reads = 0;
  std::size_t writes = 0;
  std::size_t datagram_sends = 0;  // calls, not datagrams
  std::size_t udp_opened = 0;
  std::size_t pings_opened = 0;

 private:
  friend class RemoteStream;
  friend class Internet;
  friend class SimStreamSocket;
  friend class SimDatagramSocket;
  friend class SimPingSocket;
  friend class SimListenSocket;

  IpAddress external(Family family) const { return family == Family::kV4 ? external_v4 : external_v6; }
  bool may_open() { return open_sockets < descriptor_limit; }
  void tell(egress::SocketToken token, egress::Ready ready);
  // Payloads and errors handed out live here until the next receive.
  std::vector<std::vector<std::uint8_t>>& scratch() { return scratch_; }

  Internet& internet_;
  std::vector<News> ready_;
  std::vector<std::vector<std::uint8_t>> scratch_;
};

}  // namespace wgr::sim
