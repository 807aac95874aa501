// What the guest says about our data: cumulative and selective acknowledgements, the window, round trips.
#include <algorithm>

#include "slirp/tcp/sender.h"

namespace wgr::slirp::tcp {
namespace {

constexpr Duration kLongestEchoedRtt = std::chrono::seconds{120};  // an older echo is nonsense

bool is_before(std::uint32_t a, std::uint32_t b) { return SeqNumber{a} < SeqNumber{b}; }

}  // namespace

void Sender::acknowledge(const Acknowledgement& news, Instant now, PacketBatch& out) {
  heard_at_ = now;
  News result;
  if (writer_.uses_timestamps() && news.options.timestamps) result.echo = news.options.timestamps->echo;
  const std::size_t old_window = window_;
  update_window(news);
  if (news.ack > next_) {
    accept_probe(news.ack);
    result.advanced = true;
  }
  if (news.ack > una_) advance(news.ack, result, now);
  if (sack_) {
    if (news.options.sack_count != 0) read_sack(news, result, now);
  } else {
    count_duplicate(news, old_window, result);
  }

  Counters& counters = environment_.counters;
  if (result.advanced) {
    counters.ack_advanced.add();
  } else if (window_ != old_window) {
    counters.ack_window_update.add();
  } else if (!news.carries_data && has_outstanding()) {
    counters.ack_duplicate.add();
  }
  sample_rtt(result, now);
  if (probe_outstanding_) judge_probe(result, news);
  if (sack_ ? result.delivered != 0 : result.advanced || duplicate_acks_ >= kDuplicateThreshold) {
    detect_loss(result, now);
  }
  if (phase_ != Phase::kOpen || lost_segments_ != 0 || result.duplicate_reported) step_recovery(result);
  if (phase_ != Phase::kRecovery) {
    congestion_.acknowledged({.bytes = result.delivered,
                              .una = una_,
                              .next = next_,
                              .peak = peak_pipe_,
                              .rtt = result.rtt,
                              .smoothed_rtt = rtt_.smoothed()},
                             now);
  }
  if (una_ >= round_end_) {
    round_end_ = next_;
    peak_pipe_ = pipe_;
  }
  if (result.advanced) {
    rtt_.end_back_off();
    progress_at_ = now;
    if (has_outstanding()) restart_retransmission_timer(now);
  }
  if (result.advanced || window_ > old_window) persist_at_ = kNever;
  send_pending(now, out);
  if (result.advanced) schedule_probe(now);
}

// RFC 9293 3.10.7.4: an old segment must not bring back an old window.
void Sender::update_window(const Acknowledgement& news) noexcept {
  if (news.ack < una_) return;
  if (news.sequence < window_sequence_ || (news.sequence == window_sequence_ && news.ack < window_ack_))
    return;
  if (news.window == 0 && window_ != 0) environment_.counters.zero_windows.add();
  window_ = news.window;
  largest_window_ = std::max(largest_window_, window_);
  window_sequence_ = news.sequence;
  window_ack_ = news.ack;
}

// The guest took the byte of a window probe: it counts as sent.
void Sender::accept_probe(SeqNumber ack) {
  assert(sent_ == 0 && ack == next_ + 1 && !segments_.empty());
  Segment& segment = segments_.front();
  segment.buffer.pop_front(1);
  segment.begin += 1;
  --segment.size;
  --unsent_bytes_;
  environment_.counters.bytes_out.add();
  if (segment.size == 0) {
    drop_segment_buffer(segment);
    if (!segment.fin) segments_.pop_front();
  }
  una_ = next_ = ack;
  window_probed_ = false;
}

void Sender::advance(SeqNumber ack, News& result, Instant now) {
  result.advanced = true;
  if (phase_ != Phase::kLoss) advance_plain(ack, result, now);
  while (sent_ != 0 && segments_.front().end() <= ack) {
    Segment& segment = segments_.front();
    if (segment.sacked) {
      --sacked_segments_;
    } else {
      delivered(segment, result, now);
    }
    ++result.acked_segments;
    leave_pipe(segments_.position(0));
    drop_segment_buffer(segment);
    segments_.pop_front();
    --sent_;
  }
  una_ = ack;
  if (!scoreboard_.empty()) scoreboard_.advance(ack);
}

// The same for a row of segments that arrived as they were sent: what they have in common is done once.
void Sender::advance_plain(SeqNumber ack, News& result, Instant now) {
  const Position first = segments_.position(0);
  const Position end = segments_.position(sent_);
  Position position = first;
  Position in_order = first_sent_;  // nothing is plain if nothing is linked
  std::size_t bytes = 0;
  std::uint32_t slots = 0;
  while (position != end && position == in_order) {
    const Segment& segment = segments_.at(position);
    if (!segment.is_plain() || segment.end() > ack) [[unlikely]]
      break;
    bytes += segment.size;
    slots += segment.buffer ? 1 : 0;
    in_order = segment.later;
    ++position;
  }
  const std::uint32_t count = position - first;
  if (count == 0) return;
  const auto arrival = [this](Position at) {
    return Rack::Delivered{.end = segments_.at(at).end(), .sent_at = segments_.at(at).sent_at};
  };
  const Rack::Delivered last = arrival(position - 1);
  if (sack_) {  // those between tell it nothing that these two do not
    rack_.delivered(arrival(first), rtt_.minimum(), now);
    rack_.delivered(last, rtt_.minimum(), now);
  }
  segments_.pop_front(count);  // with their buffers
  sent_ -= count;
  first_sent_ = in_order;
  linked_ -= count;
  slots_ -= slots;
  environment_.memory.give_back(slots * environment_.slot_cost());
  pipe_ -= bytes;
  result.delivered += bytes;
  result.acked_segments += count;
  result.newest_sent = std::max(result.newest_sent, last.sent_at);
  result.has_sample = true;
}

void Sender::delivered(Segment& segment, News& result, Instant now) {
  result.delivered += segment.size;
  if (segment.lost) {
    segment.lost = false;
    --lost_segments_;
  }
  const bool is_original =
      segment.retransmitted && result.echo && is_before(*result.echo, writer_.timestamp(segment.sent_at));
  if (segment.retransmitted) {
    result.has_retransmitted = true;
  } else {
    result.newest_sent = std::max(result.newest_sent, segment.sent_at);
    result.has_sample = true;
    if (phase_ == Phase::kLoss && segment.end() <= recovery_point_) result.original_delivered = true;
  }
  if (sack_) {
    rack_.delivered({segment.end(), segment.sent_at, segment.retransmitted, is_original}, rtt_.minimum(),
                    now);
  }
}

void Sender::read_sack(const Acknowledgement& news, News& result, Instant now) {
  const auto blocks = news.options.sack_blocks();
  std::size_t first = 0;
  if (read_duplicate_report(news, result)) first = 1;
  for (const wire::SackBlock& block : blocks.subspan(first)) {
    const SeqRange range{SeqNumber{block.begin}, SeqNumber{block.end}};
    // Only a claim about data in flight is believed.
    if (range.begin >= range.end || range.begin < una_ || range.end > next_) continue;
    const Scoreboard::Added added = scoreboard_.add(range);
    if (!added.news.is_empty()) mark_sacked(added.whole, added.news, result, now);
  }
}

// RFC 2883: a first block below the acknowledgement, or inside the second block, reports a duplicate.
bool Sender::read_duplicate_report(const Acknowledgement& news, News& result) noexcept {
  const auto blocks = news.options.sack_blocks();
  const SeqRange range{SeqNumber{blocks[0].begin}, SeqNumber{blocks[0].end}};
  if (range.begin >= range.end) return false;
  const bool is_below = range.end <= una_;
  const bool is_inside =
      blocks.size() > 1 && SeqNumber{blocks[1].begin} <= range.begin && range.end <= SeqNumber{blocks[1].end};
  if (!is_below && !is_inside) return false;
  result.duplicate_reported = true;
  if (undo_possible_ && range.begin >= undo_marker_ && undo_retransmits_ != 0) --undo_retransmits_;
  if (probe_outstanding_ && probe_was_retransmission_ && range.end == probe_end_)
    result.duplicate_of_probe = true;
  rack_.duplicate_reported(una_, next_);
  return true;
}

void Sender::mark_sacked(SeqRange whole, SeqRange part, News& result, Instant now) {
  for (std::size_t i = index_of(part.begin); i < sent_ && segments_[i].begin < part.end; ++i) {
    Segment& segment = segments_[i];
    if (segment.sacked || segment.begin < whole.begin || segment.end() > whole.end) continue;
    delivered(segment, result, now);
    segment.sacked = true;
    ++sacked_segments_;
    leave_pipe(segments_.position(i));
  }
}

void Sender::count_duplicate(const Acknowledgement& news, std::size_t old_window, News& result) {
  if (result.advanced) {
    // The duplicates stood for segments that are acknowledged now, but for the one that was missing.
    const std::uint32_t covered = result.acked_segments == 0 ? 0 : result.acked_segments - 1;
    duplicate_acks_ = phase_ == Phase::kOpen ? 0 : duplicate_acks_ - std::min(duplicate_acks_, covered);
    return;
  }
  // RFC 5681 section 2.
  if (news.ack != una_ || news.carries_data || window_ != old_window || !has_outstanding()) return;
  if (duplicate_acks_ + 1 >= sent_) return;  // more than can have left the network
  ++duplicate_acks_;
  result.delivered += mss_;
}

void Sender::sample_rtt(News& result, Instant now) {
  // Karn, and more: an acknowledgement that a retransmission brought about was held up by the hole, whatever
  // else it covers.
  if (result.has_sample && !result.has_retransmitted) {
    result.rtt = now - result.newest_sent;
  } else if (result.advanced && result.echo) {
    result.rtt = std::chrono::milliseconds{writer_.timestamp(now) - *result.echo};
    if (result.rtt > kLongestEchoedRtt) result.rtt = Duration::zero();
  }
  if (result.rtt <= Duration::zero()) return;
  rtt_.sample(result.rtt, now);
  environment_.counters.rtt.record(result.rtt);
}

// The segment that holds `sequence`. REQUIRES: it lies in [una_, next_].
std::size_t Sender::index_of(SeqNumber sequence) const noexcept {
  std::size_t low = 0;
  std::size_t high = sent_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (segments_[middle].end() <= sequence) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// At the end of the order of transmission.
void Sender::link(Position position) noexcept {
  segments_.at(position).in_pipe = true;
  link_run(position, position);
}

// The same for neighbours that are linked among themselves.
void Sender::link_run(Position first, Position last) noexcept {
  if (linked_ == 0) {
    first_sent_ = first;
  } else {
    segments_.at(last_sent_).later = first;
    segments_.at(first).earlier = last_sent_;
  }
  last_sent_ = last;
  linked_ += last - first + 1;
}

void Sender::unlink(Position position) noexcept {
  Segment& segment = segments_.at(position);
  segment.in_pipe = false;
  --linked_;
  if (linked_ == 0) return;
  if (position == first_sent_) {
    first_sent_ = segment.later;
  } else if (position == last_sent_) {
    last_sent_ = segment.earlier;
  } else {
    segments_.at(segment.earlier).later = segment.later;
    segments_.at(segment.later).earlier = segment.earlier;
  }
}

void Sender::relink() noexcept {
  linked_ = 0;
  for (std::size_t i = 0; i < sent_; ++i) {
    if (segments_[i].in_pipe) link(segments_.position(i));
  }
}

void Sender::leave_pipe(Position position) noexcept {
  Segment& segment = segments_.at(position);
  if (!segment.in_pipe) return;
  unlink(position);
  pipe_ -= segment.size;
}

}  // namespace wgr::slirp::tcp
