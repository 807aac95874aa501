// A WireGuard client in user space for load: our own Device as initiator, a UDP socket, no TUN. What it
// decrypts goes to a PacketHandler; what send_packet() takes is sealed into the batch of the turn.
//
//   poll():  wait -> receive -> Device -> handler.receive()... -> handler.end_batch() -> deadlines -> send
#pragma once

#include <memory>
#include <span>

#include "core/io/udp_socket.h"
#include "core/rng.h"
#include "tests/bench/guest_flow.h"
#include "wireguard/device.h"

namespace wgr::bench {

enum class Offloads : std::uint8_t { kOn, kOff };

class PacketHandler {
 public:
  virtual ~PacketHandler() = default;
  virtual void receive(const PacketView& packet, Instant now) = 0;
  virtual void end_batch(Instant now) = 0;
  virtual Instant next_deadline() const = 0;
};

class TunnelClient : public PacketSink {
 public:
  struct Options {
    SocketAddress router;
    IpAddress source = IpAddress::v4(127, 0, 0, 1);
    wireguard::PublicKey router_key{};
    wireguard::PrivateKey private_key;
    Offloads offloads = Offloads::kOn;
  };

  explicit TunnelClient(const Options& options);

  void send_packet(Bytes packet) override;
  // One turn: waits for datagrams or deadlines, until `until` at most. Returns the turn's instant.
  Instant poll(PacketHandler& handler, Instant until);
  // Sends what is batched.
  void flush();

  const io::UdpSocketCounters& socket_counters() const noexcept { return socket_.counters(); }
  const wireguard::Device& device() const noexcept { return device_; }

 private:
  static constexpr GuestId kRouter{0, 1};

  void wait(Instant now, Instant until);

  io::UdpSocket socket_;
  Rng rng_;
  DatagramBatch batch_;
  wireguard::Device::Out out_;
  Instant now_;
  wireguard::Device device_;
};

}  // namespace wgr::bench
