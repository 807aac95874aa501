// A small internet in memory: its servers, UDP programs and hosts with faults.
//
// Time is whatever the test says: run_until(now) delivers what is due, next_event() tells when more is.
// Nothing here is random. Host sockets on it are SimSockets.
//
// Thread: one thread. Lifetimes: everything on it is gone before the Internet.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/time.h"
#include "tests/support/remote_stream.h"

namespace wgr::sim {

class SimDatagramSocket;
class SimListenSocket;

struct TcpServer {
  SocketAddress address;
  bool is_listening = true;
  std::size_t send_buffer = 256 * 1024;  // bytes a host socket takes before write() says EAGAIN
  std::function<void(RemoteStream&)> on_accept;
  std::vector<std::shared_ptr<RemoteStream>> streams;  // in the order of connecting

  RemoteStream& last() { return *streams.back(); }
};

struct ReceivedDatagram {
  SocketAddress from;  // as the internet sees the sender
  SocketAddress to;
  std::vector<std::uint8_t> payload;
  std::uint8_t ttl = 0;  // on arrival
  std::uint8_t tos = 0;
  bool dont_fragment = false;

  std::string text() const { return {payload.begin(), payload.end()}; }
};

// A UDP program somewhere: keeps what arrives, and may answer.
class UdpRemote {
 public:
  const SocketAddress& address() const { return address_; }
  const std::vector<ReceivedDatagram>& received() const { return received_; }
  void send(const SocketAddress& to, Bytes payload, std::uint8_t tos = 0);
  void send(const SocketAddress& to, std::string_view text) { send(to, bytes_of(text)); }

  std::function<void(UdpRemote&, const ReceivedDatagram&)> on_datagram;

 private:
  friend class Internet;
  UdpRemote(Internet& internet, const SocketAddress& address) : internet_(internet), address_(address) {}

  Internet& internet_;
  SocketAddress address_;
  std::vector<ReceivedDatagram> received_;
};

// A machine, or a silence where one is expected. Addresses that nobody configured are up: they refuse TCP,
// answer UDP with port unreachable, and do not answer ping.
struct Host {
  Duration latency{0};            // one way
  bool is_silent = false;         // nothing comes back, ever
  int connect_error = 0;          // what connect_result() says after a round trip
  int connect_fails_at_once = 0;  // what Sockets::connect() says
  int send_fails_at_once = 0;     // what every send to it says: the host has no route
  int datagram_error = 0;         // with icmp_type and icmp_code: the error its datagrams and pings raise
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  bool answers_ping = false;
  std::uint32_t path_mtu = 65535;  // smaller than a DF packet: frag needed from the last router
  std::vector<IpAddress> routers;  // on the way; a TTL that ends there is told
};

class Internet {
 public:
  Internet() = default;
  Internet(const Internet&) = delete;
  Internet& operator=(const Internet&) = delete;

  TcpServer& listen(const SocketAddress& address);
  // New connections are refused; streams go on.
  void stop_listening(const SocketAddress& address) { servers_[address].is_listening = false; }
  UdpRemote& bind_udp(const SocketAddress& address);
  Host& host(const IpAddress& ip) { return hosts_[ip]; }
  // An outside client connects to a port of the router. Where nobody listens it is reset.
  std::shared_ptr<RemoteStream> dial(const SocketAddress& from, const SocketAddress& to);

  // Delivers everything due up to `now`, in order, and moves the clock.
  void run_until(Instant now);
  Instant next_event() const;
  Instant now() const { return now_; }
  // Happens `delay` from now, when time is moved that far.
  void after(Duration delay, std::function<void()> action);

 private:
  friend class RemoteStream;
  friend class UdpRemote;
  friend class SimSockets;
  friend class SimStreamSocket;
  friend class SimDatagramSocket;
  friend class SimPingSocket;
  friend class SimListenSocket;

  // Bound to exactly this address, or to every address.
  template <typename Socket>
  static Socket* bound_to(const std::map<SocketAddress, Socket*>& sockets, const SocketAddress& address);
  const Host& host_or_default(const IpAddress& ip) const;
  void deliver(ReceivedDatagram datagram, Duration delay);
  void arrive(ReceivedDatagram datagram);

  Instant now_{};
  std::uint64_t order_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::map<SocketAddress, TcpServer> servers_;
  std::map<SocketAddress, std::unique_ptr<UdpRemote>> udp_remotes_;
  std::map<IpAddress, Host> hosts_;
  std::map<SocketAddress, SimDatagramSocket*> host_sockets_;  // by external address: replies and hairpin
  std::map<SocketAddress, SimListenSocket*> listeners_;
  std::uint16_t next_port_ = 32768;
  std::uint16_t next_ping_id_ = 1000;
};

}  // namespace wgr::sim
