#include "wireguard/timers.h"

#include <algorithm>

namespace wgr::wireguard {

Timers::Timers(Rng& rng) noexcept : rng_(rng) { deadlines_.fill(kNever); }

void Timers::data_sent(Instant now) noexcept {
  owes_another_keepalive_ = false;
  if (!is_armed(kNewHandshake)) arm(kNewHandshake, now + kNewHandshakeTimeout + jitter());
}

void Timers::data_received(Instant now) noexcept {
  if (is_armed(kPassiveKeepalive)) {
    owes_another_keepalive_ = true;
  } else {
    arm(kPassiveKeepalive, now + kKeepaliveTimeout);
  }
}

void Timers::authenticated_sent(Instant now) noexcept {
  disarm(kPassiveKeepalive);
  anything_crossed(now);
}

void Timers::authenticated_received(Instant now) noexcept {
  disarm(kNewHandshake);
  anything_crossed(now);
}

void Timers::keepalive_sent(Instant now) noexcept {
  authenticated_sent(now);
  // Data that arrived after the deadline was armed may have left after our last word got there.
  if (owes_another_keepalive_) {
    owes_another_keepalive_ = false;
    arm(kPassiveKeepalive, now + kKeepaliveTimeout);
  }
}

void Timers::initiation_sent(Instant now) noexcept {
  if (attempts_began_ == kNever) attempts_began_ = now;
  arm(kRetransmission, now + kRekeyTimeout + jitter());
}

void Timers::initiation_postponed(Instant until) noexcept {
  if (!is_armed(kRetransmission)) arm(kRetransmission, until + jitter());
}

void Timers::handshake_completed() noexcept {
  disarm(kRetransmission);
  attempts_began_ = kNever;
}

void Timers::session_derived(Instant now) noexcept { arm(kEraseKeys, now + kEraseKeysAfterTime); }

void Timers::persistent_keepalive_set(std::chrono::seconds interval, Instant now) noexcept {
  if (interval == persistent_keepalive_) return;
  persistent_keepalive_ = interval;
  if (interval == interval.zero()) {
    disarm(kPersistentKeepalive);
  } else {
    arm(kPersistentKeepalive, now);  // the first at once: it opens the path
  }
}

void Timers::handshake_wanted(Instant now) noexcept {
  attempts_began_ = kNever;
  arm(kNewHandshake, now);
}

Instant Timers::next_deadline() const noexcept {
  return *std::min_element(deadlines_.begin(), deadlines_.end());
}

Timers::Due Timers::on_deadline(Instant now) noexcept {
  Due due;
  if (take_if_due(kRetransmission, now)) retransmission_due(now, due);
  if (take_if_due(kPassiveKeepalive, now)) due.send_keepalive = true;
  if (take_if_due(kNewHandshake, now)) due.send_initiation = true;
  if (take_if_due(kEraseKeys, now)) due.erase_keys = true;
  if (take_if_due(kPersistentKeepalive, now)) {
    due.send_keepalive = true;
    // Sending moves this on; it stands for the case that there is nowhere to send to.
    arm(kPersistentKeepalive, now + persistent_keepalive_);
  }
  return due;
}

bool Timers::take_if_due(Slot slot, Instant now) noexcept {
  if (deadlines_[slot] > now) return false;
  disarm(slot);
  return true;
}

Duration Timers::jitter() noexcept {
  return Duration{static_cast<Duration::rep>(rng_.below(static_cast<std::uint64_t>(kMaxJitter.count())))};
}

void Timers::anything_crossed(Instant now) noexcept {
  if (persistent_keepalive_ != persistent_keepalive_.zero())
    arm(kPersistentKeepalive, now + persistent_keepalive_);
}

void Timers::retransmission_due(Instant now, Due& due) noexcept {
  if (attempts_began_ != kNever && now - attempts_began_ >= kRekeyAttemptTime) {
    attempts_began_ = kNever;
    disarm(kPassiveKeepalive);
    owes_another_keepalive_ = false;
    if (!is_armed(kEraseKeys)) arm(kEraseKeys, now + kEraseKeysAfterTime);
    due.give_up = true;
  } else {
    due.send_initiation = true;
  }
}

}  // namespace wgr::wireguard
