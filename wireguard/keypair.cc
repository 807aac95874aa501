#include "wireguard/keypair.h"

#include <algorithm>
#include <cassert>

namespace wgr::wireguard {

Keypair::Keypair(const SessionKeys& keys, Role role, LocalIndex local, std::uint32_t remote_index,
                 Instant now, std::uint64_t first_counter)
    : sending_(keys.sending),
      receiving_(keys.receiving),
      role_(role),
      remote_index_(remote_index),
      created_(now),
      local_(std::move(local)),
      send_counter_(first_counter) {
  local_.bind(*this);
}

void Keypair::seal(Bytes packet, std::size_t padding, std::uint8_t* out) noexcept {
  assert(send_counter_ < kRejectAfterMessages);
  const std::uint64_t counter = send_counter_++;
  write_transport_header(out, remote_index_, counter);
  std::uint8_t* const body = out + kTransportHeaderSize;
  if (padding == 0) {  // a full packet: encryption is the pass that moves it
    sending_.seal(counter, packet, {}, body);
    return;
  }
  std::copy(packet.begin(), packet.end(), body);
  std::fill_n(body + packet.size(), padding, std::uint8_t{0});
  sending_.seal(counter, {body, packet.size() + padding}, {}, body);
}

Keypair::Opened Keypair::open(MutableBytes datagram, Instant now) noexcept {
  const std::uint64_t counter = transport_counter(datagram);
  if (!may_receive(counter, now)) return {{}, Failure::kExpired};
  const MutableBytes sealed = datagram.subspan(kTransportHeaderSize);
  if (!receiving_.open(counter, sealed)) return {{}, Failure::kForged};
  if (!received_.accept(counter)) return {{}, Failure::kReplayed};
  return {sealed.first(sealed.size() - kTagSize), Failure::kNone};
}

void KeypairSlots::install(std::unique_ptr<Keypair> keypair) noexcept {
  if (keypair->role() == Role::kInitiator) {
    // The response proves that the responder has the keys: they serve at once. A `next` that waits for
    // its confirmation may still get messages, so it outlives `current`.
    previous_ = next_ ? std::move(next_) : std::move(current_);
    current_ = std::move(keypair);
  } else {
    // At most three: `current` stays in use until `next` is confirmed, and there is no room for more.
    next_ = std::move(keypair);
    previous_.reset();
  }
}

bool KeypairSlots::confirm(const Keypair& keypair) noexcept {
  if (next_.get() != &keypair) return false;
  previous_ = std::move(current_);
  current_ = std::move(next_);
  return true;
}

void KeypairSlots::erase() noexcept {
  previous_.reset();
  current_.reset();
  next_.reset();
}

}  // namespace wgr::wireguard
