#include "ws/connection.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace wgr::ws {

Profile::Profile(std::shared_ptr<const Config> from) : config(std::move(from)) {
  const Limits& limits = config->limits;
  WebSocket::Settings settings;
  settings.fragments = limits.fragments_per_message;
  settings.queue_bytes = limits.queue_bytes;
  settings.control_frames_per_second = limits.control_frames_per_second;
  settings.ping_interval = limits.ping_interval;
  settings.close_timeout = limits.close_timeout;
  ethernet = wireguard = settings;
  ethernet.message_bytes = limits.ethernet_message_bytes;
  // JSLinux and jor1k: "ping:". Any other text says nothing to either service, and ends no session.
  ethernet.accepts_text = wireguard.accepts_text = true;
  wireguard.message_bytes = limits.wireguard_message_bytes;
  // wstunnel masks nothing unless it is told to. It is no page, whose script could speak another protocol to
  // a proxy on the way (RFC 6455 10.3), and all it sends is ciphered.
  tunnel = wireguard;
  tunnel.accepts_unmasked = true;
}

void Connection::Out::clear() {
  payloads.clear();
  messages.clear();
  is_opened = is_heard = false;
  refused.clear();
  request.reset();
}

Connection::Connection(const Identity& identity, std::shared_ptr<const Profile> profile, const Shared& shared,
                       Instant now)
    : identity_(identity),
      shared_(shared),
      profile_(std::move(profile)),
      state_(identity.arrival.is_tls ? State::kTls : State::kRequest),
      counted_as_(identity.is_from_proxy ? Counted::kOfProxy : Counted::kHalfOpen),
      accepted_at_(now) {
  const Limits& limits = profile_->config->limits;
  info_.id = identity.id;
  info_.source = identity.arrival.peer;
  state_deadline_ = now + (identity.arrival.is_tls ? limits.tls_timeout : limits.header_timeout);
}

Connection::~Connection() { end(); }

void Connection::tls_opened(Instant now) {
  if (state_ != State::kTls) return;
  state_ = State::kRequest;
  const Limits& limits = profile_->config->limits;
  state_deadline_ = std::min(now + limits.header_timeout, accepted_at_ + limits.handshake_timeout);
}

void Connection::receive(MutableBytes bytes, Instant now, Out& out) {
  assert(state_ != State::kTls);
  switch (state_) {
    case State::kRequest:
      receive_request(bytes, now, out);
      break;
    case State::kHandling:
      keeps_alive_ = false;
      break;  // it did not wait for its answer
    case State::kWebSocket:
      receive_messages(bytes, now, out);
      break;
    case State::kTls:
    case State::kEnding:
    case State::kEnded:
      break;
  }
}

// A client that has asked may stop sending and still wait for its answer.
void Connection::input_ended(Instant now) {
  switch (state_) {
    case State::kRequest:
      if (!has_output()) return lost();
      begin_ending(now);
      break;
    case State::kHandling:
      keeps_alive_ = false;
      break;
    default:
      lost();
  }
}

void Connection::lost() {
  if (is_session()) {
    shared_.counters.closed_by_client.add();
  } else if (is_session_ && state_ == State::kWebSocket) {
    count_ending();
  }
  const bool is_unheard = state_ == State::kTls || state_ == State::kRequest;
  if (is_unheard && counted_as_ == Counted::kHalfOpen) shared_.counters.refused_handshake.add();
  end();
}

void Connection::tls_failed() {
  if (state_ != State::kTls) return lost();
  shared_.counters.refused_tls.add();
  end();
}

void Connection::drain(Instant now) {
  is_draining_ = true;
  switch (state_) {
    case State::kWebSocket:
      close(close_code::kGoingAway, "the router stops", now);
      break;
    case State::kRequest:
      if (parser_ == nullptr || parser_->is_idle()) begin_ending(now);
      break;
    default:
      break;
  }
}

std::size_t Connection::pending(std::span<Bytes> out) const noexcept {
  std::size_t filled = 0;
  if (answer_position_ < answer_.size() && !out.empty()) {
    out[filled++] = bytes_of(answer_).subspan(answer_position_);
  }
  if (websocket_) filled += websocket_->queue().pending(out.subspan(filled));
  return filled;
}

void Connection::consume(std::size_t size) {
  const std::size_t of_answer = std::min(size, answer_.size() - answer_position_);
  answer_position_ += of_answer;
  if (!answer_.empty() && answer_position_ == answer_.size()) {
    answer_ = {};
    answer_position_ = 0;
  }
  if (size > of_answer) websocket_->queue().consume(size - of_answer);
  if (websocket_) sync_counters();
}

void Connection::note_write(bool has_progress, bool is_blocked, Instant now) {
  const Limits& limits = profile_->config->limits;
  if (!is_blocked) {
    write_deadline_ = kNever;
  } else if (has_progress || write_deadline_ == kNever) {
    write_deadline_ = now + limits.write_timeout;
  }
  if (state_ == State::kEnding && has_progress) {
    state_deadline_ = now + (is_blocked ? limits.write_timeout : Duration{}) + limits.close_timeout;
  }
}

Instant Connection::next_deadline() const noexcept {
  if (state_ == State::kEnded) return kNever;
  const Instant of_websocket =
      websocket_ && state_ == State::kWebSocket ? websocket_->next_deadline() : kNever;
  return std::min({state_deadline_, write_deadline_, of_websocket});
}

void Connection::on_deadline(Instant now) {
  if (write_deadline_ <= now) {
    shared_.counters.closed_stalled.add();
    return end();
  }
  switch (state_) {
    case State::kTls:
      if (state_deadline_ > now) return;
      shared_.counters.refused_tls.add();
      return end();
    case State::kRequest:
      if (state_deadline_ > now) return;
      if (parser_ == nullptr || parser_->is_idle()) {
        return counted_as_ == Counted::kHalfOpen ? lost() : begin_ending(now);
      }
      return fail_request(408, now);
    case State::kHandling:
      if (state_deadline_ > now) return;
      keeps_alive_ = false;
      return answer({.status = 504,
                     .content_type = "text/plain; charset=utf-8",
                     .headers = {},
                     .body = "no answer in time\n"},
                    now);
    case State::kWebSocket:
      websocket_->on_deadline(now);
      return note_websocket(now);
    case State::kEnding:
      if (state_deadline_ <= now) end();
      return;
    case State::kEnded:
      return;
  }
}

// What is pending may take as long as it moves; then their end is awaited, lest ours is lost with a reset.
void Connection::begin_ending(Instant now) {
  if (state_ == State::kEnding || state_ == State::kEnded) return;
  state_ = State::kEnding;
  const Limits& limits = profile_->config->limits;
  state_deadline_ = now + (has_output() ? limits.write_timeout : Duration{}) + limits.close_timeout;
}

void Connection::end() {
  if (state_ == State::kEnded) return;
  state_ = State::kEnded;
  stop_counting();
  parser_.reset();
  answer_ = {};
  answer_position_ = 0;
  if (websocket_) {
    websocket_->queue().clear();
    sync_counters();
    websocket_.reset();
  }
  if (is_session_) {
    shared_.limits.session_ended(info_.source.ip);
    service_counters().sessions.subtract();
  }
}

// Once it is counted as kept alive, it is so to its end; a proxy's counts alike in all states.
bool Connection::may_keep_alive() {
  if (counted_as_ == Counted::kHalfOpen && shared_.limits.kept_alive_began(identity_.arrival.peer.ip)) {
    counted_as_ = Counted::kKeptAlive;
  }
  if (counted_as_ != Counted::kHalfOpen) return true;
  shared_.counters.keep_alive_refused.add();
  return false;
}

void Connection::stop_counting() {
  const IpAddress& source = identity_.arrival.peer.ip;
  switch (std::exchange(counted_as_, Counted::kNothing)) {
    case Counted::kNothing:
      return;
    case Counted::kHalfOpen:
      return shared_.limits.half_open_ended(source);
    case Counted::kKeptAlive:
      return shared_.limits.kept_alive_ended(source);
    case Counted::kOfProxy:
      return shared_.limits.proxy_connection_ended(source);
  }
}

}  // namespace wgr::ws
