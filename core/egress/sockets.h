// The host sockets behind the flows, as the stack sees them: non-blocking, one per flow, real
// (core/egress/host_sockets.h, Asio) or simulated (tests/sim). This is the only way out of the router, and
// the way of outside clients into a forward.
//
// A socket never calls its owner back. It is told what to watch; when that happens the factory's owner
// (the shard) hears socket_ready(token, ready) and hands it to the stack. A token names a flow slot and
// its generation, so news about a socket that is gone finds nobody.
//
// The caller asks egress::Policy first and dials exactly the address that was classified.
//
// Thread: confined to one worker. No call blocks.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"

namespace wgr::egress {

using SocketToken = std::uint64_t;  // chosen by the owner, passed back untouched

// An errno value that says that descriptors or memory ran out: the same call may succeed later.
constexpr bool is_shortage(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// What may be watched and what has happened. A watch is one-shot per direction; a failed socket
// reports readable and writable, and the next call tells the error.
struct Ready {
  bool readable = false;
  bool writable = false;
};

// Outcome of a read or write. `error` is an errno value; EAGAIN when nothing moved but more may later.
struct IoResult {
  std::size_t bytes = 0;
  int error = 0;        // 0: fine
  bool is_end = false;  // read: the other side has finished sending

  bool would_block() const noexcept;
};

// A TCP connection to a remote.
class StreamSocket {
 public:
  virtual ~StreamSocket() = default;  // closes; unread data makes the kernel send RST

  // 0 once connected, EINPROGRESS while connecting, else why it failed. After the first writable.
  virtual int connect_result() = 0;
  // One readv. REQUIRES: into.size() <= IOV_MAX.
  virtual IoResult read(std::span<const iovec> into) = 0;
  // One writev, no SIGPIPE.
  virtual IoResult write(std::span<const iovec> from) = 0;
  // FIN after what was written.
  virtual void shutdown_send() = 0;
  // The close will send RST, not FIN.
  virtual void reset_on_close() = 0;
  // Asks for news; adds to what is watched already.
  virtual void watch(Ready interest) = 0;
};

// One UDP datagram out. `payload` must live until the call returns.
struct DatagramOut {
  SocketAddress to;
  Bytes payload;
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  bool dont_fragment = false;
  IpAddress from{};  // a local address, where the socket has several; unspecified: the kernel's choice
};

// One UDP datagram or one ICMP error about an earlier one, in memory of the batch it came with.
struct DatagramIn {
  SocketAddress from;
  Bytes payload;
  std::uint8_t tos = 0;
  IpAddress local{};  // which of our addresses it came to; only told by sockets of open_udp_at()
};

// From the error queue (IP_RECVERR, IPV6_RECVERR).
struct SocketError {
  SocketAddress destination;   // where the offending datagram went
  SocketAddress offender;      // who complained; port 0. Unspecified if the host itself did
  int error = 0;               // errno, e.g. ECONNREFUSED, EMSGSIZE
  std::uint8_t icmp_type = 0;  // of the family's ICMP; 0 with `is_local`
  std::uint8_t icmp_code = 0;
  std::uint32_t mtu = 0;  // with EMSGSIZE
  bool is_local = false;  // the host's own stack refused it (SO_EE_ORIGIN_LOCAL)
  Bytes payload;          // what the kernel kept of the offending datagram's payload
};

// An unconnected UDP socket: one mapping (RFC 4787 REQ-1), any number of remotes.
class DatagramSocket {
 public:
  virtual ~DatagramSocket() = default;

  // Sends in order, equal neighbours in one system call where the kernel can. Returns how many left;
  // `error` tells why the next did not (EAGAIN: the socket is full).
  virtual IoResult send(std::span<const DatagramOut> datagrams) = 0;
  // Appends what has arrived, at most about `limit` datagrams; the payloads live in the factory's
  // scratch memory until the next receive on any socket. bytes counts datagrams.
  virtual IoResult receive(std::vector<DatagramIn>& into, std::size_t limit) = 0;
  // Appends queued errors (bounded); same lifetime.
  virtual void receive_errors(std::vector<SocketError>& into) = 0;
  virtual void watch_readable() = 0;
  virtual SocketAddress local_address() const = 0;
};

// An ICMP or ICMPv6 echo socket (SOCK_DGRAM ping socket, else raw where permitted). The kernel owns
// the identifier; the caller maps it back.
class PingSocket {
 public:
  virtual ~PingSocket() = default;

  // `message` is an echo request from type to data; id and checksum are filled in by the kernel or here.
  virtual int send(const IpAddress& to, MutableBytes message, std::uint8_t ttl,
                   std::uint8_t tos) = 0;  // errno or 0
  // Appends echo replies: payload is the ICMP message. Same lifetime as DatagramSocket::receive.
  virtual IoResult receive(std::vector<DatagramIn>& into, std::size_t limit) = 0;
  virtual void receive_errors(std::vector<SocketError>& into) = 0;
  virtual void watch_readable() = 0;
};

struct StreamOptions {
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  int receive_buffer = 0;  // SO_RCVBUF; 0 leaves it to the kernel's autotuning
  int send_buffer = 0;
};

// A connection of an outside client.
struct Accepted {
  std::unique_ptr<StreamSocket> socket;  // connected; null if there is none
  SocketAddress client;
  SocketAddress local;  // where the client has connected to
  // EAGAIN: nobody waits. EMFILE, ENFILE, ENOBUFS, ENOMEM: no descriptor or memory; come back later.
  int error = 0;
};

// A TCP port of the host, where outside clients connect.
class ListenSocket {
 public:
  virtual ~ListenSocket() = default;  // who waits to be accepted is reset

  // Takes the client that has waited longest; its socket's news come with `token`. Clients that gave up
  // meanwhile are passed over.
  virtual Accepted accept(SocketToken token, const StreamOptions& options) = 0;
  virtual void watch_readable() = 0;  // somebody waits
  virtual SocketAddress local_address() const = 0;
};

template <typename Socket>
struct Opened {
  std::unique_ptr<Socket> socket;  // null on failure
  int error = 0;                   // errno: EMFILE, ENETUNREACH, EACCES, ...
};

// Makes sockets; the shard owns it and passes their news on.
class Sockets {
 public:
  virtual ~Sockets() = default;

  // Starts connecting. The first writable news brings connect_result(). May fail at once (ENETUNREACH).
  virtual Opened<StreamSocket> connect(const SocketAddress& remote, SocketToken token,
                                       const StreamOptions& options) = 0;
  // Bound to an ephemeral port of the family; tries `preferred_port` first if not 0 (port parity).
  virtual Opened<DatagramSocket> open_udp(Family family, SocketToken token, std::uint16_t preferred_port) = 0;
  // EACCES or EPERM when the kernel forbids ping to this user.
  virtual Opened<PingSocket> open_ping(Family family, SocketToken token) = 0;

  // For outside clients. An unspecified ip is every address of its family, and of that alone. `error` says
  // why not: EADDRINUSE, EACCES (a port below 1024), EADDRNOTAVAIL; EOPNOTSUPP of a factory that only dials.
  virtual Opened<ListenSocket> listen_tcp(const SocketAddress& local, SocketToken token);
  // Its datagrams say which local address they came to, and leave from where DatagramOut::from says.
  virtual Opened<DatagramSocket> open_udp_at(const SocketAddress& local, SocketToken token);
};

}  // namespace wgr::egress
