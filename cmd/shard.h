// The crossroads of one worker: everything that comes in passes here and is sent on. No protocol of
// its own, no socket, no clock: cmd/shard_runner does the input and output, tests/sim runs it at
// simulated time.
//
//                   +----------------------------- Shard ------------------------------+
//   datagrams ------|-> Device --inner packets--+                                      |
//                   |                           +-> route --+--> Stack ----------------|--> egress::Sockets
//   Ethernet -------|-> LanHub --inner packets--+           |      |                   |     |
//   frames          |                                       |      |                   |     |
//   Out::datagrams <|--- Device <--- seal <-----------------+------+ packets_ <--------|-----+ socket_ready
//   LanHub::frames <|--- LanHub <---/                       |                          |
//   Out::mail <-----|---------------------------------------+ guest of another worker  |
//                   +------------------------------------------------------------------+
//
// A turn: any number of receive() ... end_batch(), frames_received(), take_mail(), socket_ready(),
// on_deadline(). Then the caller seals and sends:
//   for (bool more = true; more;) {
//     more = shard.seal(now);
//     send what is for endpoints and sessions of this worker: outbox().datagrams, lan().frames(), and clear
//     both; take outbox().closings and outbox().mail; }
//
// Thread: confined to its worker. Counters may be read from any thread.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "cmd/lan_hub.h"
#include "cmd/mail.h"
#include "cmd/routes.h"
#include "cmd/shard_counters.h"
#include "core/egress/policy.h"
#include "core/egress/sockets.h"
#include "core/endpoint.h"
#include "core/io/pcap_writer.h"
#include "core/packet_buffer.h"
#include "core/rng.h"
#include "core/time.h"
#include "slirp/stack.h"
#include "wireguard/device.h"

namespace wgr {

class Shard {
 public:
  struct Settings {
    wireguard::DeviceConfig device;
    slirp::Config stack;
    std::shared_ptr<const egress::Policy> policy;
    std::shared_ptr<const Routes> routes;
    std::shared_ptr<const wireguard::PeerDirectory> directory;
    std::vector<LanSettings> networks;  // all of them; those with their home here live here
    std::size_t workers = 1;
    io::PcapWriter* pcap = nullptr;  // null: no capture. Outlives the shard
  };

  // What leaves at the end of the turn.
  struct Outbox {
    DatagramBatch datagrams;
    std::vector<Mail::Closing> closings;  // of sessions of this worker
    std::vector<Mail> mail;               // by worker index
  };

  // `sockets` and `rng` outlive the shard.
  Shard(WorkerIndex index, const Settings& settings, egress::Sockets& sockets, Rng& rng, WallTime wall_now,
        Instant now);

  // --- what comes in ---

  // Datagrams of one size (the last may be shorter) from one endpoint; decrypted in place, their memory
  // stays until end_batch(). REQUIRES: segment_size > 0 unless there are no bytes: one empty datagram.
  void receive(const Endpoint& from, MutableBytes datagrams, std::size_t segment_size, Instant now);
  void receive(const Endpoint& from, MutableBytes datagram, Instant now) {
    receive(from, datagram, datagram.size(), now);
  }
  // After the last datagram of a batch: takes the inner packets where they go.
  void end_batch(Instant now);
  // A batch of its own: messages of one WebSocket session, which may be of any sizes.
  void datagrams_received(const Endpoint& session, std::span<const MutableBytes> datagrams, Instant now);
  // An Ethernet session of this worker; its network may live elsewhere. The frames stay in place until
  // the call returns.
  void session_opened(SessionId session, NetworkIndex network, const slirp::lan::SessionOwner& owner,
                      Instant now);
  void frames_received(SessionId session, NetworkIndex network, std::span<const MutableBytes> frames,
                       Instant now);
  void session_heard(SessionId session, NetworkIndex network, Instant now);
  void session_closed(SessionId session, NetworkIndex network, Instant now);
  // All but messages and closings for sessions, which are for the caller to pass on.
  void take_mail(Mail& mail, Instant now);
  void socket_ready(egress::SocketToken token, egress::Ready ready, Instant now);

  Instant next_deadline() const;
  void on_deadline(Instant now);

  // --- what goes out ---

  // Seals packets for guests into the outbox, as much as one send should hold. True if there is more.
  // What goes to sessions of other workers is in the mail afterwards, and stays in the batches: skip it.
  bool seal(Instant now);
  bool is_here(const Endpoint& endpoint) const noexcept {
    return endpoint.kind != Endpoint::Kind::kSession || endpoint.worker == index_;
  }
  Outbox& outbox() noexcept { return outbox_; }

  // How a posted mail of `weight` items fared.
  void count_mail(bool was_taken, std::size_t weight);
  // Datagrams to endpoints that no port of ours reaches.
  void count_unsent(std::size_t datagrams) { counters_.drops.count(DropReason::kEndpointMissing, datagrams); }

  // --- control, between turns ---
  void set_routes(std::shared_ptr<const Routes> routes);
  void set_policy(std::shared_ptr<const egress::Policy> policy) { stack_.set_policy(std::move(policy)); }
  void set_dns_upstreams(std::vector<SocketAddress> upstreams) {
    stack_.set_dns_upstreams(std::move(upstreams));
  }
  void set_forwards(std::vector<slirp::ForwardConfig> forwards, Instant now) {
    stack_.set_forwards(std::move(forwards), now, packets_);
  }
  void remove_peer(GuestId peer);
  void drain() { stack_.drain(); }
  WorkerIndex index() const noexcept { return index_; }
  wireguard::Device& device() noexcept { return device_; }
  slirp::Stack& stack() noexcept { return stack_; }
  LanHub& lan() noexcept { return lan_; }
  const LanHub& lan() const noexcept { return lan_; }
  const wireguard::Device& device() const noexcept { return device_; }
  const slirp::Stack& stack() const noexcept { return stack_; }
  const ShardCounters& counters() const noexcept { return counters_; }

 private:
  // shard.cc
  void forward_to_guests(Instant now);
  bool forward(NetworkIndex from, const PacketView& packet, Instant now);
  void send_on(const NextHop& hop, const PacketView& packet, Instant now);
  void forward_to_peer(GuestId to, const PacketView& packet, Instant now);
  void stage_mail();
  void count_from_guests(std::span<const PacketView> packets, Instant now);
  void capture(Bytes packet, Instant now);

  // shard_lan.cc
  void take_station_packets(Instant now);
  void note_station(GuestId station);
  void note_stations();
  void forward_to_network(const NextHop& hop, const PacketView& packet, Instant now);
  void send_to_station(std::span<const PacketView> packets, Instant now);
  void send_to_station_at(NetworkIndex network, Bytes packet, Instant now);
  void take_lan_mail(Mail& mail, Instant now);
  void stage_session_mail();

  const WorkerIndex index_;
  const std::uint16_t peer_mtu_;  // of inner packets
  io::PcapWriter* const pcap_;
  const WallTime wall_began_;
  const Instant began_;
  std::shared_ptr<const Routes> routes_;
  ShardCounters counters_;
  slirp::Stack stack_;
  wireguard::Device device_;
  LanHub lan_;

  // Gathered during a turn.
  Outbox outbox_;
  wireguard::Device::Out device_out_;  // inner packets between receive() and end_batch(), strays
  PacketBatch packets_;                // for guests, until seal() has sealed them
  std::size_t sealed_ = 0;             // of packets_
  std::vector<PacketView> from_stations_;
  PacketBatch fragments_;  // of the packet being forwarded
};

}  // namespace wgr
