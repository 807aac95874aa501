// What a segment of the guest does to a connection, in the order of RFC 9293 3.10.7.
#include <algorithm>
#include <chrono>

#include "slirp/tcp/connection.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

constexpr Duration kChallengeInterval = 500ms;     // RFC 5961 section 7: limited
constexpr Duration kTimestampLifetime = 24 * 24h;  // RFC 7323 5.5

std::size_t sequence_length(const wire::TcpView& segment) {
  return segment.payload().size() + (segment.flags().syn() ? 1 : 0) + (segment.flags().fin() ? 1 : 0);
}

}  // namespace

void Connection::receive(const wire::TcpView& segment, Instant now, PacketBatch& out) {
  environment_.counters.segments_in.add();
  if (state_ == State::kClosed) return refuse(DropReason::kTcpInvalid);
  const wire::TcpOptions options = segment.options();
  if (state_ <= State::kSynSent &&
      receive_before_establishment(segment, options, now, out) == Verdict::kDone) {
    return;
  }
  if (check_timestamps(segment, options, now) == Verdict::kDone) return;
  if (check_sequence(segment, now) == Verdict::kDone) return;
  if (check_reset_and_syn(segment, now) == Verdict::kDone) return;
  if (timestamps_ && options.timestamps && SeqNumber{segment.sequence()} <= receiver_.last_acknowledged()) {
    timestamp_recent_ = options.timestamps->value;  // RFC 7323 4.3
    timestamp_recent_at_ = now;
    writer_.echo(timestamp_recent_);
  }
  heard_at_ = now;
  keepalives_ = 0;
  if (check_acknowledgement(segment, options, now, out) == Verdict::kDone) return;
  if (segment.payload().empty() && !segment.flags().fin()) return;
  active_at_ = now;
  // URG is ignored: urgent data is data (RFC 6093), and the pointer is never looked at.
  if (!guest_finished_) {
    receiver_.receive(SeqNumber{segment.sequence()}, segment.payload(), segment.flags().fin(), now);
  } else {
    receiver_.request_acknowledgement();  // the FIN again
    if (state_ == State::kTimeWait) state_began_ = now;
  }
}

// Header prediction: of what receive() checks, all but the place is the same for those that follow. Whether
// it took the first does not matter: what would have been wrong with that is asked again.
std::size_t Connection::receive_followers(const wire::TcpView& first, std::span<const MutableBytes> payloads,
                                          Instant now) {
  const bool may_send =
      state_ == State::kEstablished || state_ == State::kFinWait1 || state_ == State::kFinWait2;
  if (!may_send || guest_finished_) return 0;
  const wire::TcpOptions options = first.options();
  if (timestamps_ && options.timestamps &&
      SeqNumber{options.timestamps->value} < SeqNumber{timestamp_recent_}) {
    return 0;
  }
  const SeqNumber begin = SeqNumber{first.sequence()} + first.payload().size();
  Sender::Acknowledgement news{.sequence = begin,
                               .ack = SeqNumber{first.acknowledgement()},
                               .window = std::size_t{first.window()} << peer_scale_,
                               .carries_data = true,
                               .options = options};
  if (begin != receiver_.next() || !sender_.is_old_news(news)) return 0;
  const std::size_t taken = receiver_.receive_in_order(payloads, now);
  if (taken == 0) return 0;
  environment_.counters.segments_in.add(taken);
  news.sequence = receiver_.next() - payloads[taken - 1].size();
  sender_.hear(news, now);
  heard_at_ = active_at_ = now;
  keepalives_ = 0;
  return taken;
}

Connection::Verdict Connection::receive_before_establishment(const wire::TcpView& segment,
                                                             const wire::TcpOptions& options, Instant now,
                                                             PacketBatch& out) {
  switch (state_) {
    case State::kSynSent:
      return receive_in_syn_sent(segment, options, now, out);
    case State::kSynAckSent:
      return receive_in_syn_ack_sent(segment, options, now, out);
    default:
      break;
  }
  // kSynReceived: the guest has heard nothing, so all it can do is repeat its SYN or take it back.
  const SeqNumber sequence{segment.sequence()};
  if (segment.flags().rst()) {
    if (sequence == receiver_.next() || sequence == peer_initial_sequence_) {
      environment_.counters.resets_in.add();
      close_by_reset();
    } else {
      refuse(DropReason::kTcpInvalid);
    }
  } else if (!segment.flags().syn() || sequence != peer_initial_sequence_) {
    refuse(DropReason::kTcpInvalid);
  }
  return Verdict::kDone;
}

// RFC 9293 3.10.7.3.
Connection::Verdict Connection::receive_in_syn_sent(const wire::TcpView& segment,
                                                    const wire::TcpOptions& options, Instant now,
                                                    PacketBatch& out) {
  const wire::TcpFlags flags = segment.flags();
  const bool acknowledges = flags.ack() && SeqNumber{segment.acknowledgement()} == initial_sequence_ + 1;
  if (flags.ack() && !acknowledges) {
    refuse(DropReason::kTcpInvalid);
    if (!flags.rst()) reset_for(segment, out);
    return Verdict::kDone;
  }
  if (flags.rst()) {
    if (acknowledges) {
      environment_.counters.resets_in.add();
      close_by_reset();
    } else {
      refuse(DropReason::kTcpInvalid);
    }
    return Verdict::kDone;
  }
  if (!flags.syn()) {
    refuse(DropReason::kTcpInvalid);
    return Verdict::kDone;
  }
  peer_initial_sequence_ = SeqNumber{segment.sequence()};
  read_peer_options(options);
  if (options.timestamps) {
    timestamp_recent_ = options.timestamps->value;
    timestamp_recent_at_ = now;
  }
  receiver_.start(peer_initial_sequence_ + 1, receive_mss());
  heard_at_ = now;
  if (acknowledges) {
    establish(segment, now);
    receiver_.request_acknowledgement();
    if (finish_requested_) finish_send(now, out);
  } else {  // simultaneous open, RFC 9293 MUST-10
    set_state(State::kSynAckSent);
    send_syn(now, out);
  }
  return Verdict::kDone;  // data on a SYN is left to its retransmission
}

Connection::Verdict Connection::receive_in_syn_ack_sent(const wire::TcpView& segment,
                                                        const wire::TcpOptions& options, Instant now,
                                                        PacketBatch& out) {
  const wire::TcpFlags flags = segment.flags();
  const SeqNumber sequence{segment.sequence()};
  const bool acknowledges = flags.ack() && SeqNumber{segment.acknowledgement()} == initial_sequence_ + 1;
  if (flags.rst()) {
    if (sequence == receiver_.next()) {
      environment_.counters.resets_in.add();
      close_by_reset();
    } else {
      refuse(DropReason::kTcpInvalid);
    }
    return Verdict::kDone;
  }
  if (flags.syn() && sequence == peer_initial_sequence_) {
    if (acknowledges) {  // the other half of a simultaneous open
      establish(segment, now);
      if (finish_requested_) finish_send(now, out);
      receiver_.request_acknowledgement();
    } else {
      send_syn(now, out);  // our SYN-ACK was lost
    }
    return Verdict::kDone;
  }
  if (flags.ack() && !acknowledges) {  // RFC 9293 3.10.7.4, fifth
    refuse(DropReason::kTcpInvalid);
    reset_for(segment, out);
    return Verdict::kDone;
  }
  const bool is_old = timestamps_ && options.timestamps &&
                      SeqNumber{options.timestamps->value} < SeqNumber{timestamp_recent_};
  if (flags.syn() || !acknowledges || is_old || !is_acceptable(sequence, sequence_length(segment))) {
    refuse(DropReason::kTcpInvalid);
    return Verdict::kDone;
  }
  establish(segment, now);
  if (finish_requested_) finish_send(now, out);
  return Verdict::kContinue;  // RFC 9293: the third segment may carry data and FIN
}

// PAWS, RFC 7323 5.3.
Connection::Verdict Connection::check_timestamps(const wire::TcpView& segment,
                                                 const wire::TcpOptions& options, Instant now) {
  if (!timestamps_ || !options.timestamps || segment.flags().rst()) return Verdict::kContinue;
  if (!(SeqNumber{options.timestamps->value} < SeqNumber{timestamp_recent_})) return Verdict::kContinue;
  if (now - timestamp_recent_at_ > kTimestampLifetime) return Verdict::kContinue;
  refuse(DropReason::kTcpOutOfWindow);
  if (sequence_length(segment) != 0) {
    receiver_.request_acknowledgement();
  } else {
    challenge(now);
  }
  return Verdict::kDone;
}

// RFC 9293 3.10.7.4, first: the four cases. Where acknowledgements of one batch overtake its data, a number
// not older than what we last acknowledged will do for a segment without data.
bool Connection::is_acceptable(SeqNumber begin, std::size_t length) const noexcept {
  const SeqNumber next = receiver_.expected();
  const SeqNumber edge = max(receiver_.edge(), next);
  if (length == 0) return begin == next || (receiver_.last_acknowledged() <= begin && begin < edge);
  return begin < edge && begin + length > next;
}

Connection::Verdict Connection::check_sequence(const wire::TcpView& segment, Instant now) {
  const SeqNumber sequence{segment.sequence()};
  const std::size_t length = sequence_length(segment);
  if (is_acceptable(sequence, length)) return Verdict::kContinue;
  const wire::TcpFlags flags = segment.flags();
  const SeqNumber expected = receiver_.expected();
  if (!flags.rst() && !flags.syn() && (length != 0 ? sequence <= expected : sequence + 1 == expected)) {
    // Data or FIN once more, or data into a closed window (MUST-66); a keepalive, or a probe of a closed
    // window as Linux makes it (RFC 9293 3.8.4). Of no use, but it must be answered, what it acknowledges may
    // be news, and the guest lives.
    receiver_.request_acknowledgement();
    return Verdict::kContinue;
  }
  refuse(DropReason::kTcpOutOfWindow);
  if (flags.rst()) return Verdict::kDone;
  if (length == 0 || flags.syn()) {
    challenge(now);
  } else {
    receiver_.request_acknowledgement();
  }
  return Verdict::kDone;
}

// RFC 9293 3.10.7.4, second to fourth, with RFC 5961: only the exact number resets, and a SYN never does.
Connection::Verdict Connection::check_reset_and_syn(const wire::TcpView& segment, Instant now) {
  if (segment.flags().rst()) {
    if (SeqNumber{segment.sequence()} == receiver_.expected()) {
      environment_.counters.resets_in.add();
      if (state_ == State::kTimeWait) {
        refuse(DropReason::kTcpInvalid);  // RFC 1337
        return Verdict::kDone;
      }
      close_by_reset();
    } else {
      refuse(DropReason::kTcpInvalid);
      challenge(now);
    }
    return Verdict::kDone;
  }
  if (segment.flags().syn()) {
    refuse(DropReason::kTcpInvalid);
    challenge(now);
    return Verdict::kDone;
  }
  return Verdict::kContinue;
}

// RFC 9293 3.10.7.4, fifth, with RFC 5961 section 5.
Connection::Verdict Connection::check_acknowledgement(const wire::TcpView& segment,
                                                      const wire::TcpOptions& options, Instant now,
                                                      PacketBatch& out) {
  if (!segment.flags().ack()) {
    refuse(DropReason::kTcpInvalid);
    return Verdict::kDone;
  }
  const SeqNumber ack{segment.acknowledgement()};
  const SeqNumber oldest = sender_.una() - std::max<std::size_t>(sender_.largest_window(), 1);
  if (ack > sender_.limit() || ack < oldest) {
    refuse(DropReason::kTcpInvalid);
    challenge(now);
    return Verdict::kDone;
  }
  const Sender::Acknowledgement news{.sequence = SeqNumber{segment.sequence()},
                                     .ack = ack,
                                     .window = std::size_t{segment.window()} << peer_scale_,
                                     .carries_data = sequence_length(segment) != 0,
                                     .options = options};
  if (sender_.is_old_news(news)) {
    sender_.hear(news, now);
    return Verdict::kContinue;
  }
  with_sender(out, [&] { sender_.acknowledge(news, now, out); });
  if (sender_.is_finished()) sender_finished(now);
  return Verdict::kContinue;
}

// An acknowledgement that asks the guest for its side of the truth. It leaves with the batch.
void Connection::challenge(Instant now) noexcept {
  if (now < challenge_allowed_at_) {
    environment_.counters.challenge_acks_suppressed.add();
    return;
  }
  challenge_allowed_at_ = now + kChallengeInterval;
  environment_.counters.challenge_acks.add();
  receiver_.request_acknowledgement();
}

// RFC 9293 3.5.2, group 2. REQUIRES: the segment has ACK and no RST.
void Connection::reset_for(const wire::TcpView& segment, PacketBatch& out) {
  writer_.write_reset(SeqNumber{segment.acknowledgement()}, {}, out);
  environment_.counters.resets_out.add();
  environment_.counters.segments_out.add();
}

}  // namespace wgr::slirp::tcp
