// Bytes of the host become segments: how many are asked for, and where they are put.
#include <algorithm>
#include <cassert>

#include "slirp/tcp/sender.h"

namespace wgr::slirp::tcp {
namespace {

constexpr std::uint16_t kMinReadAhead = 2;
constexpr std::uint16_t kMaxReadAhead = 48;  // 64 KiB of ordinary segments

}  // namespace

// Bytes to read from the host: what may leave at once, in whole segments, because the rest waits better in
// the kernel. If nothing is on its way there must be something to probe a closed window with.
std::size_t Sender::host_room() const noexcept {
  if (!started_ || fin_queued_) return 0;
  const std::size_t pipe = effective_pipe();
  const std::size_t outstanding = SeqNumber::distance(una_, next_);
  const std::size_t most = environment_.config.tcp.max_in_flight;
  std::size_t room = congestion_.window() > pipe ? congestion_.window() - pipe : 0;
  room = std::min({room, window_room(), most > outstanding ? most - outstanding : 0});
  room = room > unsent_bytes_ ? room - unsent_bytes_ : 0;
  assert(mss_ > 0);
  if (room >= mss_) return room / mss_ * mss_;
  if (outstanding != 0 || unsent_bytes_ != 0) return 0;
  return room != 0 && room >= largest_window_ / 2 ? room : mss_;
}

bool Sender::wants_data() const noexcept { return host_room() > 0; }

// As many of `wanted` as the budget has.
std::size_t Sender::pay_for_slots(std::size_t wanted) noexcept {
  const std::size_t paid = std::min(wanted, environment_.memory.available() / environment_.slot_cost());
  if (paid < wanted) environment_.counters.slots_refused.add();
  return environment_.memory.take(paid * environment_.slot_cost()) ? paid : 0;
}

std::size_t Sender::prepare(std::span<iovec> into, std::size_t limit) {
  assert(prepared_tail_ == 0 && prepared_segments_ == 0);
  std::size_t room = std::min(host_room(), limit);
  std::size_t pieces = 0;
  if (into.empty() || room == 0) return 0;

  if (sent_ < segments_.size()) {  // what a small read left behind takes more
    Segment& tail = segments_.back();
    if (tail.buffer && tail.size < mss_) {
      prepared_tail_ =
          static_cast<std::uint32_t>(std::min({room, std::size_t{mss_} - tail.size, tail.buffer.room()}));
      if (prepared_tail_ != 0)
        into[pieces++] = {tail.buffer.append(prepared_tail_) + tail.size, prepared_tail_};
      room -= prepared_tail_;
    }
  }
  const std::size_t wanted =
      std::min({(room + mss_ - 1) / mss_, into.size() - pieces, std::size_t{read_ahead_}});
  return pieces + prepare_segments(into.subspan(pieces, pay_for_slots(wanted)), room);
}

// An empty segment behind each of `into`, paid for. REQUIRES: room for at least a byte in each.
std::size_t Sender::prepare_segments(std::span<iovec> into, std::size_t room) {
  PacketPool& pool = environment_.pool;
  const std::size_t mss = mss_;
  std::size_t prepared = 0;
  for (iovec& piece : into) {
    PacketBuffer slot = pool.take();
    if (!slot) [[unlikely]] {
      environment_.memory.give_back((into.size() - prepared) * environment_.slot_cost());
      environment_.counters.slots_refused.add();
      break;
    }
    const std::size_t size = std::min(room, mss);
    piece = {slot.append(size), size};
    segments_.emplace_back().buffer = std::move(slot);
    ++prepared;
    room -= size;
  }
  slots_ += static_cast<std::uint32_t>(prepared);
  prepared_segments_ = static_cast<std::uint16_t>(prepared);
  return prepared;
}

void Sender::commit(std::size_t size, Instant now, PacketBatch& out) {
  std::size_t left = size;
  std::size_t index = segments_.size() - prepared_segments_;
  if (prepared_tail_ != 0) {
    Segment& tail = segments_[index - 1];
    const std::size_t used = std::min<std::size_t>(left, prepared_tail_);
    tail.size = static_cast<std::uint16_t>(tail.size + used);
    tail.buffer.shrink(tail.size);
    left -= used;
  }
  SeqNumber begin = next_ + unsent_bytes_ + (size - left);
  const bool was_filled = prepared_segments_ != 0 && left != 0;
  for (; index < segments_.size() && left != 0; ++index) {
    Segment& segment = segments_[index];
    const std::size_t used = std::min(left, segment.buffer.size());
    segment.begin = begin;
    segment.size = static_cast<std::uint16_t>(used);
    segment.buffer.shrink(used);
    begin += used;
    left -= used;
  }
  assert(left == 0);
  const std::size_t unused = segments_.size() - index;
  while (segments_.size() > index) {
    drop_segment_buffer(segments_.back());
    segments_.pop_back();
  }
  // Offer the next read as much as this one showed to be useful.
  if (was_filled && unused == 0 && prepared_segments_ == read_ahead_) {
    read_ahead_ = std::min<std::uint16_t>(static_cast<std::uint16_t>(read_ahead_ * 2), kMaxReadAhead);
  } else if (unused * 4 > std::size_t{prepared_segments_} * 3) {
    read_ahead_ = std::max<std::uint16_t>(read_ahead_ / 2, kMinReadAhead);
  }
  prepared_tail_ = 0;
  prepared_segments_ = 0;
  if (size == 0) return;

  unsent_bytes_ += static_cast<std::uint32_t>(size);
  if (unused != 0 || segments_.back().size < mss_) segments_.back().push = true;
  if (!has_outstanding()) congestion_.restart_after_idle(now - last_sent_at_, rtt_.timeout());
  send_pending(now, out);
}

}  // namespace wgr::slirp::tcp
