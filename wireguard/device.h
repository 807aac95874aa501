// The WireGuard device of one worker: the peers that live here, their index table, the handshake gate.
// Sans-IO: datagrams in, inner packets and datagrams out.
//
//   receive:  parse -> index -> keypair -> decrypt in place -> replay window -> timers -> inner length
//             -> source belongs to this peer -> Out::packets
//   send:     peer -> current keypair -> seal straight into Out::datagrams, or stage and initiate
//
// A device knows the public keys of every peer of the router (PeerDirectory), but only its own peers'
// state. An initiation for a peer of another worker is opened here (MACs, cookie gate, one DH) and handed
// over (Out::stray_initiations); a message whose index names another worker goes to Out::stray_datagrams.
//
// Nothing that does not authenticate is answered, except a valid MAC1 under load: with a cookie reply.
//
// Thread: confined to one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/deadline_queue.h"
#include "core/endpoint.h"
#include "core/packet_buffer.h"
#include "core/rng.h"
#include "core/time.h"
#include "wireguard/allowed_ips.h"
#include "wireguard/config.h"
#include "wireguard/cookie.h"
#include "wireguard/counters.h"
#include "wireguard/handshake.h"
#include "wireguard/load_meter.h"
#include "wireguard/local.h"
#include "wireguard/peer_directory.h"
#include "wireguard/rate_limiter.h"

namespace wgr::wireguard {

class Peer;

// A datagram that belongs to another worker (its index names it) but arrived here. `home` is the word
// of the network: it may name a worker that does not exist.
struct StrayDatagram {
  WorkerIndex home = 0;
  Endpoint from;
  MutableBytes bytes;  // into the received datagram
};

// Who tells a peer's endpoint. The operator's word replaces any other; a name that was resolved again, or
// a dial that still stands, yields to an endpoint that is in use.
enum class EndpointOrigin : std::uint8_t { kOperator, kResolver };

class Device {
 public:
  // What a call produced. Owned and cleared by the caller; views point into the received datagram.
  struct Out {
    explicit Out(DatagramBatch& batch) : datagrams(batch) {}

    // Forgets everything but the datagrams, which the caller sends and clears on its own.
    void clear() {
      packets.clear();
      stray_datagrams.clear();
      stray_initiations.clear();
    }

    std::vector<PacketView> packets;  // decrypted, source checked: guest is the peer
    DatagramBatch& datagrams;
    std::vector<StrayDatagram> stray_datagrams;
    std::vector<OpenedInitiation> stray_initiations;  // home is peer.home()
  };

  // `rng` must outlive the device; it only spreads timers.
  Device(const DeviceConfig& config, WorkerIndex worker, WallTime wall_now, Instant now, Rng& rng);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // --- configuration (between batches) ---
  // Ends every session; peers that had one are asked for a new one at the next deadline. A peer that has
  // the new public key of ours is removed.
  void set_private_key(const PrivateKey& key, Instant now);
  // Every peer of the router, so that initiations find their home; replaces the former directory.
  void set_directory(std::shared_ptr<const PeerDirectory> directory);
  void set_allowed_ips(std::shared_ptr<const AllowedIps> allowed_ips);
  // REQUIRES: id.home() is this worker. Adds the peer or updates it, sessions untouched: a new preshared
  // key serves from the next handshake on. A peer with our own public key is ignored.
  void set_peer(GuestId id, const PeerConfig& config, Instant now);
  void remove_peer(GuestId id);
  // The resolved endpoint of a configured peer.
  void set_endpoint(GuestId id, const Endpoint& endpoint, EndpointOrigin origin, Instant now);
  void set_wall_clock(WallTime wall_now, Instant now) { local_.clock.set(wall_now, now); }

  // --- packets ---
  // One datagram, decrypted in place: `bytes` is scratch afterwards and must outlive the batch.
  void receive(const Endpoint& from, MutableBytes datagram, Instant now, Out& out) {
    receive(from, datagram, datagram.size(), now, out);
  }
  // The same for datagrams of `segment_size` (the last may be shorter) that came from one endpoint together:
  // what they have in common is done once. REQUIRES: segment_size > 0 unless there are no bytes: one empty
  // datagram.
  void receive(const Endpoint& from, MutableBytes datagrams, std::size_t segment_size, Instant now, Out& out);
  // An initiation for a peer of ours that another worker opened.
  void receive(const OpenedInitiation& initiation, Instant now, Out& out);
  // An inner packet to a peer of ours: sealed, or staged while a handshake runs.
  void send(GuestId peer, Bytes packet, Instant now, Out& out);
  // The same for packets that all go to the first one's guest: what a run has in common is done once.
  // REQUIRES: !packets.empty().
  void send(std::span<const PacketView> packets, Instant now, Out& out);

  Instant next_deadline() const noexcept;
  // Of many peers that are due, some: the others are the next deadline, which is past.
  void on_deadline(Instant now, Out& out);

  // --- for operators ---
  struct PeerStatus {
    GuestId id;
    PublicKey public_key{};
    std::string name;
    Endpoint endpoint;                 // kind kNone: unknown
    WallTime last_handshake{};         // zero: never
    Instant session_since = kNever;    // when the keypair in use was made; kNever: none
    std::uint64_t received_bytes = 0;  // as `wg` counts them: UDP payloads, handshakes included
    std::uint64_t sent_bytes = 0;
    std::chrono::seconds persistent_keepalive{0};
    bool has_preshared_key = false;
  };
  std::vector<PeerStatus> status() const;
  const PublicKey& public_key() const noexcept { return local_.identity.public_key; }
  const Counters& counters() const noexcept { return local_.counters; }

 private:
  // device.cc
  Peer* find_peer(GuestId id) noexcept;
  void arm(Peer& peer);
  // Packets come in runs: the deadline of a peer is looked at when its run ends.
  void packet_passed(Peer& peer) {
    if (unarmed_ == &peer) return;
    if (unarmed_ != nullptr) arm(*unarmed_);
    unarmed_ = &peer;
  }
  void drop(DropReason reason) noexcept { local_.counters.drops.count(reason); }

  // device_receive.cc
  void receive_initiation(const Endpoint& from, Bytes datagram, Instant now, Out& out);
  void receive_response(Peer& peer, const Endpoint& from, Bytes datagram, Instant now, Out& out);
  void receive_cookie_reply(Peer& peer, Bytes datagram, Instant now);
  void receive_one(const Endpoint& from, MutableBytes bytes, Instant now, Out& out);
  // The keypair a transport message names, if it is one and for us; else receive_one() knows what to do.
  const IndexTable::Entry* find_transport(const Endpoint& from, Bytes datagram) const noexcept;
  // As many at the front as name the same keypair. Returns their bytes.
  std::size_t receive_transport(const IndexTable::Entry& entry, const Endpoint& from, MutableBytes datagrams,
                                std::size_t segment_size, Instant now, Out& out);
  void accept_packet(const Peer& peer, MutableBytes packet, Out& out);
  // Whom AllowedIPs give the source of a packet; nobody if none. REQUIRES: 4 or 16 bytes.
  GuestId owner_of(Bytes source) noexcept;
  // Whether an initiation or response may cost us a Diffie-Hellman: MAC1 always, MAC2 and rate under load.
  bool pass_gate(const Endpoint& from, Bytes message, std::uint32_t sender_index, Instant now, Out& out);
  void send_cookie_reply(const Endpoint& to, Bytes message, std::uint32_t sender_index, Instant now,
                         Out& out);

  Local local_;
  const WorkerIndex worker_;
  std::shared_ptr<const PeerDirectory> directory_;
  std::shared_ptr<const AllowedIps> allowed_ips_;
  CookieChecker cookie_checker_;
  RateLimiter rate_limiter_;
  LoadMeter load_;
  ReplyBudget cookie_budget_;

  std::unordered_map<GuestId, std::unique_ptr<Peer>> peers_;
  GuestId last_id_;  // the peer of the last packet sent, most likely that of the next
  Peer* last_peer_ = nullptr;
  std::uint64_t run_ = 0;                 // of datagrams from one endpoint
  std::optional<IpAddress> last_source_;  // of the last packet received, and what allowed_ips_ say of it
  GuestId last_owner_;
  DeadlineQueue<GuestId> deadlines_;
  Peer* unarmed_ = nullptr;  // its deadline may be earlier than deadlines_ knows
};

}  // namespace wgr::wireguard
