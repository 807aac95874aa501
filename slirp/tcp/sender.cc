#include "slirp/tcp/sender.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace wgr::slirp::tcp {

Sender::Sender(Environment& environment, SegmentWriter& writer, SeqNumber first)
    : environment_(environment),
      writer_(writer),
      una_(first),
      next_(first),
      round_end_(first),
      recovery_point_(first),
      rtt_(environment.config.tcp.min_rto, environment.config.tcp.max_rto),
      congestion_(environment.config.tcp.congestion, environment.config.tcp.max_in_flight) {}

Sender::~Sender() {
  for (std::size_t i = 0; i < segments_.size(); ++i) drop_segment_buffer(segments_[i]);
}

void Sender::start(const Start& start, Instant now) noexcept {
  mss_ = static_cast<std::uint16_t>(start.mss);
  sack_ = start.sack;
  window_ = largest_window_ = start.window;
  window_sequence_ = start.sequence;
  window_ack_ = una_;
  if (start.rtt > Duration::zero()) rtt_.sample(start.rtt, now);
  congestion_.start(mss_, environment_.config.tcp.initial_window_segments, next_);
  heard_at_ = progress_at_ = last_sent_at_ = now;
  started_ = true;
}

std::size_t Sender::window_room() const noexcept {
  const SeqNumber edge = una_ + window_;
  return edge > next_ ? SeqNumber::distance(next_, edge) : 0;
}

// Without SACK every duplicate acknowledgement stands for one segment that left the network.
std::size_t Sender::effective_pipe() const noexcept {
  return sack_ ? pipe_ : pipe_ - std::min(pipe_, std::size_t{duplicate_acks_} * mss_);
}

void Sender::finish(Instant now, PacketBatch& out) {
  if (fin_queued_) return;
  fin_queued_ = true;
  if (sent_ < segments_.size()) {
    segments_.back().fin = true;
  } else {
    Segment segment;
    segment.begin = next_;
    segment.fin = true;
    segments_.push_back(std::move(segment));
  }
  if (started_) send_pending(now, out);
}

void Sender::drop_segment_buffer(Segment& segment) noexcept {
  if (!segment.buffer) return;
  environment_.return_slot(segment.buffer);
  --slots_;
}

bool Sender::may_send(const Segment& segment, Instant now) const noexcept {
  if (pace_at_ != kNever && now < pace_at_) return false;
  if (segment.size == 0) return true;  // a FIN alone takes no buffer of the guest
  const std::size_t pipe = effective_pipe();
  if (pipe != 0 && pipe + segment.size > congestion_.window()) return false;
  return segment.size <= window_room();
}

void Sender::send_pending(Instant now, PacketBatch& out) {
  send_lost(now, out);
  bool sent_new = lost_segments_ == 0 && send_run(now, out);
  while (sent_ < segments_.size() && lost_segments_ == 0) {
    const Segment& segment = segments_[sent_];
    if (!may_send(segment, now)) {
      // Sender's part of silly window avoidance (RFC 9293 3.8.6.2.1): half of what the guest ever offered is
      // worth a small segment.
      const std::size_t room = window_room();
      const bool fits = segment.size <= room || has_outstanding() || room == 0;
      if (fits || room < largest_window_ / 2 || !split(sent_, room)) break;
      continue;
    }
    transmit(segments_.position(sent_), now, out);
    sent_new = true;
  }
  arm_timers(now);
  if (sent_new) schedule_probe(now);
}

// What new segments in a row have in common is done once. The others are for send_pending(): those the
// windows do not take whole, and a FIN alone.
bool Sender::send_run(Instant now, PacketBatch& out) {
  if (environment_.config.tcp.pace > Duration::zero()) return false;
  const std::size_t pipe = effective_pipe();
  const std::size_t window = congestion_.window() > pipe ? congestion_.window() - pipe : 0;
  const std::size_t room = std::min(window, window_room());
  const Position first = segments_.position(sent_);
  const Position end = segments_.position(segments_.size());
  Position position = first;
  std::uint32_t bytes = 0;
  for (; position != end; ++position) {
    Segment& segment = segments_.at(position);
    if (!segment.buffer || bytes + segment.size > room) break;
    writer_.write(segment.buffer, segment.begin, segment.flags(), now, out);
    bytes += segment.size;
    segment.sent_at = now;
    segment.in_pipe = true;
    segment.earlier = position - 1;
    segment.later = position + 1;
  }
  if (position == first) return false;
  link_run(first, position - 1);
  environment_.counters.segments_out.add(position - first);
  new_sent(position - first, bytes, segments_.at(position - 1).end(), now);
  pipe_ += bytes;
  data_left(bytes, now);
  return true;
}

void Sender::send_lost(Instant now, PacketBatch& out) {
  if (lost_segments_ == 0) return;
  std::size_t index = segments_.index_of(lost_hint_);
  if (index >= sent_) index = 0;
  for (; lost_segments_ != 0 && index < sent_; ++index) {
    const Segment& segment = segments_[index];
    if (!segment.lost) continue;
    const std::size_t pipe = effective_pipe();
    if (pipe != 0 && pipe + segment.size > congestion_.window()) break;
    transmit(segments_.position(index), now, out);
  }
  lost_hint_ = segments_.position(index);
}

void Sender::transmit(Position position, Instant now, PacketBatch& out) {
  Segment& segment = segments_.at(position);
  if (segment.buffer) {
    writer_.write(segment.buffer, segment.begin, segment.flags(), now, out);
  } else {
    writer_.write_small(segment.begin, segment.flags(), {}, now, out);
  }
  Counters& counters = environment_.counters;
  counters.segments_out.add();

  if (segments_.index_of(position) == sent_) {
    new_sent(1, segment.size, segment.end(), now);
  } else {
    counters.retransmits.add();
    segment.retransmitted = true;
    if (segment.lost) {
      segment.lost = false;
      --lost_segments_;
    }
    if (undo_possible_) ++undo_retransmits_;
    if (!has_retransmit_stamp_) {
      has_retransmit_stamp_ = true;
      first_retransmit_stamp_ = writer_.timestamp(now);
    }
    if (segments_.index_of(position) == 0) restart_retransmission_timer(now);
  }
  if (segment.in_pipe) {
    unlink(position);
  } else {
    pipe_ += segment.size;
  }
  segment.sent_at = now;
  link(position);
  data_left(segment.size, now);
}

// The first transmission of segments that end at `end`.
void Sender::new_sent(std::uint32_t segments, std::uint32_t bytes, SeqNumber end, Instant now) noexcept {
  if (!has_outstanding()) progress_at_ = now;
  sent_ += segments;
  next_ = end;
  window_probed_ = false;
  unsent_bytes_ -= bytes;
  environment_.counters.bytes_out.add(bytes);
}

// ... or any other.
void Sender::data_left(std::size_t bytes, Instant now) noexcept {
  peak_pipe_ = std::max(peak_pipe_, pipe_);
  if (phase_ == Phase::kRecovery) prr_out_ += bytes;
  last_sent_at_ = now;
  if (environment_.config.tcp.pace > Duration::zero()) pace_at_ = now + environment_.config.tcp.pace;
  if (retransmit_at_ == kNever) restart_retransmission_timer(now);
}

// The part of `first` behind `size` bytes, in a slot of its own; nothing when there is none.
std::optional<Sender::Segment> Sender::cut(Segment& first, std::size_t size) {
  PacketBuffer slot = environment_.take_slot();
  if (!slot) return std::nullopt;
  ++slots_;
  const std::size_t rest = first.size - size;
  std::memcpy(slot.append(rest), first.buffer.data() + size, rest);

  Segment second;
  second.buffer = std::move(slot);
  second.begin = first.begin + size;
  second.size = static_cast<std::uint16_t>(rest);
  second.fin = first.fin;
  second.push = first.push;
  second.retransmitted = first.retransmitted;
  second.sacked = first.sacked;
  second.lost = first.lost;
  second.in_pipe = first.in_pipe;
  second.sent_at = first.sent_at;
  first.size = static_cast<std::uint16_t>(size);
  first.buffer.shrink(size);
  first.fin = first.push = false;
  return second;
}

bool Sender::split(std::size_t index, std::size_t size) {
  std::optional<Segment> second = cut(segments_[index], size);
  if (!second) return false;
  segments_.insert(index + 1, std::move(*second));
  return true;
}

void Sender::mss_changed(std::size_t mss, Instant now, PacketBatch& out) {
  if (mss > mss_ || (mss == mss_ && !has_oversized_)) return;
  if (mss < mss_) {
    mss_ = static_cast<std::uint16_t>(mss);
    congestion_.mss_changed(mss);
  }
  if (cut_oversized() && phase_ == Phase::kOpen) {
    phase_ = Phase::kLoss;
    may_be_spurious_ = undo_possible_ = false;
    recovery_point_ = next_;
  }
  if (started_) send_pending(now, out);
}

// What is larger than the path takes becomes pieces, and what of it was on its way is lost, which is no sign
// of congestion; returns whether there was such. What finds no slot stays whole until the next try. One pass
// over the window: a guest that lies about its path must not make it quadratic.
bool Sender::cut_oversized() {
  bool lost_any = false;
  has_oversized_ = false;
  Ring<Segment> pieces;
  std::uint32_t sent_pieces = 0;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const bool is_sent = i < sent_;
    const bool is_too_big = segments_[i].size > mss_;
    std::optional<Segment> piece = std::move(segments_[i]);
    while (piece) {
      std::optional<Segment> rest;
      if (piece->size > mss_) rest = cut(*piece, mss_);
      if (is_sent) ++sent_pieces;
      if (rest && piece->sacked) ++sacked_segments_;
      if (rest && piece->lost) ++lost_segments_;
      if (piece->size > mss_) {
        has_oversized_ = true;
      } else if (is_too_big && piece->in_pipe) {
        piece->in_pipe = false;
        piece->lost = true;
        ++lost_segments_;
        pipe_ -= piece->size;
        lost_any = true;
      }
      pieces.push_back(std::move(*piece));
      piece = std::move(rest);
    }
  }
  segments_ = std::move(pieces);
  sent_ = sent_pieces;
  relink();
  lost_hint_ = segments_.position(0);
  return lost_any;
}

void Sender::arm_timers(Instant now) noexcept {
  if (has_outstanding()) {
    persist_at_ = kNever;
    return;
  }
  retransmit_at_ = probe_at_ = reorder_at_ = kNever;
  const bool is_paced = pace_at_ != kNever && now < pace_at_;
  if (sent_ == segments_.size() || is_paced) {
    persist_at_ = kNever;
  } else if (persist_at_ == kNever) {  // the window is closed, and nothing else would ever open it
    progress_at_ = now;
    persist_backoff_ = 0;
    persist_at_ = now + rtt_.timeout();
  }
}

void Sender::restart_retransmission_timer(Instant now) noexcept { retransmit_at_ = now + rtt_.timeout(); }

Instant Sender::next_deadline() const noexcept {
  const Instant pace = sent_ < segments_.size() ? pace_at_ : kNever;
  return std::min({retransmit_at_, probe_at_, reorder_at_, persist_at_, pace});
}

void Sender::on_deadline(Instant now, PacketBatch& out) {
  if (pace_at_ <= now) {
    pace_at_ = kNever;
    send_pending(now, out);
  }
  if (reorder_at_ <= now) {
    News result;
    detect_loss(result, now);
    step_recovery(result);
    send_pending(now, out);
  }
  if (probe_at_ <= now) {
    send_tail_probe(now, out);
  } else if (retransmit_at_ <= now) {
    retransmission_timed_out(now, out);
  }
  if (persist_at_ <= now) probe_window(now, out);
}

bool Sender::has_given_up(Instant now) const noexcept {
  const bool waits_for_window = persist_at_ != kNever || window_ == 0;
  if (!has_outstanding() && persist_at_ == kNever) return false;
  const Instant since = waits_for_window ? std::max(heard_at_, progress_at_) : progress_at_;
  return now - since > environment_.config.tcp.give_up;
}

void Sender::release_idle_memory() noexcept {
  if (segments_.empty()) segments_.release();
  if (scoreboard_.empty()) scoreboard_.release();
}

}  // namespace wgr::slirp::tcp
