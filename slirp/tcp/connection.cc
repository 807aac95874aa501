#include "slirp/tcp/connection.h"

#include <algorithm>
#include <cassert>

#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kDefaultMssV4 = 536;  // RFC 9293 MUST-15
constexpr std::uint16_t kDefaultMssV6 = 1220;
constexpr std::uint16_t kLeastMss = 48;       // below it headers are all there is
constexpr std::uint16_t kLeastPathMtu = 296;  // RFC 1191 7.1: nothing real is smaller
constexpr Duration kFirstSynTimeout = 1s;     // RFC 6298 (2.1)

}  // namespace

Connection::Connection(Environment& environment, const FlowKey& key, const wire::TcpView& syn,
                       InitialNumbers initial, Instant now)
    : environment_(environment),
      key_(key),
      initial_sequence_(initial.sequence),
      is_passive_(true),
      mtu_(environment.mtu()),
      peer_initial_sequence_(syn.sequence()),
      path_mtu_(mtu_),
      state_(State::kSynReceived),
      syn_began_(now),
      state_began_(now),
      heard_at_(now),
      active_at_(now),
      writer_(environment.config, key, initial.timestamp_offset),
      sender_(environment, writer_, initial_sequence_ + 1),
      receiver_(environment) {
  environment_.counters.opened_passive.add();
  environment_.counters.segments_in.add();
  const wire::TcpOptions options = syn.options();
  read_peer_options(options);
  if (options.timestamps) {
    timestamp_recent_ = options.timestamps->value;
    timestamp_recent_at_ = now;
  }
  receiver_.start(peer_initial_sequence_ + 1, receive_mss());
}

Connection::Connection(Environment& environment, const FlowKey& key, InitialNumbers initial, Instant now)
    : environment_(environment),
      key_(key),
      initial_sequence_(initial.sequence),
      is_passive_(false),
      mtu_(environment.mtu()),
      path_mtu_(mtu_),
      scaling_(true),
      sack_(environment.config.tcp.sack),
      timestamps_(environment.config.tcp.timestamps),
      state_(State::kSynSent),
      syn_began_(now),
      state_began_(now),
      heard_at_(now),
      active_at_(now),
      writer_(environment.config, key, initial.timestamp_offset),
      sender_(environment, writer_, initial_sequence_ + 1),
      receiver_(environment) {
  environment_.counters.opened_active.add();
}

Connection::~Connection() = default;

void Connection::set_state(State state) noexcept { state_ = state; }

// What the guest offers in its SYN, as far as we want it.
void Connection::read_peer_options(const wire::TcpOptions& options) noexcept {
  const TcpConfig& config = environment_.config.tcp;
  const std::uint16_t fallback = key_.remote.ip.is_v4() ? kDefaultMssV4 : kDefaultMssV6;
  const std::uint16_t offered = options.mss.value_or(0);
  peer_mss_ = offered == 0 ? fallback : std::max(offered, kLeastMss);
  scaling_ = options.window_scale.has_value();
  peer_scale_ = std::min(options.window_scale.value_or(0), wire::kTcpMaxWindowScale);
  sack_ = config.sack && options.sack_permitted;
  timestamps_ = config.timestamps && options.timestamps.has_value();
}

wire::TcpOptions Connection::syn_options(Instant now) const noexcept {
  wire::TcpOptions options;
  options.mss = static_cast<std::uint16_t>(receive_mss());
  if (scaling_) options.window_scale = window_scale();
  options.sack_permitted = sack_;
  if (timestamps_) options.timestamps = wire::Timestamps{writer_.timestamp(now), timestamp_recent_};
  return options;
}

// No coarser than the largest window needs: a window below one unit could not be told.
std::uint8_t Connection::window_scale() const noexcept {
  const TcpConfig& config = environment_.config.tcp;
  std::uint8_t scale = 0;
  while (scale < std::min(config.window_scale, wire::kTcpMaxWindowScale) &&
         std::size_t{0xffff} << scale < config.max_receive_window) {
    ++scale;
  }
  return scale;
}

// RFC 9293 3.7.1: the MSS option counts headers without options, what we send counts them.
std::size_t Connection::receive_mss() const noexcept {
  const std::size_t headers = writer_.ip_size() + wire::kTcpHeaderSize;
  const std::size_t most = std::max<std::size_t>(mtu_, headers + kLeastMss) - headers;
  const std::size_t clamp = environment_.config.tcp.mss_clamp;
  return clamp == 0 ? most : std::clamp<std::size_t>(clamp, kLeastMss, most);
}

std::size_t Connection::send_mss() const noexcept {
  const std::size_t headers = writer_.ip_size() + wire::kTcpHeaderSize;
  const std::size_t path = std::max<std::size_t>(path_mtu_, headers + kLeastMss) - headers;
  const std::size_t mss = std::min({std::size_t{peer_mss_}, receive_mss(), path});
  return mss - (timestamps_ ? wire::kTcpTimestampsSize : 0);
}

void Connection::accept(Instant now, PacketBatch& out) {
  if (state_ != State::kSynReceived) return;
  set_state(State::kSynAckSent);
  syn_began_ = state_began_ = now;
  send_syn(now, out);
}

void Connection::connect(Instant now, PacketBatch& out) {
  assert(state_ == State::kSynSent && syn_transmissions_ == 0);
  syn_began_ = state_began_ = now;
  send_syn(now, out);
}

// SYN or SYN-ACK, again after 1, 2, 4, ... seconds.
void Connection::send_syn(Instant now, PacketBatch& out) {
  const bool acknowledges = state_ == State::kSynAckSent;
  if (acknowledges) writer_.acknowledge(receiver_.next(), receiver_.syn_window());
  writer_.write_syn(initial_sequence_, syn_options(now),
                    acknowledges ? wire::kTcpSyn | wire::kTcpAck : wire::kTcpSyn, receiver_.syn_window(),
                    out);
  environment_.counters.segments_out.add();
  if (syn_transmissions_ != 0) environment_.counters.syn_retransmits.add();
  const Duration wait = std::min(kFirstSynTimeout * (1 << std::min<int>(syn_transmissions_, 6)),
                                 environment_.config.tcp.max_rto);
  if (syn_transmissions_ != 255) ++syn_transmissions_;
  syn_at_ = now + wait;
}

// The handshake is complete with `segment`.
void Connection::establish(const wire::TcpView& segment, Instant now) {
  set_state(State::kEstablished);
  state_began_ = now;
  syn_at_ = kNever;
  environment_.counters.established.add();
  if (timestamps_) {
    writer_.use_timestamps();
    writer_.echo(timestamp_recent_);
  }
  receiver_.set_sack(sack_);
  if (scaling_) receiver_.set_scale(window_scale());
  // The window of a SYN is never scaled (RFC 7323 2.2).
  const std::size_t window = std::size_t{segment.window()} << (segment.flags().syn() ? 0 : peer_scale_);
  sender_.start({.mss = send_mss(),
                 .sack = sack_,
                 .sequence = SeqNumber{segment.sequence()},
                 .window = window,
                 .rtt = syn_transmissions_ == 1 ? now - syn_began_ : Duration::zero()},
                now);
}

std::span<const iovec> Connection::readable() const { return receiver_.readable(); }

void Connection::consume(std::size_t size, Instant now) {
  receiver_.consume(size, sender_.rtt().smoothed(), now);
}

bool Connection::is_receive_finished() const { return receiver_.is_finished(); }

void Connection::send_acknowledgement(Instant now, PacketBatch& out) {
  const ReceiveWindow::Offer offer = receiver_.offer();
  if (offer.ack == receiver_.last_acknowledged() && offer.edge > receiver_.edge()) {
    environment_.counters.window_updates_out.add();
  }
  writer_.acknowledge(offer.ack, offer.field);
  Receiver::Reports reports;
  const std::size_t count = receiver_.reports(reports);
  writer_.write_acknowledgement(sender_.next(), std::span{reports}.first(count), now, out);
  environment_.counters.segments_out.add();
  receiver_.offered(offer);
  receiver_.reported();
}

std::size_t Connection::prepare(std::span<iovec> into, std::size_t limit) {
  return sender_.prepare(into, limit);
}

void Connection::commit(std::size_t size, Instant now, PacketBatch& out) {
  if (size != 0) active_at_ = now;
  with_sender(out, [&] { sender_.commit(size, now, out); });
}

bool Connection::wants_host_data() const {
  return (state_ == State::kEstablished || state_ == State::kCloseWait) && sender_.wants_data();
}

void Connection::finish_send(Instant now, PacketBatch& out) {
  active_at_ = now;
  switch (state_) {
    case State::kSynReceived:
    case State::kSynAckSent:
    case State::kSynSent:
      finish_requested_ = true;
      return;
    case State::kEstablished:
      set_state(State::kFinWait1);
      break;
    case State::kCloseWait:
      set_state(State::kLastAck);
      break;
    default:
      return;
  }
  state_began_ = now;
  with_sender(out, [&] { sender_.finish(now, out); });
}

// Our FIN was acknowledged.
void Connection::sender_finished(Instant now) noexcept {
  switch (state_) {
    case State::kFinWait1:
      set_state(State::kFinWait2);
      break;
    case State::kClosing:
      set_state(State::kTimeWait);
      break;
    case State::kLastAck:
      set_state(State::kClosed);
      break;
    default:
      return;
  }
  state_began_ = now;
}

// The guest's FIN and all before it are safe.
void Connection::guest_finished(Instant now) noexcept {
  guest_finished_ = true;
  switch (state_) {
    case State::kEstablished:
      set_state(State::kCloseWait);
      break;
    case State::kFinWait1:
      set_state(State::kClosing);
      break;
    case State::kFinWait2:
      set_state(State::kTimeWait);
      break;
    default:
      return;
  }
  state_began_ = now;
}

void Connection::end_batch(Instant now, PacketBatch& out) {
  if (state_ == State::kSynReceived || state_ == State::kSynAckSent || state_ == State::kSynSent) return;
  receiver_.end_batch();
  if (state_ == State::kClosed) return;
  if (!guest_finished_ && receiver_.has_fin()) {
    receiver_.request_acknowledgement();
    guest_finished(now);
  }
  if (receiver_.must_acknowledge()) send_acknowledgement(now, out);
}

void Connection::abort(Instant now, PacketBatch& out) {
  if (state_ == State::kClosed) return;
  if (state_ != State::kSynSent && state_ != State::kTimeWait) {
    // An unanswered SYN is refused in the words of a closed port.
    const SeqNumber sequence = state_ == State::kSynReceived ? SeqNumber{0} : sender_.next();
    writer_.acknowledge(receiver_.offer().ack, 0);
    writer_.write_reset(sequence, wire::kTcpAck, out);
    environment_.counters.resets_out.add();
    environment_.counters.segments_out.add();
  }
  set_state(State::kClosed);
  state_began_ = now;
}

void Connection::close_by_reset() noexcept {
  was_reset_ = true;
  set_state(State::kClosed);
}

void Connection::path_mtu_changed(std::uint16_t mtu, Instant now, PacketBatch& out) {
  const std::size_t least = key_.remote.ip.is_v4() ? wire::kIpv4MinMtu : 0;
  if (mtu < least || mtu == 0 || mtu > path_mtu_) return;  // equal: what could not be cut then
  const std::uint16_t floor =
      key_.remote.ip.is_v4() ? kLeastPathMtu : static_cast<std::uint16_t>(wire::kIpv6MinMtu);
  path_mtu_ = std::min(path_mtu_, std::max(mtu, floor));
  if (state_ == State::kSynReceived || state_ == State::kSynAckSent || state_ == State::kSynSent) return;
  with_sender(out, [&] { sender_.mss_changed(send_mss(), now, out); });
}

Remains Connection::remains(Instant now) const {
  return {.send_next = sender_.next().value(),
          .receive_next = receiver_.offer().ack.value(),
          .has_timestamps = timestamps_,
          .timestamp_recent = timestamp_recent_,
          .timestamp_value = writer_.timestamp(now)};
}

bool Connection::is_in_flight(std::uint32_t sequence) const {
  const SeqNumber number{sequence};
  if (state_ == State::kSynAckSent || state_ == State::kSynSent) {
    return syn_transmissions_ != 0 && number == initial_sequence_;
  }
  return number >= sender_.una() && number < sender_.next();
}

State Connection::state() const { return state_; }
bool Connection::is_done() const {
  return state_ == State::kClosed && (was_reset_ || !receiver_.has_unread());
}
bool Connection::may_retire() const { return state_ == State::kTimeWait && receiver_.is_finished(); }
bool Connection::was_reset() const { return was_reset_; }
const FlowKey& Connection::key() const { return key_; }

std::size_t Connection::memory_held() const {
  return (sender_.slots_held() + receiver_.slots_held()) * environment_.slot_cost();
}

}  // namespace wgr::slirp::tcp
