// A whole router, its WireGuard clients and the internet behind it, in one process at simulated time.
//
//   Guest (device, TCP) --Link up--> SimRouter (shards) --SimSockets--> Internet (servers)
//                       <--Link down--
//
// Nothing sleeps and nothing is random but the seeded links: World moves the clock from event to event.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cmd/peer_book.h"
#include "cmd/shard.h"
#include "slirp/memory_budget.h"
#include "slirp/tcp/connection.h"
#include "tests/sim/link.h"
#include "tests/support/sim_sockets.h"
#include "wireguard/device.h"

namespace wgr::sim {

class World;

struct KeyPair {
  wireguard::PrivateKey private_key;
  wireguard::PublicKey public_key;

  // The same number gives the same keys.
  static KeyPair from_number(std::uint8_t number);
};

// One TCP stream of a guest, as a program on it sees it.
class GuestStream {
 public:
  void send(Bytes bytes);
  void finish();  // no more after what was sent
  void abort();
  void pause_reading() { is_reading_ = false; }
  void resume_reading() { is_reading_ = true; }

  const std::vector<std::uint8_t>& received() const { return received_; }
  bool is_established() const;
  bool is_remote_finished() const { return is_remote_finished_; }
  bool was_reset() const { return was_reset_; }
  bool is_closed() const;
  slirp::tcp::Connection& connection() { return *connection_; }

 private:
  friend class Guest;
  void pump(Instant now, PacketBatch& out);

  std::unique_ptr<slirp::tcp::Connection> connection_;
  std::deque<std::uint8_t> to_send_;
  bool is_finishing_ = false;
  bool has_finished_ = false;
  bool is_aborting_ = false;
  bool is_reading_ = true;
  std::vector<std::uint8_t> received_;
  bool is_remote_finished_ = false;
  bool was_reset_ = false;
};

// A WireGuard client with its own addresses inside and outside.
class Guest {
 public:
  struct Settings {
    std::uint8_t number = 1;          // key and, unless given, addresses
    std::vector<Prefix> allowed_ips;  // of the router's entry for it; empty: its own addresses
    std::optional<wireguard::PresharedKey> preshared_key;        // the router's idea
    std::optional<wireguard::PresharedKey> guest_preshared_key;  // the guest's; empty: the same
    std::chrono::seconds persistent_keepalive{0};
    LinkSettings up, down;
    slirp::Config tcp;  // of the guest's own TCP
  };

  GuestStream& connect(const SocketAddress& remote);
  // An inner packet of any kind.
  void send_packet(Bytes packet);
  // Inner packets that belong to no stream of this guest.
  std::vector<std::vector<std::uint8_t>>& packets() { return packets_; }
  // The client's outer address changes, as when a phone leaves the Wi-Fi.
  void roam(const SocketAddress& outer) { outer_ = outer; }
  void restart_device();

  IpAddress v4() const { return IpAddress::v4(10, 86, 0, settings_.number); }
  IpAddress v6() const;
  GuestId id() const { return id_; }  // the router's id for it
  Link& up() { return up_; }
  Link& down() { return down_; }
  wireguard::Device& device() { return *device_; }
  const slirp::tcp::Counters& tcp_counters() const { return tcp_counters_; }

 private:
  friend class World;
  Guest(World& world, const Settings& settings);

  void make_device();
  void receive(MutableBytes datagram, Instant now);
  void deliver(MutableBytes packet, Instant now);
  void on_deadline(Instant now);
  Instant next_deadline() const;
  void flush(Instant now);

  static constexpr GuestId kRouterPeer{0, 1};  // the router, as the guest's device knows it

  World& world_;
  const Settings settings_;
  const KeyPair keys_;
  GuestId id_;
  SocketAddress outer_;
  Rng rng_;
  Link up_;
  Link down_;
  std::unique_ptr<wireguard::Device> device_;
  DatagramBatch datagrams_;
  wireguard::Device::Out device_out_;
  PacketBatch packets_out_;

  PacketPool pool_;
  slirp::tcp::Counters tcp_counters_;
  slirp::MemoryBudget memory_;
  slirp::tcp::Environment environment_;
  std::map<std::uint16_t, GuestStream> streams_;  // by local port
  std::uint16_t next_port_ = 40000;
  std::vector<std::vector<std::uint8_t>> packets_;
};

class World {
 public:
  struct Settings {
    std::size_t workers = 1;
    slirp::Config stack;
    OverlayConfig overlay;
    egress::Policy::Settings policy;
    std::uint64_t seed = 1;
  };

  World() : World(Settings{}) {}
  explicit World(Settings settings);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Guest& add_guest(const Guest::Settings& settings);
  Internet& internet() { return internet_; }
  Instant now() const { return now_; }

  // Moves time from event to event until `done` holds; false if it does not within `limit`.
  bool run_until(const std::function<bool()>& done, Duration limit);
  void run_for(Duration duration) {
    run_until([] { return false; }, duration);
  }

  // The router loses everything and starts again with the same keys and peers.
  void restart_router();
  Shard& shard(std::size_t worker) { return *workers_[worker]->shard; }
  std::size_t active_flows() const;
  // The router's address as clients dial it.
  static SocketAddress router_address() { return {IpAddress::v4(192, 0, 2, 1), 51820}; }
  const KeyPair& router_keys() const { return keys_; }

 private:
  friend class Guest;
  struct Worker {
    std::unique_ptr<SimSockets> sockets;
    std::unique_ptr<Shard> shard;
    Rng rng{1};
  };

  void make_router();
  void tell_peers();
  Instant next_event() const;
  void run_events();
  void arrive_at_router(const SocketAddress& from, MutableBytes datagram);
  void flush_router();
  Guest* guest_at(const SocketAddress& outer);

  const Settings settings_;
  const KeyPair keys_ = KeyPair::from_number(200);
  Instant now_{std::chrono::hours{1}};
  Internet internet_;
  PeerBook book_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Guest>> guests_;
};

}  // namespace wgr::sim
