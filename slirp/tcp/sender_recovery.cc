// What is lost, and what to do about it.
#include <algorithm>
#include <cassert>
#include <chrono>

#include "slirp/tcp/sender.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

constexpr Duration kMaxAckDelay = 200ms;  // RFC 8985 7.2: what a guest may sit on a lone segment
constexpr Duration kProbeSlack = 2ms;

}  // namespace

void Sender::detect_loss(News& result, Instant now) {
  if (!sack_) {
    // RFC 6582: three duplicates begin the recovery, each partial acknowledgement shows the next hole.
    const bool begins = phase_ == Phase::kOpen && duplicate_acks_ >= kDuplicateThreshold;
    const bool goes_on = phase_ == Phase::kRecovery && result.advanced && una_ < recovery_point_;
    if ((begins || goes_on) && sent_ != 0 && segments_.front().in_pipe) {
      mark_lost(segments_.position(0));
      result.lost_more = true;
    }
    return;
  }
  reorder_at_ = kNever;
  const bool expects_order = phase_ != Phase::kOpen || sacked_segments_ >= kDuplicateThreshold;
  const Duration tolerance =
      rack_.rtt() + rack_.reorder_window(expects_order, rtt_.minimum(), rtt_.smoothed());
  while (linked_ != 0) {
    const Segment& oldest = segments_.at(first_sent_);
    if (!rack_.is_older(oldest.sent_at, oldest.end())) break;
    const Instant lost_at = oldest.sent_at + tolerance;
    if (lost_at > now) {
      reorder_at_ = lost_at;
      break;
    }
    mark_lost(first_sent_);
    result.lost_more = true;
  }
}

void Sender::mark_lost(Position position) noexcept {
  assert(!segments_.at(position).sacked && !segments_.at(position).lost);
  leave_pipe(position);
  segments_.at(position).lost = true;
  if (lost_segments_ == 0 || segments_.index_of(position) < segments_.index_of(lost_hint_))
    lost_hint_ = position;
  ++lost_segments_;
}

void Sender::remember_for_undo() noexcept {
  undo_possible_ = true;
  undo_marker_ = una_;
  undo_retransmits_ = 0;
  has_retransmit_stamp_ = false;
}

void Sender::enter_recovery() noexcept {
  environment_.counters.fast_recoveries.add();
  recovery_flight_ = SeqNumber::distance(una_, next_);
  congestion_.reduce(recovery_flight_);
  phase_ = Phase::kRecovery;
  recovery_point_ = next_;
  prr_delivered_ = prr_out_ = 0;
  probe_at_ = kNever;
  remember_for_undo();
}

void Sender::step_recovery(const News& result) {
  if (undo_possible_ && try_undo(result)) return;
  if (phase_ != Phase::kOpen && una_ >= recovery_point_) leave_recovery();
  if (phase_ == Phase::kOpen && lost_segments_ != 0) enter_recovery();
  if (phase_ == Phase::kRecovery) reduce_proportionally(result);
  if (result.advanced) may_be_spurious_ = false;
}

// RFC 6937: what is sent in recovery follows what is delivered, so that the window shrinks evenly to the
// threshold whatever the losses are.
void Sender::reduce_proportionally(const News& result) noexcept {
  prr_delivered_ += result.delivered;
  const std::size_t threshold = congestion_.threshold();
  const std::size_t pipe = effective_pipe();
  std::size_t send = 0;
  if (pipe > threshold) {
    const std::size_t allowed = (prr_delivered_ * threshold + recovery_flight_ - 1) / recovery_flight_;
    send = allowed > prr_out_ ? allowed - prr_out_ : 0;
  } else {
    const std::size_t unused = prr_delivered_ > prr_out_ ? prr_delivered_ - prr_out_ : 0;
    std::size_t limit = std::max(unused, result.delivered);
    if (result.advanced && !result.lost_more) limit += mss_;  // the slow start bound
    send = std::min(threshold - pipe, limit);
  }
  if (prr_out_ == 0) send = std::max<std::size_t>(send, mss_);  // the fast retransmit itself
  congestion_.set_window(pipe + send);
}

void Sender::leave_recovery() noexcept {
  if (phase_ == Phase::kRecovery) congestion_.set_window(congestion_.threshold());
  phase_ = Phase::kOpen;
  duplicate_acks_ = 0;
  rack_.recovery_ended();
}

bool Sender::try_undo(const News& result) noexcept {
  // RFC 3522: the acknowledgement answers a transmission older than the first retransmission.
  const bool by_timestamp = phase_ != Phase::kOpen && has_retransmit_stamp_ && result.advanced &&
                            result.echo && SeqNumber{*result.echo} < SeqNumber{first_retransmit_stamp_};
  // RFC 3708: every retransmission arrived twice.
  const bool by_duplicates = result.duplicate_reported && has_retransmit_stamp_ && undo_retransmits_ == 0;
  // RFC 5682: what was sent before the timeout, and only once, still arrives.
  const bool by_originals = phase_ == Phase::kLoss && may_be_spurious_ && result.original_delivered;
  if (!by_timestamp && !by_duplicates && !by_originals) return false;
  undo();
  return true;
}

void Sender::undo() noexcept {
  environment_.counters.spurious_recoveries.add();
  congestion_.undo();
  rtt_.end_back_off();
  for (std::size_t i = 0; i < sent_ && lost_segments_ != 0; ++i) {
    Segment& segment = segments_[i];
    if (!segment.lost) continue;
    segment.lost = false;
    segment.in_pipe = true;
    pipe_ += segment.size;
    --lost_segments_;
  }
  relink();
  phase_ = Phase::kOpen;
  duplicate_acks_ = 0;
  undo_possible_ = may_be_spurious_ = false;
}

// RFC 8985 7.4: did the probe repair a loss that nobody would have noticed?
void Sender::judge_probe(const News& result, const Acknowledgement& news) noexcept {
  if (result.duplicate_of_probe) {
    probe_outstanding_ = false;
  } else if (una_ >= probe_end_) {
    if (!probe_was_retransmission_) {
      probe_outstanding_ = false;
    } else if (una_ > probe_end_) {
      probe_outstanding_ = false;
      if (phase_ == Phase::kOpen) {
        congestion_.reduce(SeqNumber::distance(una_, next_) + result.delivered);
        congestion_.set_window(congestion_.threshold());
      }
    } else if (!result.advanced && news.options.sack_count == 0 && !news.carries_data) {
      probe_outstanding_ = false;  // both copies arrived
    }
  }
}

void Sender::retransmission_timed_out(Instant now, PacketBatch& out) {
  environment_.counters.retransmission_timeouts.add();
  if (has_oversized_) cut_oversized();
  // RFC 2018 section 8: the guest may have thrown away what it reported.
  if (sent_ != 0 && segments_.front().sacked) forget_sack();
  may_be_spurious_ = phase_ == Phase::kOpen;
  if (phase_ == Phase::kOpen) {
    congestion_.reduce(SeqNumber::distance(una_, next_));
    remember_for_undo();
  } else if (phase_ == Phase::kRecovery) {
    undo_possible_ = false;
  }
  phase_ = Phase::kLoss;
  recovery_point_ = next_;
  congestion_.collapse();
  rtt_.back_off();
  rack_.restart();
  duplicate_acks_ = 0;
  probe_outstanding_ = false;
  probe_at_ = reorder_at_ = kNever;
  while (linked_ != 0) mark_lost(first_sent_);
  restart_retransmission_timer(now);
  send_pending(now, out);
}

void Sender::forget_sack() noexcept {
  scoreboard_.clear();
  sacked_segments_ = 0;
  for (std::size_t i = 0; i < sent_; ++i) {
    Segment& segment = segments_[i];
    if (!segment.sacked) continue;
    assert(!segment.in_pipe && !segment.lost);
    segment.sacked = false;
    segment.lost = true;
    ++lost_segments_;
  }
  lost_hint_ = segments_.position(0);
}

void Sender::schedule_probe(Instant now) noexcept {
  const bool applies = sack_ && phase_ == Phase::kOpen && sacked_segments_ == 0 && !probe_outstanding_ &&
                       has_outstanding() && rtt_.has_sample();
  probe_at_ = applies ? std::min(now + probe_timeout(), retransmit_at_) : kNever;
}

Duration Sender::probe_timeout() const noexcept {
  return 2 * rtt_.smoothed() + (sent_ == 1 ? kMaxAckDelay : kProbeSlack);
}

void Sender::send_tail_probe(Instant now, PacketBatch& out) {
  probe_at_ = kNever;
  // RFC 8985 7.2: with holes known it is RACK's turn. So what the guest has reported never leaves again.
  if (!has_outstanding() || phase_ != Phase::kOpen || sacked_segments_ != 0) return;
  environment_.counters.tail_loss_probes.add();
  probe_was_retransmission_ = sent_ == segments_.size() || segments_[sent_].size > window_room();
  transmit(segments_.position(probe_was_retransmission_ ? sent_ - 1 : sent_), now, out);
  probe_outstanding_ = true;
  probe_end_ = next_;
  restart_retransmission_timer(now);
}

// RFC 9293 MUST-35..37: for ever, with one byte of the data that waits.
void Sender::probe_window(Instant now, PacketBatch& out) {
  persist_at_ = kNever;
  const std::size_t room = window_room();
  if (room != 0 && room < segments_[sent_].size && split(sent_, room)) {  // the override of 3.8.6.2.1
    transmit(segments_.position(sent_), now, out);
    return;
  }
  if (may_send(segments_[sent_], now)) {
    send_pending(now, out);
    return;
  }
  environment_.counters.zero_window_probes.add();
  environment_.counters.segments_out.add();
  const Segment& segment = segments_[sent_];
  writer_.write_small(segment.begin, wire::kTcpAck, segment.buffer.bytes().first(1), now, out);
  window_probed_ = true;
  if (persist_backoff_ < 16) ++persist_backoff_;
  Duration wait = rtt_.timeout();
  for (std::uint8_t i = 0; i < persist_backoff_ && wait < environment_.config.tcp.max_rto; ++i) wait *= 2;
  persist_at_ = now + std::min(wait, environment_.config.tcp.max_rto);
}

}  // namespace wgr::slirp::tcp
