// Loads for the limit of a WebSocket: messages in its layout, over TCP or TLS, no upgrade.
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/bench/bare_websocket.h"
#include "tests/bench/wait.h"
#include "tests/bench/websocket_client.h"

namespace wgr::bench {
namespace {

class BareEnd {
 public:
  explicit BareEnd(const Settings& settings)
      : socket_(connect_from(IpAddress::v4(127, 0, 0, 1), settings.router_port)),
        read_(ClientMemory::kReadBytes) {
    if (const auto context = client_context(settings.security)) shake_hands(context);
  }

  // Counts what has arrived; the bytes are not looked at.
  std::uint64_t drain(Instant until) {
    if (!wait_for({.descriptor = socket_.get(), .from = Clock::now(), .until = until})) return 0;
    const ssize_t size = recv(socket_.get(), read_.data(), read_.size(), MSG_DONTWAIT);
    return static_cast<std::uint64_t>(std::max(size, ssize_t{0}));
  }
  void send(Bytes bytes) {
    if (!tls_) return write(bytes);
    sealed_.clear();
    tls_->send(bytes, sealed_);
    write(sealed_);
  }

 private:
  void shake_hands(const std::shared_ptr<const ws::TlsContext>& context) {
    tls_ = ws::TlsChannel::connect(context, "localhost");
    tls_->start(sealed_);
    std::vector<std::uint8_t> plain;
    while (tls_->state() == ws::TlsChannel::State::kHandshaking) {
      write(sealed_);
      sealed_.clear();
      const ssize_t size = recv(socket_.get(), read_.data(), read_.size(), 0);
      if (size <= 0) break;
      tls_->receive(Bytes{read_}.first(static_cast<std::size_t>(size)), plain, sealed_);
    }
    if (tls_->state() != ws::TlsChannel::State::kOpen) {
      std::fprintf(stderr, "no TLS with the limit\n");
      std::exit(1);
    }
    write(sealed_);
  }
  void write(Bytes bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        std::perror("send");
        std::exit(1);
      }
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
  }

  io::Descriptor socket_;
  std::unique_ptr<ws::TlsChannel> tls_;
  std::vector<std::uint8_t> read_;
  std::vector<std::uint8_t> sealed_;
};

// A run of masked messages that is sent again and again: the limit keeps no replay window.
std::vector<std::uint8_t> make_run(Ingress ingress) {
  const wireguard::AeadKey key(bare_key());
  const std::vector<std::uint8_t> packet(kBarePacket);
  std::vector<std::uint8_t> message(ingress == Ingress::kEthernet ? wire::kEthernetHeaderSize + kBarePacket
                                                                  : kBarePacket + kBareOverhead);
  std::vector<std::uint8_t> run;
  for (std::size_t i = 0; i < kBareRun; ++i) {
    const ws::FrameHeader header{
        .is_masked = true, .length = message.size(), .key = {0x37, 0xfa, 0x21, static_cast<std::uint8_t>(i)}};
    if (ingress == Ingress::kWireGuard) seal_bare(key, i, packet, message);
    const std::size_t begin = run.size();
    run.resize(begin + ws::frame_header_size(header) + message.size());
    const std::size_t size = ws::write_frame_header(run.data() + begin, header);
    ws::copy_masked(run.data() + begin + size, message, header.key);
  }
  return run;
}

}  // namespace

Figures run_bare_websocket_download(const Settings& settings) {
  BareEnd end(settings);
  const Phases phases(settings);
  while (Clock::now() < phases.warm) end.drain(phases.warm);
  Meter meter(settings.pid);
  meter.start();
  std::uint64_t bytes = 0;
  while (Clock::now() < phases.end) bytes += end.drain(phases.end);
  meter.stop();
  Figures figures;
  // With all headers; the payload the limit tells itself.
  figures.add("received_bytes", static_cast<double>(bytes));
  meter.report(figures);
  return figures;
}

Figures run_bare_websocket_upload(const Settings& settings) {
  BareEnd end(settings);
  const std::vector<std::uint8_t> run = make_run(settings.ingress);
  const Phases phases(settings);
  while (Clock::now() < phases.warm) end.send(run);
  Meter meter(settings.pid);
  meter.start();
  std::uint64_t messages = 0;
  for (; Clock::now() < phases.end; messages += kBareRun) end.send(run);
  meter.stop();
  Figures figures;
  figures.add("offered_bytes", static_cast<double>(messages * kBarePayload));
  meter.report(figures);
  return figures;
}

}  // namespace wgr::bench
