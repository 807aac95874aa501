// The limit of a WebSocket: a bare program that moves the same bytes as the router with the same system
// calls, writes or reads the frame headers of RFC 6455, unmasks, and with a certificate passes everything
// through TLS; for WireGuard it seals or opens each packet as tests/bench/limit.cc does. No upgrade, no LAN,
// no TCP of a guest, no queue, no timers.
//
//   ethernet_download, wireguard_download
//             read a host TCP socket, at most 60 KB scattered into packets -> headers, seal -> one write
//   ethernet_upload, wireguard_upload
//             read at most 128 KiB -> headers, unmask, open -> one writev per batch into a host TCP socket
//   sessions  accept, one read that is a request, an answer, one read, a Close frame, the end; many at a time
//
//   limit_websocket MODE HOST_PORT [CERTIFICATE PRIVATE_KEY]
//
// Prints "port=N", serves until its standard input ends, then prints what it cost by its own account.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "core/mac_address.h"
#include "tests/bench/bare_websocket.h"
#include "tests/bench/limit_parts.h"
#include "tests/bench/limit_sessions.h"
#include "tests/bench/limit_tls.h"

namespace wgr::bench {
namespace {

constexpr std::size_t kReadBytes = 128 * 1024;
constexpr std::size_t kMostMessage = 65535;

class Limit {
 public:
  Limit(std::uint16_t host_port, const LimitTlsContext* tls)
      : host_port_(host_port), tls_context_(tls), listener_(listen_on_loopback()) {}

  void ethernet_download();
  void ethernet_upload() { upload(Ingress::kEthernet); }
  void wireguard_download();
  void wireguard_upload() { upload(Ingress::kWireGuard); }
  void sessions() { serve_sessions(listener_, tls_context_, account_); }
  void report() const { account_.report(); }

 private:
  enum class Ingress : std::uint8_t { kEthernet, kWireGuard };

  void accept();
  template <typename WriteMessage>
  void download(MutableBytes packets, std::size_t stride, std::size_t headers, Bytes run,
                WriteMessage write_message);
  void upload(Ingress ingress);
  // Takes whole messages; returns the bytes they held.
  std::size_t take_messages(MutableBytes bytes, Ingress ingress);
  void take_message(MutableBytes message, Ingress ingress);
  MutableBytes read();
  // False when the other side has ended.
  bool write(Bytes bytes);
  bool write_socket(Bytes bytes);

  const std::uint16_t host_port_;
  const LimitTlsContext* const tls_context_;
  const int listener_;
  int peer_ = -1;
  std::optional<LimitTls> tls_;
  const wireguard::AeadKey key_{bare_key()};
  std::uint64_t counter_ = 0;
  Account account_;

  // Upload: what was read, behind the start of a message that the read before has cut.
  std::vector<std::uint8_t> sealed_ = std::vector<std::uint8_t>(kReadBytes);
  std::vector<std::uint8_t> plain_ = std::vector<std::uint8_t>(kMostMessage + 2 * kReadBytes);
  std::size_t kept_ = 0;
  std::vector<iovec> pieces_;
};

void Limit::accept() {
  if (!wait_readable(listener_)) std::exit(0);
  peer_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  const int on = 1;
  if (peer_ < 0 || setsockopt(peer_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("accept");
  if (tls_context_ == nullptr) return;
  tls_.emplace(*tls_context_);
  while (!tls_->is_open()) {
    const MutableBytes bytes = read();  // the last may hold messages already
    if (bytes.data() == nullptr) fail("TLS");
    kept_ = bytes.size();
    write_socket(tls_->sealed());
    tls_->clear();
  }
}

// Appends what one read brings to what was kept. No data: the other side has ended.
MutableBytes Limit::read() {
  MutableBytes into = MutableBytes{plain_}.subspan(kept_);
  const MutableBytes from_network = tls_ ? MutableBytes{sealed_} : into.first(kReadBytes);
  const ssize_t received = recv(peer_, from_network.data(), from_network.size(), 0);
  if (received <= 0) return {};
  auto size = static_cast<std::size_t>(received);
  if (tls_) size = tls_->receive(Bytes{sealed_}.first(size), into);
  return MutableBytes{plain_}.first(kept_ + size);
}

bool Limit::write(Bytes bytes) {
  if (!tls_) return write_socket(bytes);
  tls_->send(bytes);
  const bool is_there = write_socket(tls_->sealed());
  tls_->clear();
  return is_there;
}

bool Limit::write_socket(Bytes bytes) {
  return bytes.empty() || send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0;  // blocking: takes all
}

// Reads of the host land where the payload of packets is to be that are `stride` apart; nothing is copied.
// write_message(i, size, at) makes the message of packet i, which has so much payload, at `at` of `run`, and
// returns its length.
template <typename WriteMessage>
void Limit::download(MutableBytes packets, std::size_t stride, std::size_t headers, Bytes run,
                     WriteMessage write_message) {
  accept();
  const int host = connect_tcp(host_port_);
  for (std::size_t i = 0; i < kBareRun; ++i) {
    pieces_.push_back({packets.data() + i * stride + headers, kBarePayload});
  }
  while (wait_readable(host)) {
    const ssize_t received = readv(host, pieces_.data(), static_cast<int>(pieces_.size()));
    if (received <= 0) return;
    auto left = static_cast<std::size_t>(received);
    account_.payload_bytes += left;
    std::size_t end = 0;
    for (std::size_t i = 0; left > 0; ++i, ++account_.packets) {
      const std::size_t size = std::min(left, kBarePayload);
      end += write_message(i, size, end);
      left -= size;
    }
    if (!write(run.first(end))) return;
    account_.mark();
  }
}

void Limit::ethernet_download() {
  constexpr std::size_t kHeaders = kBareMessageHeader + wire::kEthernetHeaderSize + kBarePacketHeaders;
  constexpr std::size_t kMessage = kHeaders + kBarePayload;
  std::vector<std::uint8_t> run(kBareRun * kMessage);
  download(run, kMessage, kHeaders, run, [&](std::size_t, std::size_t size, std::size_t at) {
    ws::write_frame_header(run.data() + at, {.length = kHeaders - kBareMessageHeader + size});
    wire::write_ethernet(MutableBytes{run}.subspan(at + kBareMessageHeader), MacAddress{}, MacAddress{},
                         wire::EtherType::kIpv4);
    return kHeaders + size;
  });
}

void Limit::wireguard_download() {
  constexpr std::size_t kMessage = kBareMessageHeader + kBareOverhead + kBarePacket;
  std::vector<std::uint8_t> packets(kBareRun * kBarePacket);
  std::vector<std::uint8_t> run(kBareRun * kMessage);
  download(packets, kBarePacket, kBarePacketHeaders, run,
           [&](std::size_t i, std::size_t size, std::size_t at) {
             const Bytes packet = Bytes{packets}.subspan(i * kBarePacket, kBarePacketHeaders + size);
             const std::size_t datagram = packet.size() + kBareOverhead;
             const std::size_t header = ws::write_frame_header(run.data() + at, {.length = datagram});
             seal_bare(key_, counter_++, packet, MutableBytes{run}.subspan(at + header, datagram));
             return header + datagram;
           });
}

void Limit::upload(Ingress ingress) {
  accept();
  const int host = connect_tcp(host_port_);
  while (wait_readable(peer_)) {
    const MutableBytes bytes = read();
    if (bytes.data() == nullptr) return;
    const std::size_t taken = take_messages(bytes, ingress);
    account_.payload_bytes += write_all(host, pieces_);
    pieces_.clear();
    kept_ = bytes.size() - taken;
    std::memmove(plain_.data(), plain_.data() + taken, kept_);
    account_.mark();
  }
}

std::size_t Limit::take_messages(MutableBytes bytes, Ingress ingress) {
  std::size_t taken = 0;
  while (bytes.size() - taken >= ws::kMinFrameHeader) {
    const MutableBytes rest = bytes.subspan(taken);
    const std::size_t header_size = ws::frame_header_size(rest[0], rest[1]);
    if (rest.size() < header_size) break;
    const ws::FrameHeader header = ws::read_frame_header(rest.first(header_size));
    if (header.length > kMostMessage) fail("a frame");
    const auto size = static_cast<std::size_t>(header.length);
    if (rest.size() < header_size + size) break;
    const MutableBytes message = rest.subspan(header_size, size);
    ws::apply_mask(message, header.key);
    take_message(message, ingress);
    taken += header_size + size;
  }
  return taken;
}

void Limit::take_message(MutableBytes message, Ingress ingress) {
  ++account_.packets;
  std::size_t headers = kBarePacketHeaders;
  if (ingress == Ingress::kWireGuard) {
    message = open_bare(key_, message);
  } else {
    headers += wire::kEthernetHeaderSize;
  }
  if (message.size() > headers) pieces_.push_back({message.data() + headers, message.size() - headers});
}

}  // namespace
}  // namespace wgr::bench

int main(int argc, char** argv) {
  using namespace wgr::bench;
  const std::map<std::string_view, void (Limit::*)()> modes = {
      {"ethernet_download", &Limit::ethernet_download},
      {"ethernet_upload", &Limit::ethernet_upload},
      {"wireguard_download", &Limit::wireguard_download},
      {"wireguard_upload", &Limit::wireguard_upload},
      {"sessions", &Limit::sessions}};
  const auto mode = argc == 3 || argc == 5 ? modes.find(argv[1]) : modes.end();
  if (mode == modes.end()) {
    std::fprintf(stderr,
                 "usage: limit_websocket ethernet_download|ethernet_upload|wireguard_download|\n"
                 "                       wireguard_upload|sessions HOST_PORT [CERTIFICATE PRIVATE_KEY]\n");
    return 2;
  }
  std::optional<LimitTlsContext> tls;
  if (argc == 5) tls.emplace(argv[3], argv[4]);
  Limit limit(static_cast<std::uint16_t>(std::atoi(argv[2])), tls ? &*tls : nullptr);
  (limit.*mode->second)();
  limit.report();
}
