// A whole router shard and one guest in one process, at simulated time, without sockets: what remains is
// the router's own work in user space. A step is one turn of the worker:
//
//   guest's datagrams -> [ Shard: receive, end_batch -> socket news -> deadlines -> seal ] -> guest
//                        ^ only this is measured: on_measured(true) ... on_measured(false)
#pragma once

#include <memory>
#include <vector>

#include "cmd/shard.h"
#include "tests/bench/flow_set.h"
#include "tests/bench/memory_sockets.h"

namespace wgr::bench {

class ReplayRouter : private PacketSink {
 public:
  // Called around the router's part of every step; may be null.
  using Switch = void (*)(bool is_on);

  explicit ReplayRouter(Switch on_measured);

  FlowSet& flows() noexcept { return flows_; }
  MemorySockets& sockets() noexcept { return sockets_; }
  Shard& shard() noexcept { return shard_; }
  Instant now() const noexcept { return now_; }
  // Packets the guest has sent and received.
  std::uint64_t sent() const noexcept { return sent_; }
  std::uint64_t received() const noexcept { return received_; }

  void send(Bytes packet) { send_packet(packet); }
  // Lets `by` pass, then takes one turn.
  void step(Duration by = std::chrono::microseconds{100});
  // Opens flows of the guest to a TCP remote and waits until they stand. Aborts if they do not.
  void connect(std::uint32_t count, const GuestFlowOptions& options, std::uint16_t port);

 private:
  void send_packet(Bytes packet) override;
  void carry_to_router();
  void take_turn();
  void carry_to_guest();
  void measured(bool is_on) {
    if (switch_ != nullptr) switch_(is_on);
  }

  const Switch switch_;
  const Endpoint guest_endpoint_;
  const Endpoint router_endpoint_;
  Instant now_;
  Rng rng_;
  MemorySockets sockets_;
  std::vector<SocketEvent> events_;
  std::shared_ptr<const wireguard::AllowedIps> allowed_ips_;
  Shard shard_;

  DatagramBatch guest_batch_;
  wireguard::Device::Out guest_out_;
  wireguard::Device guest_;
  FlowSet flows_;

  // Datagrams on their way, as a receive would give them.
  struct Carried {
    std::size_t begin;
    std::size_t size;
    std::size_t segment_size;
  };
  std::vector<std::uint8_t> memory_;
  std::vector<Carried> carried_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace wgr::bench
