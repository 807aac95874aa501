// The WireGuard device of one worker: the peers that live here, their index table, the handshake gate.
// Sans-IO: datagrams in, inner packets and datagrams out.
//
//   receive:  parse -> index -> keypair -> decrypt in place -> replay window -> timers -> inner length
//             -> source belongs to this peer -> Out::packets
//   send:     peer -> current keypair -> seal straight into Out::datagrams, or stage and initiate
//
// A device knows the public keys of every peer of the router, but only its own peers' state. An
// initiation for a peer of another worker is opened here (one DH) and handed over (Out::strays).
//
// Thread: confined to one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/endpoint.h"
#include "core/packet_buffer.h"
#include "core/rng.h"
#include "core/time.h"
#include "wireguard/allowed_ips.h"
#include "wireguard/config.h"
#include "wireguard/counters.h"
#include "wireguard/handshake.h"

namespace wgr::wireguard {

// An initiation that was opened on a worker that is not the peer's home. A value: it crosses by mailbox.
struct OpenedInitiation;  // handshake.h

// A datagram that belongs to another worker (its index names it) but arrived here.
struct StrayDatagram {
  WorkerIndex home = 0;
  Endpoint from;
  MutableBytes bytes;  // into the received datagram
};

class Device {
 public:
  // What a call produced. Owned and cleared by the caller; views point into the received datagram.
  struct Out {
    std::vector<PacketView> packets;     // decrypted, source checked: guest is the peer
    DatagramBatch& datagrams;
    std::vector<StrayDatagram> stray_datagrams;
    std::vector<OpenedInitiation> stray_initiations;
  };

  Device(const DeviceConfig& config, WorkerIndex worker, WallTime wall_now, Instant now, Rng& rng);
  ~Device();

  // --- configuration (between batches) ---
  void set_private_key(const PrivateKey& key, Instant now);
  // Every peer of the router, so that initiations find their home; replaces the former directory.
  void set_directory(std::shared_ptr<const class PeerDirectory> directory);
  void set_allowed_ips(std::shared_ptr<const AllowedIps> allowed_ips);
  // REQUIRES: id.home() is this worker. Adds the peer or updates it, sessions untouched.
  void set_peer(GuestId id, const PeerConfig& config, Instant now);
  void remove_peer(GuestId id);
  // The resolved endpoint of a configured peer; does not replace one learned by roaming unless forced.
  void set_endpoint(GuestId id, const Endpoint& endpoint);
  void set_wall_clock(WallTime wall_now, Instant now);

  // --- packets ---
  // One datagram, decrypted in place: `bytes` is scratch afterwards and must outlive the batch.
  void receive(const Endpoint& from, MutableBytes bytes, Instant now, Out& out);
  // An initiation for a peer of ours that another worker opened.
  void receive(const OpenedInitiation& initiation, Instant now, Out& out);
  // An inner packet to a peer of ours: sealed, or staged while a handshake runs.
  void send(GuestId peer, Bytes packet, Instant now, Out& out);

  Instant next_deadline() const;
  void on_deadline(Instant now, Out& out);

  // --- for operators ---
  struct PeerStatus {
    GuestId id;
    PublicKey public_key;
    Endpoint endpoint;
    WallTime last_handshake;  // zero: never
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;
  };
  std::vector<PeerStatus> status() const;
  const Counters& counters() const;

 private:
  struct Impl;
};

}  // namespace wgr::wireguard
