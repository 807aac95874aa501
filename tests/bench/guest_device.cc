#include "tests/bench/guest_device.h"

#include <memory>

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

GuestDevice::GuestDevice(const wireguard::PrivateKey& key, const wireguard::PublicKey& router_key,
                         const Endpoint& router, Instant now)
    : rng_(Rng::from_kernel()),
      out_(batch_),
      device_(device_config(key), /*worker=*/0, wall_now(), now, rng_) {
  auto table = std::make_shared<wireguard::AllowedIps>();
  table->insert(Prefix{IpAddress::v4(0), 0}, kRouter);
  device_.set_allowed_ips(std::move(table));
  wireguard::PeerConfig peer;
  peer.public_key = router_key;
  peer.allowed_ips = {Prefix{IpAddress::v4(0), 0}};
  device_.set_peer(kRouter, peer, now);
  device_.set_endpoint(kRouter, router, wireguard::EndpointOrigin::kOperator, now);
}

void GuestDevice::hand_over(PacketHandler& handler, Instant now) {
  for (const PacketView& packet : out_.packets) handler.receive(packet, now);
  out_.packets.clear();
}

void GuestDevice::on_deadline(Instant now) {
  device_.on_deadline(now, out_);
  out_.packets.clear();
}

}  // namespace wgr::bench
