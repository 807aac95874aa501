// A stack on a simulated internet, its guests, and a clock the test moves.
//
//   test / GuestTcp --packets--> Stack --> SimSockets --> Internet
//
// Everything that can happen at one instant happens before time moves on: settle() passes readiness and
// packets around until all is quiet, advance() does that at every event and deadline up to its end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/packet_buffer.h"
#include "slirp/stack.h"
#include "tests/support/packets.h"
#include "tests/support/sim_sockets.h"

namespace wgr::sim {

inline constexpr GuestId kGuest{0, 1};
inline constexpr GuestId kOtherGuest{0, 2};

class GuestTcp;
class GuestServer;

class StackWorld {
 public:
  // MTU 1420, own addresses 10.0.0.1 and fd00::1, everything else as shipped.
  static slirp::Config default_config();

  explicit StackWorld(slirp::Config config = default_config(), egress::Policy::Settings policy = {});
  ~StackWorld();

  slirp::Stack& stack() { return *stack_; }
  const slirp::Counters& counters() const { return stack_->counters(); }
  std::uint64_t drops(DropReason reason) const { return counters().drops.value(reason); }

  // All in one batch, then settle().
  void send(std::vector<Packet> packets, GuestId guest = kGuest);
  void send(Packet packet, GuestId guest = kGuest) { send(std::vector<Packet>{std::move(packet)}, guest); }
  // Packets to guests that no GuestTcp took, oldest first.
  std::vector<GuestPacket> take() { return std::exchange(inbox_, {}); }
  // The only one. Fails the test (by exception) if there is another number of packets.
  GuestPacket take_one();

  void set_forwards(std::vector<slirp::ForwardConfig> forwards);

  void settle();
  void advance(Duration by);
  // Advances until `done`, at most by `limit`; whether it happened.
  bool advance_until(const std::function<bool()>& done, Duration limit);

  Instant now{std::chrono::hours{1}};
  Internet internet;
  SimSockets sockets{internet};
  Duration link_latency{0};  // between guest and stack, each way
  // A packet for a guest may be lost here: return false to drop it.
  std::function<bool(const GuestPacket&)> passes_to_guest;

 private:
  friend class GuestTcp;
  friend class GuestServer;
  void queue(Packet packet, GuestId guest);
  bool step();
  void collect();
  void deliver(GuestPacket packet);
  Instant next_event() const;

  Rng rng_{1};
  PacketBatch out_;
  std::vector<GuestTcp*> guests_;
  std::vector<GuestServer*> servers_;
  std::vector<GuestPacket> inbox_;
  std::vector<std::pair<GuestId, Packet>> to_stack_;
  std::unique_ptr<slirp::Stack> stack_;
};

// A guest's end of a TCP connection: our own TCP the other way round, with memory of its own.
class GuestTcp {
 public:
  GuestTcp(StackWorld& world, const SocketAddress& local, const SocketAddress& remote, GuestId guest = kGuest,
           slirp::Config config = StackWorld::default_config());
  ~GuestTcp();

  void connect();
  void send(Bytes bytes);
  void send(std::string_view text) { send(bytes_of(text)); }
  void send_generated(std::uint64_t total, RemoteStream::Fill fill);
  void finish();  // FIN after what was sent
  void abort();   // RST
  void pause_reading() { is_paused_ = true; }
  void resume_reading();

  bool is_established() const;
  bool is_closed() const;
  bool was_refused() const { return was_refused_; }  // RST in answer to the SYN
  bool was_reset() const;
  bool peer_finished() const { return peer_finished_; }
  std::uint64_t bytes_received() const { return bytes_received_; }
  std::string received_text() const { return {received_.begin(), received_.end()}; }
  const std::vector<std::uint8_t>& received() const { return received_; }
  const SocketAddress& remote() const { return remote_; }

  bool keep_received = true;
  std::function<void(Bytes)> on_data;

 private:
  friend class StackWorld;
  friend class GuestServer;
  // Answers `syn`.
  GuestTcp(StackWorld& world, GuestPacket& syn, const slirp::Config& config);
  bool takes(GuestPacket& packet);
  Instant next_deadline() const;
  void on_deadline();
  void pump();
  void flush();

  struct Parts;
  StackWorld& world_;
  const SocketAddress local_;
  const SocketAddress remote_;
  const GuestId guest_;
  std::unique_ptr<Parts> parts_;
  std::vector<std::uint8_t> unsent_;
  std::size_t unsent_offset_ = 0;
  std::uint64_t generated_total_ = 0;
  std::uint64_t generated_offset_ = 0;
  RemoteStream::Fill fill_;
  std::vector<std::uint8_t> received_;
  std::uint64_t bytes_received_ = 0;
  bool is_paused_ = false;
  bool finish_wanted_ = false;
  bool finish_sent_ = false;
  bool peer_finished_ = false;
  bool was_refused_ = false;
};

// A TCP server of a guest: takes every connection to its address and port.
class GuestServer {
 public:
  GuestServer(StackWorld& world, const SocketAddress& local, GuestId guest = kGuest,
              slirp::Config config = StackWorld::default_config());
  ~GuestServer();

  std::function<void(GuestTcp&)> on_accept;
  std::vector<std::unique_ptr<GuestTcp>> connections;  // in the order of their SYNs

  GuestTcp& last() { return *connections.back(); }

 private:
  friend class StackWorld;
  bool takes(GuestPacket& packet);

  StackWorld& world_;
  const SocketAddress local_;
  const GuestId guest_;
  const slirp::Config config_;
};

}  // namespace wgr::sim
