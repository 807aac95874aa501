// A small internet in memory, and host sockets on it: what egress::Sockets is in a test.
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
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/egress/sockets.h"
#include "core/time.h"

namespace wgr::sim {

class Internet;
class SimSockets;
class SimStreamSocket;
class SimDatagramSocket;
class SimPingSocket;
class SimListenSocket;

inline std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// The far end of one TCP connection. A test holds it by shared_ptr; it outlives both sockets.
class RemoteStream {
 public:
  // What has arrived and was read, unless `keep_received` is off.
  const std::vector<std::uint8_t>& received() const { return received_; }
  std::string received_text() const { return {received_.begin(), received_.end()}; }
  std::uint64_t bytes_received() const { return bytes_received_; }
  bool peer_finished() const { return peer_finished_; }  // FIN arrived, after all data
  bool peer_reset() const { return peer_reset_; }
  bool peer_closed() const { return peer_closed_; }  // the host socket is gone
  const egress::StreamOptions& options() const { return options_; }
  // The far end's own: of a server, or of an outside client.
  const SocketAddress& server_address() const { return server_address_; }

  void send(Bytes bytes);
  void send(std::string_view text) { send(bytes_of(text)); }
  // `total` bytes that are made when the host reads them: fill(offset, into). For transfers beyond memory.
  using Fill = std::function<void(std::uint64_t offset, MutableBytes into)>;
  void send_generated(std::uint64_t total, Fill fill);
  void finish();  // FIN after what was sent
  void reset();   // RST at once; what was sent and not read yet can still be read
  // A server that stops reading: the host socket fills up to its buffer.
  void pause_reading() { is_paused_ = true; }
  void resume_reading();

  bool keep_received = true;
  std::function<void(RemoteStream&, Bytes)> on_data;
  std::function<void(RemoteStream&)> on_finish;  // the guest's side has finished sending

 private:
  friend class Internet;
  friend class SimSockets;
  friend class SimStreamSocket;
  friend class SimListenSocket;

  RemoteStream(Internet& internet, const SocketAddress& server_address, Duration latency);
  void take_unread();
  std::size_t readable_bytes() const;
  bool may_read() const;
  bool has_host() const { return socket_ != nullptr || is_in_backlog_; }

  Internet& internet_;
  SocketAddress server_address_;
  Duration latency_;
  egress::StreamOptions options_;
  SimStreamSocket* socket_ = nullptr;  // null once closed
  bool is_in_backlog_ = false;         // an outside client that nobody has accepted

  // Host to remote.
  std::size_t send_buffer_ = 0;
  std::size_t in_flight_ = 0;  // written by the host, not read here
  std::vector<std::uint8_t> unread_;
  std::vector<std::uint8_t> received_;
  std::uint64_t bytes_received_ = 0;
  bool is_paused_ = false;
  bool finish_arrived_ = false;  // FIN waits behind unread bytes
  bool peer_finished_ = false;
  bool peer_reset_ = false;
  bool peer_closed_ = false;

  // Remote to host: what has arrived at the host and waits to be read.
  std::deque<std::vector<std::uint8_t>> to_host_;
  std::size_t front_read_ = 0;
  std::uint64_t generated_total_ = 0;
  std::uint64_t generated_offset_ = 0;
  Fill fill_;
  bool finished_ = false;  // FIN sent
  bool finish_at_host_ = false;
  bool reset_at_host_ = false;
};

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
