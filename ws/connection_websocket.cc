// The part of a connection from its upgrade on.
#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <utility>

#include "ws/connection.h"
#include "ws/handshake.h"

namespace wgr::ws {
namespace {

constexpr Duration kHeardInterval = std::chrono::seconds{1};
constexpr std::array<std::uint8_t, 5> kPong = {'p', 'o', 'n', 'g', ':'};

}  // namespace

// A page can read a close code only: so who may not enter is upgraded first, and then told.
void Connection::upgrade(const Decision& decision, const HttpRequest& request, Instant now, Out& out) {
  const auto* const accepted = std::get_if<Upgrade>(&decision.verdict);
  const auto* const refused = std::get_if<Refusal>(&decision.verdict);
  assert(accepted != nullptr || refused != nullptr);
  answer_ = upgrade_response(request, accepted != nullptr ? accepted->subprotocol : refused->subprotocol);
  answer_position_ = 0;
  if (accepted != nullptr) {
    info_.service = accepted->service;
    info_.network = accepted->network;
    if (accepted->wire == Wire::kQemu) qemu_ = std::make_unique<ethernet::QemuStream>();
  }
  const bool is_ethernet = info_.service == Service::kEthernet;
  const bool is_tunnel = accepted != nullptr && accepted->is_tunnel;
  const WebSocket::Settings& wireguard = is_tunnel ? profile_->tunnel : profile_->wireguard;
  websocket_ = std::make_unique<WebSocket>(Role::kServer, is_ethernet ? profile_->ethernet : wireguard,
                                           shared_.pool, shared_.rng, now);
  state_ = State::kWebSocket;
  state_deadline_ = kNever;

  if (refused != nullptr) {
    count_refusal(refused->why);
    if (refused->why == Refusal::Why::kOrigin) out.refused = refused->reason;
    websocket_->close(close_code::kRefused, refused->reason, now);
  } else if (is_draining_) {
    shared_.counters.refused_draining.add();
    websocket_->close(close_code::kGoingAway, "the router stops", now);
  } else if (const auto verdict = begin_session(now); verdict != SourceLimits::Verdict::kAccepted) {
    ws::count_refusal(verdict, shared_.counters);
    websocket_->close(close_code::kTryAgainLater, "too many sessions", now);
  } else {
    is_session_ = true;
    stop_counting();
    service_counters().sessions.add();
    service_counters().sessions_opened.add();
    heard_told_at_ = now;
    out.is_opened = true;
  }
  sync_counters();  // of a Close frame
}

// A connection of our own listener was asked for its pace when it came.
SourceLimits::Verdict Connection::begin_session(Instant now) {
  if (identity_.is_from_proxy) {
    const auto verdict = shared_.limits.handshake_began(info_.source.ip, now);
    if (verdict != SourceLimits::Verdict::kAccepted) return verdict;
  }
  return shared_.limits.session_began(info_.source.ip, now);
}

void Connection::count_refusal(Refusal::Why why) {
  switch (why) {
    case Refusal::Why::kOrigin:
      return shared_.counters.refused_origin.add();
    case Refusal::Why::kToken:
      return shared_.counters.refused_token.add();
    case Refusal::Why::kTunnel:
      return shared_.counters.refused_tunnel.add();
  }
}

void Connection::receive_messages(MutableBytes bytes, Instant now, Out& out) {
  websocket_->receive(bytes, now, out.messages);
  if (is_session_) {
    for (const Message& message : out.messages) take_message(message, now, out);
    if (now - heard_told_at_ >= kHeardInterval) {
      heard_told_at_ = now;
      out.is_heard = true;
    }
  }
  note_websocket(now);
}

void Connection::take_message(const Message& message, Instant now, Out& out) {
  ServiceCounters& counters = service_counters();
  counters.messages_received.add();
  counters.bytes_received.add(message.bytes.size());
  if (message.kind == MessageKind::kText) {
    take_text(message.bytes);
  } else if (qemu_ == nullptr) {
    out.payloads.push_back(message.bytes);
  } else if (!qemu_->receive(message.bytes, out.payloads)) {
    websocket_->close(close_code::kProtocolError, "a frame of impossible length", now);
  }
}

void Connection::take_text(Bytes text) {
  const auto rest = ethernet::ping_payload(text);
  if (rest && info_.service == Service::kEthernet) {
    websocket_->send(MessageKind::kText, kPong, *rest);
  } else {
    service_counters().messages_ignored.add();
  }
}

void Connection::end_turn() noexcept {
  if (websocket_) websocket_->end_turn();
  if (qemu_) qemu_->end_turn();
}

bool Connection::send(Bytes message) {
  if (!is_session()) return false;
  bool is_queued = false;
  if (qemu_ == nullptr) {
    is_queued = websocket_->send(MessageKind::kBinary, message);
  } else if (message.size() <= ethernet::kMaxFrame) {
    is_queued = websocket_->send(MessageKind::kBinary, ethernet::qemu_length(message.size()), message);
  }
  sync_counters();
  return is_queued;
}

void Connection::close(std::uint16_t code, std::string_view reason, Instant now) {
  if (state_ != State::kWebSocket) {
    if (state_ == State::kHandling) {
      keeps_alive_ = false;
    } else if (state_ == State::kRequest) {
      begin_ending(now);
    }
    return;
  }
  websocket_->close(code, reason, now);
  note_websocket(now);
}

// After everything that may have changed its state.
void Connection::note_websocket(Instant now) {
  sync_counters();
  if (websocket_->state() != WebSocket::State::kClosed) return;
  if (is_session_) count_ending();
  if (websocket_->was_lost()) {
    end();
  } else {
    begin_ending(now);
  }
}

void Connection::count_ending() {
  Counters& counters = shared_.counters;
  switch (websocket_->ending()) {
    case WebSocket::Ending::kNone:
    case WebSocket::Ending::kByUs:
      return counters.closed_by_us.add();
    case WebSocket::Ending::kByOtherSide:
      return counters.closed_by_client.add();
    case WebSocket::Ending::kProtocolError:
    case WebSocket::Ending::kPolicy:
      return counters.closed_protocol_error.add();
    case WebSocket::Ending::kDead:
      return counters.closed_dead.add();
  }
}

// The queue counts for itself; what it has counted since goes where the exporter looks.
void Connection::sync_counters() {
  const OutQueue& queue = websocket_->queue();
  const OutQueue::Tally& tally = queue.tally();
  ServiceCounters& counters = service_counters();
  counters.messages_sent.add(tally.messages_sent - counted_.messages_sent);
  counters.bytes_sent.add(tally.bytes_sent - counted_.bytes_sent);
  counters.messages_dropped.add(tally.messages_dropped - counted_.messages_dropped);
  counters.bytes_dropped.add(tally.bytes_dropped - counted_.bytes_dropped);
  counted_ = tally;
  shared_.counters.queued_bytes.add(static_cast<std::int64_t>(queue.bytes()) -
                                    static_cast<std::int64_t>(counted_queue_));
  counted_queue_ = queue.bytes();
  shared_.counters.pings_sent.add(websocket_->pings_sent() - counted_pings_);
  counted_pings_ = websocket_->pings_sent();
}

ServiceCounters& Connection::service_counters() const {
  return info_.service == Service::kWireGuard ? shared_.counters.wireguard : shared_.counters.ethernet;
}

}  // namespace wgr::ws
