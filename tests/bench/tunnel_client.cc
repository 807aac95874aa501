#include "tests/bench/tunnel_client.h"

#include <poll.h>

#include <algorithm>
#include <ctime>

namespace wgr::bench {
namespace {

WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

wireguard::DeviceConfig device_config(const wireguard::PrivateKey& key) {
  wireguard::DeviceConfig config;
  config.private_key = key;
  config.staged_packets = 4096;
  return config;
}

}  // namespace

TunnelClient::TunnelClient(const Options& options)
    : socket_({options.source, 0}, /*share_port=*/false),
      rng_(Rng::from_kernel()),
      out_(batch_),
      now_(Clock::now()),
      device_(device_config(options.private_key), /*worker=*/0, wall_now(), now_, rng_) {
  if (options.offloads == Offloads::kOff) socket_.disable_offloads();
  auto table = std::make_shared<wireguard::AllowedIps>();
  table->insert(Prefix{IpAddress::v4(0), 0}, kRouter);
  device_.set_allowed_ips(std::move(table));
  wireguard::PeerConfig router;
  router.public_key = options.router_key;
  router.allowed_ips = {Prefix{IpAddress::v4(0), 0}};
  device_.set_peer(kRouter, router, now_);
  device_.set_endpoint(kRouter, Endpoint::udp(options.router), wireguard::EndpointOrigin::kOperator, now_);
}

void TunnelClient::send_packet(Bytes packet) {
  device_.send(kRouter, packet, now_, out_);
  if (batch_.is_full()) flush();
}

void TunnelClient::flush() {
  socket_.send(batch_.runs());
  batch_.clear();
}

void TunnelClient::wait(Instant now, Instant until) {
  pollfd watched{socket_.descriptor(), POLLIN, 0};
  const Duration left = std::max(until - now, Duration{0});
  timespec timeout{};
  timeout.tv_sec = static_cast<std::time_t>(left.count() / 1'000'000'000);
  timeout.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
  ppoll(&watched, 1, &timeout, nullptr);
}

Instant TunnelClient::poll(PacketHandler& handler, Instant until) {
  flush();
  const Instant deadline = std::min({until, handler.next_deadline(), device_.next_deadline()});
  if (deadline > now_) wait(now_, deadline);
  now_ = Clock::now();
  for (const io::UdpSocket::Received& received : socket_.receive()) {
    for (std::size_t begin = 0; begin < received.bytes.size(); begin += received.segment_size) {
      const std::size_t size = std::min(received.segment_size, received.bytes.size() - begin);
      device_.receive(received.from, received.bytes.subspan(begin, size), now_, out_);
    }
    for (const PacketView& packet : out_.packets) handler.receive(packet, now_);
    out_.packets.clear();
  }
  handler.end_batch(now_);
  device_.on_deadline(now_, out_);
  out_.packets.clear();
  flush();
  return now_;
}

}  // namespace wgr::bench
