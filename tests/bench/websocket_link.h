// Guests that come in over a WebSocket: a station of the virtual LAN, one Ethernet frame per message as v86
// sends them, and a WireGuard client, one datagram per message.
#pragma once

#include <array>

#include "tests/bench/guest_device.h"
#include "tests/bench/station.h"
#include "tests/bench/websocket_client.h"

namespace wgr::bench {

class WebSocketLink : public GuestLink {
 public:
  Instant poll(PacketHandler& handler, Instant until) override;
  // How many messages each system call moved.
  void report(Figures& figures) const override;

 protected:
  // Ends the program if the router does not let it in.
  explicit WebSocketLink(const WebSocketClient::Options& options);

  virtual void receive(MutableBytes message) = 0;
  // What receive() has brought; its memory is still in place.
  virtual void hand_over(PacketHandler& handler) = 0;
  virtual Instant next_deadline() const { return kNever; }
  virtual void on_deadline() {}

  void send(Bytes message) {
    client_.send(message);
    ++sent_messages_;
  }
  void write() { client_.write(); }
  // Waits, reads once, and leaves the messages to receive().
  void read(Instant until);
  void end_read() noexcept { client_.end_read(); }
  Instant now() const noexcept { return now_; }

 private:
  ClientMemory memory_;
  WebSocketClient client_;
  Instant now_;
  std::uint64_t sent_messages_ = 0;
  std::uint64_t received_messages_ = 0;
};

class EthernetLink final : public WebSocketLink {
 public:
  // Has its address when this returns; ends the program otherwise.
  EthernetLink(const WebSocketClient::Options& options, std::uint32_t number);

  void send_packet(Bytes packet) override;
  IpAddress address() const override { return station_.address(); }
  void flush() override { write(); }

 private:
  void receive(MutableBytes message) override;
  void hand_over(PacketHandler& handler) override;

  Station station_;
  std::vector<MutableBytes> frames_;  // of the turn
  std::array<std::uint8_t, 14 + 65535> frame_;
};

class WireGuardLink final : public WebSocketLink {
 public:
  WireGuardLink(const WebSocketClient::Options& options, std::uint32_t identity);

  void send_packet(Bytes packet) override;
  IpAddress address() const override { return address_; }
  void flush() override;

 private:
  void receive(MutableBytes message) override;
  void hand_over(PacketHandler& handler) override;
  Instant next_deadline() const override { return device_.next_deadline(); }
  void on_deadline() override;

  const IpAddress address_;
  const Endpoint router_;
  GuestDevice device_;
};

}  // namespace wgr::bench
