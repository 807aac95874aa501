// One peer: its handshakes, keypairs, timers, staged packets and endpoint.
//
// A handshake we initiate and one the peer initiates do not share state, so that two sides that
// initiate at the same instant both succeed: each ends up sending on the one it initiated.
//
// Thread: confined to its home worker.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/endpoint.h"
#include "core/guest_id.h"
#include "core/packet_buffer.h"
#include "core/time.h"
#include "wireguard/config.h"
#include "wireguard/cookie.h"
#include "wireguard/handshake.h"
#include "wireguard/keypair.h"
#include "wireguard/local.h"
#include "wireguard/timers.h"

namespace wgr::wireguard {

class Peer {
 public:
  // `local` must outlive the peer.
  Peer(GuestId id, const PeerConfig& config, Local& local, Instant now);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  // --- configuration ---
  // REQUIRES: config.public_key is this peer's.
  void update(const PeerConfig& config, Instant now);
  // Where to send to, until the peer is heard from elsewhere. Starts what waited for an endpoint.
  void set_endpoint(const Endpoint& endpoint, Instant now);
  // Ends the sessions; if there were any, asks for a new handshake. For a change of our private key.
  void restart(Instant now);

  // --- out ---
  void send(Bytes packet, Instant now, DatagramBatch& out);
  void send(std::span<const PacketView> packets, Instant now, DatagramBatch& out);

  // --- in: nothing if served, else why not ---
  using Refusal = std::optional<DropReason>;
  Refusal receive_initiation(const OpenedInitiation& initiation, Instant now, DatagramBatch& out);
  Refusal receive_response(const Endpoint& from, const Response& response, Instant now, DatagramBatch& out);
  Refusal receive_cookie_reply(const CookieReply& reply, Instant now);
  // Transport messages have authenticated on `keypair`, all from one endpoint.
  struct Received {
    std::size_t datagrams = 0;  // REQUIRES: at least one
    std::size_t bytes = 0;      // of them
    std::size_t packets = 0;    // in them; the others were keepalives
  };
  void transport_received(Keypair& keypair, const Endpoint& from, std::uint64_t run, const Received& received,
                          Instant now, DatagramBatch& out);

  Instant next_deadline() const noexcept { return timers_.next_deadline(); }
  void on_deadline(Instant now, DatagramBatch& out);
  Instant queued = kNever;  // of the device's deadline queue

  // --- for operators ---
  GuestId id() const noexcept { return id_; }
  const PublicKey& public_key() const noexcept { return public_key_; }
  const std::string& name() const noexcept { return name_; }
  const Endpoint& endpoint() const noexcept { return endpoint_; }
  // Whether that is where it is reached now, by whichever way of ours.
  bool is_at(const Endpoint& place) const noexcept {
    return endpoint_.kind == place.kind && endpoint_.remote == place.remote &&
           endpoint_.session == place.session;
  }
  const KeypairSlots& keypairs() const noexcept { return keypairs_; }
  WallTime last_handshake() const noexcept { return last_handshake_; }
  Instant last_handshake_at() const noexcept { return last_handshake_at_; }  // kNever: never
  std::uint64_t received_bytes() const noexcept { return received_bytes_; }
  std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }
  std::chrono::seconds persistent_keepalive() const noexcept { return timers_.persistent_keepalive(); }
  bool has_preshared_key() const noexcept { return !preshared_key_.is_zero(); }

 private:
  // An initiation of ours that waits for its response.
  struct Outstanding {
    SentInitiation sent;
    LocalIndex index;
  };

  // peer.cc
  void send_keepalive(Instant now, DatagramBatch& out);
  void seal_packet(Keypair& keypair, Bytes packet, Instant now, DatagramBatch& out);
  bool may_send(Instant now) const noexcept;
  void stage(Bytes packet);
  void drop_oldest_staged() noexcept;
  void drop_staged(DropReason reason) noexcept;
  void send_staged(Instant now, DatagramBatch& out);
  void learn_endpoint(const Endpoint& from);
  void forget_source() noexcept;
  void transmit(Bytes message, DatagramBatch& out);
  void count_sent(std::size_t datagram_size) noexcept;

  // peer_handshake.cc
  void initiate(Instant now, DatagramBatch& out);
  bool respond(const OpenedInitiation& opened, Instant now, DatagramBatch& out);
  void install(const SessionKeys& keys, Role role, LocalIndex index, std::uint32_t remote_index, Instant now);
  void handshake_completed(Instant now);
  void erase_sessions() noexcept;
  const SecretKey* static_shared() noexcept;
  Timestamp next_stamp(Instant now) noexcept;

  // Constant after construction.
  const GuestId id_;
  const PublicKey public_key_;
  Local& local_;

  // Changed by update().
  SecretKey preshared_key_;  // zero: none
  std::string name_;

  std::uint64_t learned_in_ = 0;  // the run of datagrams whose endpoint is endpoint_; 0: none
  Endpoint endpoint_;             // changed by set_endpoint() and by whatever authenticates
  Timers timers_;
  KeypairSlots keypairs_;
  CookieJar cookies_;
  std::deque<std::vector<std::uint8_t>> staged_;

  // The handshake.
  enum class StaticShared : std::uint8_t { kUnknown, kValid, kRefused };
  StaticShared static_shared_state_ = StaticShared::kUnknown;
  SecretKey static_shared_;  // the DH of both static keys, made on first use
  std::optional<Outstanding> outstanding_;
  Instant last_handshake_message_ = kNever;  // our last initiation or response
  Instant last_accepted_ = kNever;           // the last initiation we answered
  Timestamp greatest_stamp_{};               // of the initiations we answered
  WallTime last_stamp_{};                    // of the initiations we sent

  // Status.
  WallTime last_handshake_{};
  Instant last_handshake_at_ = kNever;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t sent_bytes_ = 0;
};

}  // namespace wgr::wireguard
