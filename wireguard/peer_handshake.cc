// The peer's handshakes: when to initiate, whom to answer, what to do with the keys.
#include <algorithm>

#include "wireguard/peer.h"

namespace wgr::wireguard {
namespace {

// A stamp this far ahead of our clock locks its sender out until then, should its clock be put right.
constexpr Duration kFarAhead = std::chrono::hours{24};

}  // namespace

void Peer::initiate(Instant now, DatagramBatch& out) {
  // At most one handshake message per Rekey-Timeout; one that waits for its answer is retried by its timer.
  if (last_handshake_message_ != kNever && now - last_handshake_message_ < kRekeyTimeout) {
    if (!may_send(now)) timers_.initiation_postponed(last_handshake_message_ + kRekeyTimeout);
    return;
  }
  const SecretKey* const shared = static_shared();
  if (shared == nullptr) {  // a key that nobody can have: nothing will ever come of it
    drop_staged(DropReason::kStagedExpired);
    return;
  }
  if (!endpoint_) {  // what is staged waits as long as for an unanswered initiation
    if (!staged_.empty()) timers_.initiation_sent(now);
    return;
  }

  Initiation message;
  LocalIndex index = local_.indices.take(*this);
  auto sent =
      create_initiation(local_.identity, public_key_, *shared, next_stamp(now), index.value(), message);
  if (!sent) return;
  outstanding_.reset();
  outstanding_.emplace(Outstanding{std::move(*sent), std::move(index)});
  std::array<std::uint8_t, sizeof message> bytes;
  std::copy_n(bytes_of(message).begin(), bytes.size(), bytes.begin());
  cookies_.add_macs(bytes, now);
  transmit(bytes, out);
  last_handshake_message_ = now;
  local_.counters.initiations_sent.add();
  timers_.initiation_sent(now);
  timers_.authenticated_sent(now);
}

Peer::Refusal Peer::receive_initiation(const OpenedInitiation& initiation, Instant now, DatagramBatch& out) {
  const SecretKey* const shared = static_shared();
  if (shared == nullptr) return DropReason::kHandshakeInvalid;
  OpenedInitiation opened = initiation;
  const std::optional<Timestamp> stamp = accept_initiation(opened, *shared);
  if (!stamp) return DropReason::kHandshakeInvalid;
  if (*stamp <= greatest_stamp_) return DropReason::kHandshakeReplayed;
  if (last_accepted_ != kNever && now - last_accepted_ < kInitiationInterval)
    return DropReason::kHandshakeFlood;

  greatest_stamp_ = *stamp;
  last_accepted_ = now;
  if (wall_time(*stamp) - local_.clock.at(now) > kFarAhead) local_.counters.future_timestamps.add();
  local_.counters.initiations_received.add();
  learn_endpoint(opened.from);
  received_bytes_ += sizeof(Initiation);
  timers_.authenticated_received(now);
  return respond(opened, now, out) ? Refusal{} : DropReason::kHandshakeInvalid;
}

bool Peer::respond(const OpenedInitiation& opened, Instant now, DatagramBatch& out) {
  Response message;
  LocalIndex index = local_.indices.take(*this);
  const auto keys = create_response(opened, preshared_key_, index.value(), message);
  if (!keys) return false;
  install(*keys, Role::kResponder, std::move(index), opened.sender_index, now);
  std::array<std::uint8_t, sizeof message> bytes;
  std::copy_n(bytes_of(message).begin(), bytes.size(), bytes.begin());
  cookies_.add_macs(bytes, now);
  transmit(bytes, out);
  last_handshake_message_ = now;
  local_.counters.responses_sent.add();
  timers_.authenticated_sent(now);
  return true;
}

Peer::Refusal Peer::receive_response(const Endpoint& from, const Response& response, Instant now,
                                     DatagramBatch& out) {
  const std::uint32_t receiver = load_le<std::uint32_t>(response.receiver.data());
  if (!outstanding_ || outstanding_->index.value() != receiver) return DropReason::kHandshakeUnexpected;
  const auto keys = consume_response(local_.identity, outstanding_->sent, preshared_key_, response);
  if (!keys) return DropReason::kHandshakeInvalid;

  learn_endpoint(from);
  received_bytes_ += sizeof(Response);
  local_.counters.responses_received.add();
  LocalIndex index = std::move(outstanding_->index);
  outstanding_.reset();
  install(*keys, Role::kInitiator, std::move(index), load_le<std::uint32_t>(response.sender.data()), now);
  timers_.authenticated_received(now);
  handshake_completed(now);
  // The responder waits for a message that confirms the keys: a staged packet does, else a keepalive.
  if (staged_.empty()) {
    send_keepalive(now, out);
  } else {
    send_staged(now, out);
  }
  return {};
}

Peer::Refusal Peer::receive_cookie_reply(const CookieReply& reply, Instant now) {
  // Whoever sent it need not be the peer: no roaming. The next retry carries the cookie.
  if (!cookies_.consume_reply(reply, now)) return DropReason::kCookieInvalid;
  local_.counters.cookie_replies_received.add();
  return {};
}

void Peer::install(const SessionKeys& keys, Role role, LocalIndex index, std::uint32_t remote_index,
                   Instant now) {
  const std::size_t before = keypairs_.size();
  keypairs_.install(std::make_unique<Keypair>(keys, role, std::move(index), remote_index, now));
  local_.counters.keypairs.add(static_cast<std::int64_t>(keypairs_.size()) -
                               static_cast<std::int64_t>(before));
  timers_.session_derived(now);
}

void Peer::handshake_completed(Instant now) {
  timers_.handshake_completed();
  last_handshake_ = local_.clock.at(now);
  last_handshake_at_ = now;
  local_.counters.handshakes_completed.add();
}

void Peer::erase_sessions() noexcept {
  local_.counters.keypairs.subtract(static_cast<std::int64_t>(keypairs_.size()));
  keypairs_.erase();
  outstanding_.reset();
  timers_.keys_erased();
}

const SecretKey* Peer::static_shared() noexcept {
  if (static_shared_state_ == StaticShared::kUnknown) {
    const bool is_valid = diffie_hellman(static_shared_, local_.identity.private_key, public_key_);
    static_shared_state_ = is_valid ? StaticShared::kValid : StaticShared::kRefused;
  }
  return static_shared_state_ == StaticShared::kValid ? &static_shared_ : nullptr;
}

Timestamp Peer::next_stamp(Instant now) noexcept {
  // Strictly greater than the last one, even within one step of the whitening or after the clock went back.
  last_stamp_ = std::max(local_.clock.at(now), last_stamp_ + Duration{kTimestampGranularity});
  return tai64n(last_stamp_);
}

}  // namespace wgr::wireguard
