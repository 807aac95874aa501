// The deadlines of a connection: each has a name, and next_deadline() is the minimum of them.
#include <algorithm>
#include <chrono>

#include "slirp/tcp/connection.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSynGiveUp = 3min;  // RFC 9293 MUST-23: R2 of a SYN
constexpr Duration kKeepaliveRetry = 75s;
constexpr Duration kMemoryKept = 2s;  // empty containers keep their memory that long

Instant after(Instant since, Duration wait) { return wait > Duration::zero() ? since + wait : kNever; }

}  // namespace

// When the state has lasted too long.
Instant Connection::lifetime_deadline() const noexcept {
  const TcpConfig& config = environment_.config.tcp;
  switch (state_) {
    case State::kSynReceived:
      return after(syn_began_, config.connect_timeout + config.syn_timeout);
    case State::kSynAckSent:
      return after(syn_began_, is_passive_ ? config.syn_timeout : kSynGiveUp);
    case State::kSynSent:
      return syn_transmissions_ == 0 ? kNever : after(syn_began_, kSynGiveUp);
    case State::kEstablished:
    case State::kCloseWait:
      return after(std::max(heard_at_, active_at_), config.idle_timeout);
    case State::kFinWait2:  // RFC 5382 REQ-5; a guest that still sends is not idle
      return after(std::max(heard_at_, state_began_), config.fin_wait_2_timeout);
    case State::kTimeWait:
      return after(state_began_, config.time_wait);
    case State::kFinWait1:
    case State::kClosing:
    case State::kLastAck:  // the sender's retransmissions end them
    case State::kClosed:
      return kNever;
  }
  return kNever;
}

Instant Connection::keepalive_deadline() const noexcept {
  if (state_ != State::kEstablished && state_ != State::kCloseWait) return kNever;
  if (environment_.config.tcp.keepalive_interval <= Duration::zero() || sender_.has_outstanding())
    return kNever;
  return std::max(heard_at_, active_at_) + environment_.config.tcp.keepalive_interval +
         keepalives_ * kKeepaliveRetry;
}

bool Connection::holds_idle_memory() const noexcept {
  return receiver_.holds_idle_memory() || sender_.holds_idle_memory();
}

Instant Connection::next_deadline() const {
  if (state_ == State::kClosed) return kNever;
  const Instant memory = holds_idle_memory() ? std::max(heard_at_, active_at_) + kMemoryKept : kNever;
  return std::min({syn_at_, lifetime_deadline(), keepalive_deadline(), receiver_.acknowledge_at(),
                   sender_.next_deadline(), memory});
}

void Connection::on_deadline(Instant now, PacketBatch& out) {
  if (state_ == State::kClosed) return;
  if (lifetime_deadline() <= now) {
    if (state_ == State::kTimeWait) {
      set_state(State::kClosed);
    } else {
      give_up(now, out);
    }
    return;
  }
  if (syn_at_ <= now) send_syn(now, out);
  if (state_ <= State::kSynSent) return;

  if (sender_.next_deadline() <= now) {
    if (sender_.has_given_up(now)) {
      give_up(now, out);
      return;
    }
    with_sender(out, [&] { sender_.on_deadline(now, out); });
  }
  if (receiver_.acknowledge_at() <= now) send_acknowledgement(now, out);
  if (keepalive_deadline() <= now) send_keepalive(now, out);
  if (holds_idle_memory() && now - std::max(heard_at_, active_at_) >= kMemoryKept) {
    receiver_.release_idle_memory();
    sender_.release_idle_memory();
  }
}

// RFC 9293 3.8.4: a number already acknowledged makes a live guest answer.
void Connection::send_keepalive(Instant now, PacketBatch& out) {
  if (keepalives_ < 255) ++keepalives_;
  environment_.counters.keepalive_probes.add();
  environment_.counters.segments_out.add();
  with_sender(out, [&] { writer_.write_small(sender_.next() - 1, wire::kTcpAck, {}, now, out); });
}

// The guest is gone or never came; the host socket is to be reset.
void Connection::give_up(Instant now, PacketBatch& out) {
  environment_.counters.given_up.add();
  abort(now, out);
  was_reset_ = true;
}

}  // namespace wgr::slirp::tcp
