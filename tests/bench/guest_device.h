// The WireGuard of a loaded guest: our own Device as initiator with one peer, the router. Whatever carries
// the datagrams sends those of datagrams() and brings those of the router.
#pragma once

#include "core/rng.h"
#include "tests/bench/guest_link.h"
#include "wireguard/device.h"

namespace wgr::bench {

class GuestDevice {
 public:
  GuestDevice(const wireguard::PrivateKey& key, const wireguard::PublicKey& router_key,
              const Endpoint& router, Instant now);

  void send(Bytes packet, Instant now) { device_.send(kRouter, packet, now, out_); }
  // Opened in place; its memory stays until hand_over().
  void receive(const Endpoint& from, MutableBytes datagram, Instant now) {
    device_.receive(from, datagram, now, out_);
  }
  void hand_over(PacketHandler& handler, Instant now);

  Instant next_deadline() const { return device_.next_deadline(); }
  void on_deadline(Instant now);

  DatagramBatch& datagrams() noexcept { return batch_; }

 private:
  static constexpr GuestId kRouter{0, 1};

  Rng rng_;
  DatagramBatch batch_;
  wireguard::Device::Out out_;
  wireguard::Device device_;
};

}  // namespace wgr::bench
