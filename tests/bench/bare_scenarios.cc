// Loads for the limit programs: datagrams in their layout, no protocol.
#include <algorithm>
#include <array>
#include <cstring>

#include "core/io/udp_socket.h"
#include "tests/bench/bare_datagram.h"
#include "tests/bench/pacer.h"
#include "tests/bench/scenario.h"
#include "tests/bench/wait.h"

namespace wgr::bench {
namespace {

constexpr std::size_t kPacket = 1420;
constexpr std::size_t kUdpPacket = 96;  // 20 + 8 + 64, padded
constexpr std::size_t kRun = 44;

SocketAddress loopback(std::uint16_t port) { return {IpAddress::v4(127, 0, 0, 1), port}; }

bool wait_readable(const io::UdpSocket& socket, Instant until) {
  return wait_for({.descriptor = socket.descriptor(), .from = Clock::now(), .until = until});
}

// Counts what has arrived; the bytes are not looked at.
std::uint64_t drain(io::UdpSocket& socket, std::uint64_t& packets) {
  std::uint64_t bytes = 0;
  for (const io::UdpSocket::Received& received : socket.receive()) {
    bytes += received.bytes.size();
    packets += (received.bytes.size() + received.segment_size - 1) / received.segment_size;
  }
  return bytes;
}

// Runs of sealed datagrams that are sent again and again: the limit keeps no replay window.
void fill(DatagramBatch& batch, const Endpoint& to, std::size_t packet, std::size_t count) {
  const wireguard::AeadKey key(bare_key());
  const std::vector<std::uint8_t> zeros(packet);
  for (std::size_t i = 0; i < count; ++i) seal_bare(key, i, zeros, batch.append(to, packet + kBareOverhead));
}

}  // namespace

Figures run_bare_download(const Settings& settings, std::uint16_t listen_port) {
  io::UdpSocket socket(loopback(listen_port), /*share_port=*/false);
  if (settings.offloads == Offloads::kOff) socket.disable_offloads();
  const Phases phases(settings);
  std::uint64_t packets = 0;
  for (Instant now = Clock::now(); now < phases.warm; now = Clock::now()) {
    if (wait_readable(socket, phases.warm)) drain(socket, packets);
  }
  Meter meter(settings.pid);
  meter.start();
  packets = 0;
  std::uint64_t bytes = 0;
  for (Instant now = Clock::now(); now < phases.end; now = Clock::now()) {
    if (wait_readable(socket, phases.end)) bytes += drain(socket, packets);
  }
  meter.stop();
  Figures figures;
  figures.add("payload_bytes", static_cast<double>(bytes - packets * (kBareOverhead + 40)));
  meter.report(figures);
  return figures;
}

Figures run_bare_upload(const Settings& settings) {
  io::UdpSocket socket(loopback(0), /*share_port=*/false);
  if (settings.offloads == Offloads::kOff) socket.disable_offloads();
  DatagramBatch batch;
  fill(batch, Endpoint::udp(loopback(settings.router_port)), kPacket, 4 * kRun);
  const Phases phases(settings);
  while (Clock::now() < phases.warm) socket.send(batch.runs(), Clock::now());
  Meter meter(settings.pid);
  meter.start();
  const std::uint64_t before = socket.counters().sent_datagrams.value();
  while (Clock::now() < phases.end) socket.send(batch.runs(), Clock::now());
  meter.stop();
  Figures figures;
  // What was offered; what arrived the limit tells itself.
  figures.add("offered_bytes",
              static_cast<double>((socket.counters().sent_datagrams.value() - before) * 1380));
  meter.report(figures);
  return figures;
}

Figures run_bare_udp(const Settings& settings) {
  io::UdpSocket socket(loopback(0), /*share_port=*/false);
  if (settings.offloads == Offloads::kOff) socket.disable_offloads();
  DatagramBatch batch;
  fill(batch, Endpoint::udp(loopback(settings.router_port)), kUdpPacket, settings.burst);
  const Phases phases(settings);
  Pacer pacer(settings.rate, settings.burst, Clock::now());
  Meter meter(settings.pid);
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  bool is_measuring = false;
  for (Instant now = Clock::now(); now < phases.end; now = Clock::now()) {
    if (!is_measuring && now >= phases.warm) {
      is_measuring = true;
      sent = received = 0;
      meter.start();
    }
    for (; pacer.take(now); sent += settings.burst) socket.send(batch.runs(), now);
    if (wait_readable(socket, std::min(pacer.next(), phases.end))) drain(socket, received);
  }
  meter.stop();
  Figures figures;
  figures.add("sent_packets", static_cast<double>(sent));
  figures.add("received_packets", static_cast<double>(received));
  meter.report(figures);
  return figures;
}

}  // namespace wgr::bench
