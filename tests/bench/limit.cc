// The limit: a bare program that moves the same bytes as the router with the same system calls and seals or
// opens them, and does nothing else: no handshake, no TCP, no tables, no timers. What the router costs above
// this is the price of its protocols.
//
//   download  read a host TCP socket, at most 60 KB scattered into segment slots -> seal -> UDP_SEGMENT
//   upload    UDP_GRO receive -> open in place -> one writev per batch into a host TCP socket
//   udp       both ways between datagrams of one packet and a host UDP socket
//   flows     connect to a host TCP socket, one request, one answer, close, one after the other
//   handshakes  what a responder must compute: MAC1, the Diffie-Hellmans, the key derivation; no socket
//
//   limit MODE HOST_PORT PEER_PORT
//
// HOST_PORT is a service of host_server, PEER_PORT the load generator's bare end (0: whoever sends first).
// Like the router it uses UDP_GRO and UDP_SEGMENT where its kernel has them. Prints "port=N", serves until
// its standard input ends, then prints what it cost by its own account.
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include "core/io/udp_socket.h"
#include "core/time.h"
#include "tests/bench/bare_datagram.h"
#include "tests/bench/identities.h"
#include "tests/bench/limit_parts.h"
#include "wireguard/cookie.h"
#include "wireguard/handshake.h"
#include "wireguard/messages.h"
#include "wireguard/tai64n.h"

namespace wgr::bench {
namespace {

constexpr std::size_t kHeaders = 40;  // IPv4 and TCP
constexpr std::size_t kPayload = 1380;
constexpr std::size_t kUdpHeaders = 28;
constexpr std::size_t kSlots = 44;  // 60 KB of payload, one UDP_SEGMENT send

class Limit {
 public:
  Limit(std::uint16_t host_port, std::uint16_t peer_port)
      : tunnel_(loopback(0), /*share_port=*/false), host_port_(host_port) {
    if (peer_port != 0) peer_ = Endpoint::udp(loopback(peer_port));
    announce(tunnel_.local_address().port);
  }

  void download();
  void upload();
  void udp();
  void flows();
  void handshakes();
  void report() const { account_.report(); }

 private:
  void seal(Bytes packet) {
    seal_bare(key_, counter_++, packet, batch_.append(peer_, packet.size() + kBareOverhead));
    ++account_.packets;
  }
  void flush_tunnel() {
    tunnel_.send(batch_.runs(), Clock::now());
    batch_.clear();
  }
  void udp_to_host(io::UdpSocket& host, const Endpoint& server);
  void udp_to_peer(io::UdpSocket& host);

  io::UdpSocket tunnel_;
  const std::uint16_t host_port_;
  const wireguard::AeadKey key_{bare_key()};
  Endpoint peer_;
  DatagramBatch batch_;
  DatagramBatch host_batch_;
  std::uint64_t counter_ = 0;
  Account account_;
};

void Limit::download() {
  const int host = connect_tcp(host_port_);
  std::vector<std::array<std::uint8_t, kHeaders + kPayload>> slots(kSlots);
  std::vector<iovec> pieces;
  for (auto& slot : slots) pieces.push_back({slot.data() + kHeaders, kPayload});
  while (wait_readable(host)) {
    const ssize_t received = readv(host, pieces.data(), static_cast<int>(pieces.size()));
    if (received <= 0) return;
    auto left = static_cast<std::size_t>(received);
    account_.payload_bytes += left;
    for (std::size_t i = 0; left > 0; ++i) {
      const std::size_t size = std::min(left, kPayload);
      seal(Bytes{slots[i]}.first(kHeaders + size));
      left -= size;
    }
    flush_tunnel();
    account_.mark();
  }
}

void Limit::upload() {
  const int host = connect_tcp(host_port_);
  std::vector<iovec> pieces;
  while (wait_readable(tunnel_.descriptor())) {
    pieces.clear();
    for (const io::UdpSocket::Received& received : tunnel_.receive()) {
      for (std::size_t begin = 0; begin < received.bytes.size(); begin += received.segment_size) {
        const std::size_t size = std::min(received.segment_size, received.bytes.size() - begin);
        const MutableBytes packet = open_bare(key_, received.bytes.subspan(begin, size));
        ++account_.packets;
        if (packet.size() <= kHeaders) continue;
        pieces.push_back({packet.data() + kHeaders, packet.size() - kHeaders});
      }
    }
    account_.payload_bytes += write_all(host, pieces);
    account_.mark();
  }
}

void Limit::udp() {
  io::UdpSocket host(loopback(0), /*share_port=*/false);
  const Endpoint server = Endpoint::udp(loopback(host_port_));
  while (wait_readable(tunnel_.descriptor(), host.descriptor())) {
    udp_to_host(host, server);
    udp_to_peer(host);
    account_.mark();
  }
}

void Limit::udp_to_host(io::UdpSocket& host, const Endpoint& server) {
  for (const io::UdpSocket::Received& received : tunnel_.receive()) {
    peer_ = received.from;
    for (std::size_t begin = 0; begin < received.bytes.size(); begin += received.segment_size) {
      const std::size_t size = std::min(received.segment_size, received.bytes.size() - begin);
      const MutableBytes packet = open_bare(key_, received.bytes.subspan(begin, size));
      ++account_.packets;
      if (packet.size() < kUdpHeaders) continue;
      // The padding of the packet is not part of the payload; here it is always four bytes.
      const Bytes payload = packet.subspan(kUdpHeaders, packet.size() - kUdpHeaders - 4);
      std::memcpy(host_batch_.append(server, payload.size()).data(), payload.data(), payload.size());
    }
  }
  host.send(host_batch_.runs(), Clock::now());
  host_batch_.clear();
}

void Limit::udp_to_peer(io::UdpSocket& host) {
  std::array<std::uint8_t, kUdpHeaders + 64 + 4> packet{};
  for (const io::UdpSocket::Received& received : host.receive()) {
    for (std::size_t begin = 0; begin < received.bytes.size(); begin += received.segment_size) {
      const std::size_t size =
          std::min({received.segment_size, received.bytes.size() - begin, std::size_t{64}});
      std::memcpy(packet.data() + kUdpHeaders, received.bytes.data() + begin, size);
      if (peer_) seal(packet);
    }
  }
  flush_tunnel();
}

void Limit::flows() {
  std::array<std::uint8_t, 64> message{};
  while (!has_input_ended()) {
    const int host = connect_tcp(host_port_);
    if (send(host, message.data(), message.size(), MSG_NOSIGNAL) < 0 ||
        recv(host, message.data(), message.size(), MSG_WAITALL) < 0) {
      fail("exchange");
    }
    close(host);
    ++account_.completed;
    account_.mark();
  }
}

void Limit::handshakes() {
  using namespace wireguard;
  const Identity router(private_key_of(kRouterIdentity));
  const Identity guest(private_key_of(1));
  SecretKey static_shared;
  Initiation initiation;
  if (!diffie_hellman(static_shared, guest.private_key, router.public_key) ||
      !create_initiation(guest, router.public_key, static_shared, Timestamp{}, /*sender_index=*/1,
                         initiation)) {
    fail("create_initiation");
  }
  CookieJar to_router(router.public_key);
  CookieJar to_guest(guest.public_key);
  const CookieChecker checker(router.public_key);
  to_router.add_macs({reinterpret_cast<std::uint8_t*>(&initiation), sizeof initiation}, Instant{});
  while (!has_input_ended()) {
    if (!checker.has_valid_mac1(bytes_of(initiation))) fail("mac1");
    auto opened = open_initiation(router, initiation);
    Response response;
    if (!opened || !accept_initiation(*opened, static_shared) ||
        !create_response(*opened, SecretKey{}, /*sender_index=*/2, response)) {
      fail("handshake");
    }
    to_guest.add_macs({reinterpret_cast<std::uint8_t*>(&response), sizeof response}, Instant{});
    ++account_.completed;
    account_.mark();
  }
}

}  // namespace
}  // namespace wgr::bench

int main(int argc, char** argv) {
  using namespace wgr::bench;
  const std::map<std::string_view, void (Limit::*)()> modes = {{"download", &Limit::download},
                                                               {"upload", &Limit::upload},
                                                               {"udp", &Limit::udp},
                                                               {"flows", &Limit::flows},
                                                               {"handshakes", &Limit::handshakes}};
  const auto mode = argc == 4 ? modes.find(argv[1]) : modes.end();
  if (mode == modes.end()) {
    std::fprintf(stderr, "usage: limit download|upload|udp|flows|handshakes HOST_PORT PEER_PORT\n");
    return 2;
  }
  Limit limit(static_cast<std::uint16_t>(std::atoi(argv[2])), static_cast<std::uint16_t>(std::atoi(argv[3])));
  (limit.*mode->second)();
  limit.report();
}
