#include "slirp/tcp/receiver.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace wgr::slirp::tcp {
namespace {

constexpr std::uint8_t kQuickAcknowledgements = 16;  // while the guest is in slow start
constexpr std::size_t kCompactAfter = 64;            // entries taken by the host

}  // namespace

Receiver::Receiver(Environment& environment) noexcept
    : environment_(environment),
      reassembly_(environment),
      window_(environment.config.tcp.initial_receive_window, environment.config.tcp.max_receive_window) {}

Receiver::~Receiver() {
  for (PacketBuffer& owner : owners_) {
    if (owner) environment_.return_slot(owner);
  }
}

void Receiver::start(SeqNumber next, std::size_t mss) noexcept {
  next_ = held_until_ = last_acknowledged_ = next;
  mss_ = static_cast<std::uint16_t>(mss);
  quick_ = kQuickAcknowledgements;
  window_.start(next, syn_window());
}

std::uint16_t Receiver::syn_window() const noexcept {
  return static_cast<std::uint16_t>(std::min<std::size_t>(window_.capacity(), 0xffff));
}

void Receiver::receive(SeqNumber begin, MutableBytes payload, bool fin, Instant now) {
  SeqNumber end = begin + payload.size();
  // Beyond the window or beyond the end of the stream there is nothing.
  const SeqNumber edge = fin_known_ ? min(window_.edge(), fin_) : window_.edge();
  if (end > edge) {
    environment_.counters.drops.count(DropReason::kTcpOutOfWindow);
    acknowledge_now_ = true;
    if (begin >= edge) return;
    payload = payload.first(SeqNumber::distance(begin, edge));
    end = edge;
    fin = false;
  }
  if (fin && !fin_known_ && end >= next_) {  // below it is no end of this stream
    fin_known_ = true;
    fin_ = end;
  }
  if (fin) acknowledge_now_ = true;
  if (payload.empty()) return;

  if (begin < next_) {  // RFC 9293 3.10.7.4: what is new of it is used
    report_duplicate({begin, min(next_, end)});
    if (end <= next_) return;
    payload = payload.subspan(SeqNumber::distance(begin, next_));
    begin = next_;
  }
  if (begin == next_) {
    accept_in_order({&payload, 1}, now);
  } else {
    accept_out_of_order(begin, payload);
  }
}

std::size_t Receiver::receive_in_order(std::span<const MutableBytes> payloads, Instant now) {
  if (fin_known_ || !reassembly_.empty() || window_.edge() <= next_) return 0;
  const std::size_t room = SeqNumber::distance(next_, window_.edge());
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < payloads.size(); ++count) {
    bytes += payloads[count].size();
    if (bytes > room) break;
  }
  if (count != 0) accept_in_order(payloads.first(count), now);
  return count;
}

void Receiver::accept_in_order(std::span<const MutableBytes> payloads, Instant now) {
  if (!has_views_) {
    has_views_ = true;
    first_view_ = readable_.size();
  }
  std::size_t bytes = 0;
  std::size_t largest = 0;
  for (const MutableBytes& payload : payloads) {
    readable_.push_back({payload.data(), payload.size()});
    bytes += payload.size();
    largest = std::max(largest, payload.size());
  }
  owners_.resize(readable_.size());
  next_ += bytes;
  unread_ += bytes;
  environment_.counters.bytes_in.add(bytes);
  if (largest > peer_mss_) peer_mss_ = static_cast<std::uint16_t>(std::min<std::size_t>(largest, mss_));
  if (!reassembly_.empty()) join_reassembled();

  // RFC 9293 MUST-58: at least every second full segment.
  const std::size_t unacknowledged = SeqNumber::distance(last_acknowledged_, next_);
  if (quick_ != 0 || unacknowledged >= 2 * std::size_t{peer_mss_}) acknowledge_now_ = true;
  if (acknowledge_at_ == kNever) acknowledge_at_ = now + environment_.config.tcp.ack_delay;
}

void Receiver::join_reassembled() {
  acknowledge_now_ = true;  // RFC 5681 4.2: a hole is filled
  while (!reassembly_.empty() && reassembly_.front().begin <= next_) {
    const SeqNumber begin = reassembly_.front().begin;
    PacketBuffer slot = reassembly_.take_front();
    const std::size_t skip = SeqNumber::distance(begin, next_);
    if (skip >= slot.size()) {
      environment_.return_slot(slot);
      continue;
    }
    const std::size_t size = slot.size() - skip;
    readable_.push_back({slot.data() + skip, size});
    owners_.push_back(std::move(slot));
    ++slots_;
    next_ += size;
    unread_ += size;
    environment_.counters.bytes_in.add(size);
  }
  reassembly_.advance(next_);
}

void Receiver::accept_out_of_order(SeqNumber begin, Bytes payload) {
  acknowledge_now_ = true;  // RFC 5681 4.2
  environment_.counters.out_of_order_segments.add();
  switch (reassembly_.insert(begin, payload)) {
    case Reassembly::Outcome::kStored:
      break;
    case Reassembly::Outcome::kDuplicate:
      report_duplicate({begin, begin + payload.size()});
      break;
    case Reassembly::Outcome::kRefused:
      environment_.counters.drops.count(DropReason::kTcpOutOfOrderLimit);
      break;
  }
  has_reports_ = true;
}

void Receiver::report_duplicate(SeqRange range) noexcept {
  environment_.counters.duplicate_segments.add();
  acknowledge_now_ = true;
  duplicate_ = range;
  has_duplicate_ = has_reports_ = true;
}

std::span<const iovec> Receiver::readable() const noexcept { return std::span{readable_}.subspan(head_); }

void Receiver::consume(std::size_t size, Duration rtt, Instant now) {
  assert(size <= unread_);
  unread_ -= size;
  window_.consumed(size, mss_, rtt, environment_.memory.available(), now);
  if (unread_ == 0 && slots_ == 0) {  // all of it, and no slot to give back
    head_ = readable_.size();
    size = 0;
  }
  while (size != 0) {
    iovec& piece = readable_[head_];
    const std::size_t used = std::min(size, piece.iov_len);
    piece.iov_base = static_cast<std::uint8_t*>(piece.iov_base) + used;
    piece.iov_len -= used;
    size -= used;
    if (piece.iov_len != 0) break;
    if (owners_[head_]) {
      environment_.return_slot(owners_[head_]);
      --slots_;
    }
    ++head_;
  }
  held_until_ = max(held_until_, next_ - unread_);
  if (head_ == readable_.size()) {
    readable_.clear();
    owners_.clear();
    head_ = first_view_ = 0;
    has_views_ = false;
    held_until_ = next_;
  } else if (head_ >= kCompactAfter && head_ * 2 >= readable_.size()) {
    readable_.erase(readable_.begin(), readable_.begin() + static_cast<std::ptrdiff_t>(head_));
    owners_.erase(owners_.begin(), owners_.begin() + static_cast<std::ptrdiff_t>(head_));
    first_view_ -= std::min(first_view_, head_);
    head_ = 0;
  }
}

void Receiver::end_batch() {
  if (!has_views_) return;
  hold_views(std::max(head_, first_view_));
  has_views_ = false;
  held_until_ = next_;
}

// From entry `first` on, what points into the batch is copied. At the limit the rest is forgotten, as if it
// had never come.
void Receiver::hold_views(std::size_t first) {
  const auto offset = static_cast<std::ptrdiff_t>(first);
  std::vector<iovec> views(readable_.begin() + offset, readable_.end());
  std::vector<PacketBuffer> owners(std::make_move_iterator(owners_.begin() + offset),
                                   std::make_move_iterator(owners_.end()));
  readable_.resize(first);
  owners_.resize(first);
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (owners[i]) {
      readable_.push_back(views[i]);
      owners_.push_back(std::move(owners[i]));
    } else if (!hold({static_cast<const std::uint8_t*>(views[i].iov_base), views[i].iov_len})) {
      forget_from(views, owners, i);
      break;
    }
  }
}

// Copies behind the last held byte.
bool Receiver::hold(Bytes bytes) {
  while (!bytes.empty()) {
    const bool has_tail = readable_.size() > head_ && owners_.back();
    if (!has_tail || owners_.back().room() == 0) {
      PacketBuffer slot = environment_.take_slot();
      if (!slot) {
        unread_ -= bytes.size();
        next_ = next_ - bytes.size();
        return false;
      }
      ++slots_;
      readable_.push_back({slot.data(), 0});
      owners_.push_back(std::move(slot));
    }
    PacketBuffer& slot = owners_.back();
    const std::size_t size = std::min(bytes.size(), slot.room());
    std::memcpy(slot.append(size) + slot.size() - size, bytes.data(), size);
    readable_.back().iov_len += size;
    bytes = bytes.subspan(size);
  }
  return true;
}

// Entry `failed` could not be held; hold() has taken its rest back.
void Receiver::forget_from(std::vector<iovec>& views, std::vector<PacketBuffer>& owners, std::size_t failed) {
  environment_.counters.drops.count(DropReason::kPoolExhausted);
  acknowledge_now_ = true;
  for (std::size_t i = failed + 1; i < views.size(); ++i) {
    unread_ -= views[i].iov_len;
    next_ = next_ - views[i].iov_len;
    if (owners[i]) {
      environment_.return_slot(owners[i]);
      --slots_;
    }
  }
}

ReceiveWindow::Offer Receiver::offer() const noexcept {
  return window_.offer(acknowledgeable(), unread_, environment_.memory.available(), mss_);
}

void Receiver::offered(const ReceiveWindow::Offer& offer) noexcept {
  window_.offered(offer);
  if (quick_ != 0 && offer.ack != last_acknowledged_) --quick_;
  last_acknowledged_ = offer.ack;
  if (offer.ack < next_) return;  // the rest of the batch wants its own
  acknowledge_at_ = kNever;
  if (!has_reports_) acknowledge_now_ = false;
}

void Receiver::reported() noexcept {
  has_reports_ = has_duplicate_ = false;
  acknowledge_now_ = false;
}

std::size_t Receiver::reports(Reports& into) const noexcept {
  if (!sack_) return 0;
  std::size_t count = 0;
  if (has_duplicate_) into[count++] = duplicate_;
  for (const SeqRange& range : reassembly_.reports()) {
    if (count == into.size()) break;
    into[count++] = range;
  }
  return count;
}

bool Receiver::must_acknowledge() const noexcept {
  return acknowledge_now_ || window_.is_worth_telling(offer(), mss_);
}

bool Receiver::holds_idle_memory() const noexcept {
  return (readable_.empty() && readable_.capacity() != 0) || reassembly_.holds_idle_memory();
}

void Receiver::release_idle_memory() noexcept {
  if (readable_.empty()) {
    std::vector<iovec>().swap(readable_);
    std::vector<PacketBuffer>().swap(owners_);
  }
  reassembly_.release_idle_memory();
}

}  // namespace wgr::slirp::tcp
