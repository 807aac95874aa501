// The transport keys of one handshake, and the slots in which a peer keeps them.
//
//   previous   the one before: still receives, for messages that were on their way
//   current    sends and receives
//   next       a responder's new one: receives, and becomes current with the first message on it,
//              which proves that the initiator has the keys too (key confirmation)
//
// Thread: confined to the worker of its peer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/time.h"
#include "wireguard/constants.h"
#include "wireguard/crypto.h"
#include "wireguard/handshake.h"
#include "wireguard/index_table.h"
#include "wireguard/replay_window.h"

namespace wgr::wireguard {

enum class Role : std::uint8_t { kInitiator, kResponder };

class Keypair {
 public:
  // Takes over the index, which names this keypair from then on. `first_counter` is for tests of the limits.
  Keypair(const SessionKeys& keys, Role role, LocalIndex local, std::uint32_t remote_index, Instant now,
          std::uint64_t first_counter = 0);

  // Whether messages may still be sent and received with it (whitepaper 6.2).
  bool may_send(Instant now) const noexcept {
    return send_counter_ < kRejectAfterMessages && !has_expired(now);
  }
  std::uint64_t messages_left() const noexcept {
    return kRejectAfterMessages - std::min(send_counter_, kRejectAfterMessages);
  }
  bool may_receive(std::uint64_t counter, Instant now) const noexcept {
    return counter < kRejectAfterMessages && !has_expired(now);
  }
  // Whether sending, or receiving, with it calls for a new handshake.
  bool is_stale_for_sending(Instant now) const noexcept {
    return send_counter_ > kRekeyAfterMessages ||
           (role_ == Role::kInitiator && now - created_ >= kRekeyAfterTime);
  }
  bool is_stale_for_receiving(Instant now) const noexcept {
    return role_ == Role::kInitiator && now - created_ >= kReceiveRekeyAfterTime;
  }

  // One transport message around `packet`, padded with `padding` zeros.
  // REQUIRES: may_send(); kTransportOverhead + packet.size() + padding bytes at `out`.
  void seal(Bytes packet, std::size_t padding, std::uint8_t* out) noexcept;

  // The inner packet, decrypted in place; empty for a keepalive. REQUIRES: classify() said transport.
  enum class Failure : std::uint8_t { kNone, kExpired, kForged, kReplayed };
  struct Opened {
    MutableBytes packet;
    Failure failure = Failure::kNone;
  };
  Opened open(MutableBytes datagram, Instant now) noexcept;

  std::uint32_t local_index() const noexcept { return local_.value(); }
  std::uint32_t remote_index() const noexcept { return remote_index_; }
  Instant created() const noexcept { return created_; }
  Role role() const noexcept { return role_; }
  std::uint64_t send_counter() const noexcept { return send_counter_; }

 private:
  bool has_expired(Instant now) const noexcept { return now - created_ >= kRejectAfterTime; }

  // Constant after construction.
  const AeadKey sending_;
  const AeadKey receiving_;
  const Role role_;
  const std::uint32_t remote_index_;
  const Instant created_;
  LocalIndex local_;

  std::uint64_t send_counter_;  // changed by seal()
  ReplayWindow received_;       // changed by open()
};

class KeypairSlots {
 public:
  Keypair* current() const noexcept { return current_.get(); }
  Keypair* next() const noexcept { return next_.get(); }
  Keypair* previous() const noexcept { return previous_.get(); }
  bool empty() const noexcept { return !current_ && !next_ && !previous_; }
  std::size_t size() const noexcept {
    return (current_ ? std::size_t{1} : 0) + (next_ ? std::size_t{1} : 0) + (previous_ ? std::size_t{1} : 0);
  }

  // A handshake has completed: an initiator may send at once, a responder waits for confirmation.
  void install(std::unique_ptr<Keypair> keypair) noexcept;
  // A message arrived on `keypair`. True if that confirmed it: it was `next` and is `current` from here on.
  bool confirm(const Keypair& keypair) noexcept;
  void erase() noexcept;

 private:
  std::unique_ptr<Keypair> previous_;
  std::unique_ptr<Keypair> current_;
  std::unique_ptr<Keypair> next_;
};

}  // namespace wgr::wireguard
