// A WireGuard client in user space for load: a UDP socket, no TUN. What it decrypts goes to a PacketHandler;
// what send_packet() takes is sealed into the batch of the turn.
#pragma once

#include "core/io/udp_socket.h"
#include "tests/bench/guest_device.h"

namespace wgr::bench {

enum class Offloads : std::uint8_t { kOn, kOff };

class TunnelClient : public GuestLink {
 public:
  struct Options {
    SocketAddress router;
    IpAddress source = IpAddress::v4(127, 0, 0, 1);
    IpAddress inner;
    wireguard::PublicKey router_key{};
    wireguard::PrivateKey private_key;
    Offloads offloads = Offloads::kOn;
  };

  explicit TunnelClient(const Options& options);

  void send_packet(Bytes packet) override;
  IpAddress address() const override { return inner_; }
  Instant poll(PacketHandler& handler, Instant until) override;
  void flush() override;
  // How many datagrams each system call moved.
  void report(Figures& figures) const override;

 private:
  io::UdpSocket socket_;
  const IpAddress inner_;
  Instant now_;
  GuestDevice device_;
};

}  // namespace wgr::bench
