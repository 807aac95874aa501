#include "ws/wireguard/dialer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/authority.h"
#include "core/log.h"
#include "ws/wireguard/dial.h"

namespace wgr::ws::wireguard {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kMaxPieces = 16;
constexpr std::size_t kWriteBytes = 60 * 1024;  // of a dial, queued: enough to be written in mid-turn
constexpr Duration kHeardEvery = std::chrono::seconds{1};   // as SessionSink promises
constexpr Duration kAddressTime = std::chrono::seconds{4};  // to connect, while there are others to try

WebSocket::Settings settings_of(const Limits& limits) {
  WebSocket::Settings settings;
  settings.message_bytes = limits.wireguard_message_bytes;
  settings.fragments = limits.fragments_per_message;
  settings.queue_bytes = limits.queue_bytes;
  settings.control_frames_per_second = limits.control_frames_per_second;
  settings.ping_interval = limits.ping_interval;
  settings.close_timeout = limits.close_timeout;
  return settings;
}

}  // namespace

Dialer::Dialer(WorkerIndex worker, const Settings& settings, egress::Sockets& sockets, SessionSink& sink,
               DialCounters& counters, Rng& rng)
    : worker_(worker),
      settings_(settings),
      websocket_settings_(settings_of(settings.limits)),
      sockets_(sockets),
      sink_(sink),
      counters_(counters),
      rng_(rng) {}

Dialer::~Dialer() = default;

Dialer::Dial* Dialer::find(SessionId session) const noexcept {
  const auto found = dials_.find(session);
  return found == dials_.end() ? nullptr : found->second.get();
}

void Dialer::set_settings(const Settings& settings) {
  settings_ = settings;
  websocket_settings_ = settings_of(settings.limits);
}

SessionId Dialer::dial(const DialUrl& url, Instant now) {
  const SessionId id{worker_, next_serial_++};
  const auto [dial, is_new] = dials_.emplace(id, std::make_unique<Dial>(id, url, rng_, now));
  gauge_of(dial->second->counted_state).add();
  return id;
}

void Dialer::drop(SessionId session, Instant now) {
  Dial* const dial = find(session);
  if (dial == nullptr) return;
  if (dial->stream && dial->stream->state() == ClientStream::State::kOpen) {
    dial->stream->close(close_code::kGoingAway, "", now);
    write(*dial, now);  // what the socket takes at once
  }
  gauge_of(dial->counted_state).subtract();
  const bool is_told = dial->is_told;
  dials_.erase(session);
  if (is_told) sink_.session_closed(session, now);
}

// ---- an attempt

void Dialer::begin(Dial& dial, Instant now) {
  counters_.attempts.add();
  if (dial.url.is_tls && !settings_.tls) {
    return end_attempt(dial, counters_.failed_upgrade, "no TLS is configured", now);
  }
  dial.proxy = settings_.proxy;
  const std::string& host = dial.proxy ? dial.proxy->host : dial.url.host;
  dial.addresses.clear();
  dial.next_address = 0;
  if (const auto address = IpAddress::parse(host)) {
    dial.addresses = {*address};
    return connect_next(dial, now);
  }
  dial.awaits_name = true;
  lookups_.push_back({dial.id, host});
}

void Dialer::resolved(SessionId session, const std::vector<IpAddress>& addresses, const std::string& error,
                      Instant now) {
  Dial* const dial = find(session);
  if (dial == nullptr || !std::exchange(dial->awaits_name, false)) return;
  if (addresses.empty()) return end_attempt(*dial, counters_.failed_name, "name: " + error, now);
  dial->addresses = addresses;
  connect_next(*dial, now);
}

void Dialer::connect_next(Dial& dial, Instant now) {
  disconnect(dial);
  const std::uint16_t port = dial.proxy ? dial.proxy->port : dial.url.port;
  while (dial.next_address < dial.addresses.size()) {
    dial.remote = {dial.addresses[dial.next_address++], port};
    auto opened = sockets_.connect(dial.remote, dial.id.value(), {});
    if (opened.socket) {
      dial.socket = std::move(opened.socket);
      if (dial.next_address < dial.addresses.size()) dial.next_address_at = now + kAddressTime;
      dial.socket->watch({.readable = false, .writable = true});
      return;
    }
    dial.connect_error = opened.error;
  }
  end_attempt(dial, counters_.failed_connect, std::strerror(dial.connect_error), now);
}

void Dialer::connected(Dial& dial, Instant now) {
  dial.next_address_at = kNever;
  ClientStream::Target target{.host = dial.url.host,
                              .authority = dial.url.authority(),
                              .path = dial.url.target,
                              .behind_proxy = {},
                              .proxy_authorization = {}};
  if (dial.proxy) {
    target.behind_proxy = host_and_port(dial.url.host, dial.url.port);
    target.proxy_authorization = dial.proxy->authorization;
  }
  dial.stream = std::make_unique<ClientStream>(target, dial.url.is_tls ? settings_.tls : nullptr,
                                               websocket_settings_, pool_, rng_);
  dial.socket->watch({.readable = true, .writable = false});
  write(dial, now);
}

void Dialer::opened(Dial& dial, Instant now) {
  dial.plan.opened(now);
  count_state(dial);
  counters_.opened.add();
  dial.failure.clear();
  log::info("WebSocket peer connected",
            {{"url", dial.url.to_string()}, {"address", dial.remote.to_string()}});
  const std::size_t held = dial.plan.held();
  const auto fresh = dial.plan.take_held(now);
  counters_.datagrams_dropped.add(held - fresh.size());
  for (const std::vector<std::uint8_t>& datagram : fresh) dial.stream->send(datagram);
  if (!std::exchange(dial.is_told, true)) {
    sink_.session_opened({dial.id, Service::kWireGuard, {}, dial.remote, {}}, now);
  }
}

// The attempt, or the connection it led to.
void Dialer::end_attempt(Dial& dial, Counter& counter, std::string why, Instant now) {
  const bool was_open = dial.plan.state() == DialPlan::State::kOpen;
  (was_open ? counters_.lost : counter).add();
  note_failure(dial, std::move(why));
  dial.plan.ended(now);
  count_state(dial);
  disconnect(dial);
}

// The same reason again is not worth a line.
void Dialer::note_failure(Dial& dial, std::string why) {
  if (why == dial.failure) return;
  log::info("WebSocket peer not connected", {{"url", dial.url.to_string()}, {"reason", why}});
  dial.failure = std::move(why);
}

void Dialer::disconnect(Dial& dial) {
  if (dial.stream) count_sent(dial);
  dial.stream.reset();
  dial.socket.reset();
  dial.counted = {};
  dial.next_address_at = kNever;
  dial.awaits_name = false;
  dial.is_blocked = false;
}

// ---- bytes

void Dialer::socket_ready(egress::SocketToken token, egress::Ready ready, Instant now) {
  Dial* const dial = find(SessionId::from_value(token));
  if (dial == nullptr || !dial->socket) return;
  if (!dial->stream) {
    const int error = dial->socket->connect_result();
    if (error == EINPROGRESS) return dial->socket->watch({.readable = false, .writable = true});
    if (error == 0) return connected(*dial, now);
    dial->connect_error = error;
    return connect_next(*dial, now);
  }
  if (ready.writable) {
    dial->is_blocked = false;
    write(*dial, now);
  }
  if (ready.readable && dial->stream) read(*dial, now);
}

// One read: the next is news of the next turn.
void Dialer::read(Dial& dial, Instant now) {
  input_.resize(kReadBytes);
  const iovec into{input_.data(), input_.size()};
  const egress::IoResult result = dial.socket->read({&into, 1});
  if (result.error != 0 && !result.would_block()) {
    return end_attempt(dial, counters_.failed_upgrade, std::strerror(result.error), now);
  }
  if (result.bytes > 0) {
    messages_.clear();
    being_read_ = &dial;
    dial.stream->receive(MutableBytes{input_}.first(result.bytes), plain_, now, messages_);
    const bool has_opened = dial.stream->tally() != nullptr && dial.plan.state() == DialPlan::State::kTrying;
    if (has_opened) opened(dial, now);
    if (dial.plan.state() == DialPlan::State::kOpen) deliver(dial, now);
    being_read_ = nullptr;
    dial.stream->end_turn();
  }
  if (result.is_end) dial.stream->input_ended();
  write(dial, now);  // answers of TLS and of the WebSocket
  if (dial.stream) dial.socket->watch({.readable = true, .writable = false});
}

void Dialer::deliver(Dial& dial, Instant now) {
  datagrams_.clear();
  for (const Message& message : messages_) {
    datagrams_.push_back(message.bytes);
    counters_.bytes_received.add(message.bytes.size());
  }
  counters_.datagrams_received.add(datagrams_.size());
  if (!datagrams_.empty()) {
    sink_.datagrams_received({dial.id, Service::kWireGuard, {}, dial.remote, {}}, datagrams_, now);
  }
  if (now - dial.last_told_heard < kHeardEvery) return;
  dial.last_told_heard = now;
  sink_.session_heard(dial.id, now);
}

// Not while the sink looks at datagrams of the dial: a write that fails takes their memory away.
bool Dialer::is_worth_writing(const Dial& dial) const {
  const std::size_t enough = std::min(kWriteBytes, settings_.limits.queue_bytes / 2);
  return dial.stream->queued_bytes() >= enough && !dial.is_blocked && &dial != being_read_;
}

// A turn may bring more than the queue holds: it may drop only what the socket has no room for.
bool Dialer::send(SessionId session, Bytes datagram, Instant now) {
  Dial* const dial = find(session);
  if (dial == nullptr) return false;
  if (dial->plan.state() != DialPlan::State::kOpen) {
    if (dial->plan.hold(datagram, now)) counters_.datagrams_dropped.add();
    return true;
  }
  dial->stream->send(datagram);
  if (!std::exchange(dial->is_dirty, true)) dirty_.push_back(session);
  if (is_worth_writing(*dial)) write(*dial, now);
  return true;
}

void Dialer::flush(Instant now) {
  for (const SessionId session : dirty_) {
    Dial* const dial = find(session);
    if (dial == nullptr) continue;
    dial->is_dirty = false;
    if (dial->stream && !dial->is_blocked) write(*dial, now);
  }
  dirty_.clear();
}

void Dialer::write(Dial& dial, Instant now) {
  std::array<Bytes, kMaxPieces> pieces;
  std::array<iovec, kMaxPieces> vectors;
  while (!dial.is_blocked) {
    const std::size_t count = dial.stream->pending(pieces);
    if (count == 0) break;
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i] = {const_cast<std::uint8_t*>(pieces[i].data()), pieces[i].size()};
      size += pieces[i].size();
    }
    const egress::IoResult result = dial.socket->write(std::span{vectors}.first(count));
    if (result.error != 0 && !result.would_block()) {
      return end_attempt(dial, counters_.failed_upgrade, std::strerror(result.error), now);
    }
    dial.stream->consume(result.bytes);
    dial.is_blocked = result.bytes < size;
  }
  if (dial.is_blocked) dial.socket->watch({.readable = false, .writable = true});
  count_sent(dial);
  end_if_closed(dial, now);
}

void Dialer::end_if_closed(Dial& dial, Instant now) {
  if (dial.stream->state() != ClientStream::State::kClosed) return;
  end_attempt(dial, counters_.failed_upgrade, dial.stream->failure(), now);
}

Gauge& Dialer::gauge_of(DialPlan::State state) noexcept {
  switch (state) {
    case DialPlan::State::kTrying:
      return counters_.trying;
    case DialPlan::State::kOpen:
      return counters_.open;
    case DialPlan::State::kWaiting:
      break;
  }
  return counters_.waiting;
}

void Dialer::count_state(Dial& dial) {
  gauge_of(dial.counted_state).subtract();
  dial.counted_state = dial.plan.state();
  gauge_of(dial.counted_state).add();
}

void Dialer::count_sent(Dial& dial) {
  const OutQueue::Tally* const tally = dial.stream->tally();
  if (tally == nullptr) return;
  const OutQueue::Tally before = std::exchange(dial.counted, *tally);
  counters_.datagrams_sent.add(tally->messages_sent - before.messages_sent);
  counters_.bytes_sent.add(tally->bytes_sent - before.bytes_sent);
  counters_.datagrams_dropped.add(tally->messages_dropped - before.messages_dropped);
  counters_.bytes_dropped.add(tally->bytes_dropped - before.bytes_dropped);
}

// ---- time

Instant Dialer::next_deadline() const noexcept {
  Instant next = kNever;
  for (const auto& [id, dial] : dials_) {
    next = std::min({next, dial->plan.next_deadline(), dial->next_address_at});
    if (dial->stream) next = std::min(next, dial->stream->next_deadline());
  }
  return next;
}

void Dialer::on_deadline(Instant now) {
  for (const auto& [id, dial] : dials_) {
    if (dial->stream && dial->stream->next_deadline() <= now) {
      dial->stream->on_deadline(now);
      write(*dial, now);
    }
    if (dial->next_address_at <= now) {
      dial->connect_error = ETIMEDOUT;
      connect_next(*dial, now);
    }
    const DialPlan::Due due = dial->plan.on_deadline(now);
    count_state(*dial);
    switch (due) {
      case DialPlan::Due::kNothing:
        break;
      case DialPlan::Due::kTry:
        begin(*dial, now);
        break;
      case DialPlan::Due::kGiveUp:
        counters_.failed_timeout.add();
        note_failure(*dial, "it did not answer in time");
        disconnect(*dial);
        break;
    }
  }
}

bool Dialer::is_open(SessionId session) const noexcept {
  const Dial* const dial = find(session);
  return dial != nullptr && dial->plan.state() == DialPlan::State::kOpen;
}

std::string_view Dialer::failure(SessionId session) const noexcept {
  const Dial* const dial = find(session);
  return dial == nullptr ? std::string_view{} : dial->failure;
}

}  // namespace wgr::ws::wireguard
