// The timers of one WireGuard peer (whitepaper 6.2 to 6.5).
//
// Timers is told what happened and answers what is due. It reads no clock, sends nothing and knows no
// Peer: every instant comes in as `now`, every wish goes out as a Due.
//
//   deadline             armed by                                 taken back by            then
//   retransmission       initiation sent (+5 s and jitter)        handshake completed      initiate again, or
//                                                                                          give up after 90 s
//   passive keepalive    data received (+10 s)                    anything sent            send a keepalive
//   new handshake        data sent (+15 s and jitter)             anything received        initiate
//   erasure              session derived or given up (+540 s)                              erase all keys
//   persistent keepalive anything sent or received (+interval)                             send a keepalive
//
// Events only store instants, so they may come with every packet.
//
// Thread: confined to the worker that owns the peer.
#pragma once

#include <array>
#include <chrono>

#include "core/rng.h"
#include "core/time.h"
#include "wireguard/constants.h"

namespace wgr::wireguard {

class Timers {
 public:
  // What the peer must do now. Several may fall due at the same instant.
  struct Due {
    bool send_initiation = false;  // the path may have changed: forget the cached source address first
    bool send_keepalive = false;
    bool give_up = false;  // the handshake failed for good: drop staged packets
    bool erase_keys = false;

    friend bool operator==(const Due&, const Due&) = default;
  };

  // `rng` must outlive this object; it only spreads handshakes. `persistent_keepalive` of zero is off.
  explicit Timers(Rng& rng) noexcept;

  // --- events: call each one right after the thing it names has happened ---
  void data_sent(Instant now) noexcept;      // a transport message with a packet in it
  void data_received(Instant now) noexcept;  // likewise; a keepalive is not data
  // Anything at all that authenticates, after the more particular event if there is one.
  void authenticated_sent(Instant now) noexcept;
  void authenticated_received(Instant now) noexcept;
  // A keepalive; includes authenticated_sent().
  void keepalive_sent(Instant now) noexcept;
  void initiation_sent(Instant now) noexcept;
  // An initiation is wanted but the last handshake message is too recent.
  void initiation_postponed(Instant until) noexcept;
  // A packet waits for keys: whoever wants to talk restarts the patience of 90 s (6.4).
  void packet_staged(Instant now) noexcept { attempts_began_ = now; }
  void handshake_completed() noexcept;         // both sides have the keys and know it
  void session_derived(Instant now) noexcept;  // we have new keys
  void persistent_keepalive_set(std::chrono::seconds interval, Instant now) noexcept;
  // The sessions were dropped or the endpoint has become known: a handshake is wanted now.
  void handshake_wanted(Instant now) noexcept;
  void keys_erased() noexcept { disarm(kEraseKeys); }

  // The earliest instant at which on_deadline() has work; kNever if there is none.
  Instant next_deadline() const noexcept;

  // Takes what is due at `now`. Calling early is harmless and returns Due{}.
  Due on_deadline(Instant now) noexcept;

  std::chrono::seconds persistent_keepalive() const noexcept { return persistent_keepalive_; }

 private:
  enum Slot { kRetransmission, kPassiveKeepalive, kNewHandshake, kEraseKeys, kPersistentKeepalive, kSlots };

  bool is_armed(Slot slot) const noexcept { return deadlines_[slot] != kNever; }
  void arm(Slot slot, Instant at) noexcept { deadlines_[slot] = at; }
  void disarm(Slot slot) noexcept { deadlines_[slot] = kNever; }
  bool take_if_due(Slot slot, Instant now) noexcept;
  Duration jitter() noexcept;
  void anything_crossed(Instant now) noexcept;
  void retransmission_due(Instant now, Due& due) noexcept;

  Rng& rng_;
  std::chrono::seconds persistent_keepalive_{0};
  std::array<Instant, kSlots> deadlines_;  // kNever: not armed
  Instant attempts_began_ = kNever;        // the first initiation or the last staged packet of this try
  bool owes_another_keepalive_ = false;    // data came while the passive keepalive was armed already
};

}  // namespace wgr::wireguard
