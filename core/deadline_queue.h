// The deadlines of many objects, as one next deadline. A binary heap with lazy entries: an object
// whose deadline moved later keeps its early entry, is asked when that comes up, and is queued again.
// So a retransmission timer that moves with every acknowledgement costs nothing here. A deadline that
// moves earlier leaves its later entry behind; of such entries each key keeps only the earliest once they
// are the greater part, so the queue stays within twice the number of keys, and a fixed slack.
//
// Use, with `Instant queued` kept beside each object (kNever at first):
//   after the object changed:  queue.arm(key, object.next_deadline(), object.queued);
//   when time has passed:      while (auto key = queue.take_due(now)) {
//                                find the object; object.queued = kNever; object.on_deadline(now, ...);
//                                queue.arm(key, object.next_deadline(), object.queued); }
// A key whose object is gone must find nobody (ids with generations): its entries just fall out.
//
// Thread: confined to its owner.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "core/time.h"

namespace wgr {

// Key: ordered, any order will do.
template <typename Key>
class DeadlineQueue {
 public:
  // `queued` is the earliest entry this object has in the queue; kNever if none.
  void arm(const Key& key, Instant deadline, Instant& queued) {
    if (deadline >= queued) return;
    queued = deadline;
    if (entries_.size() >= compact_at_) keep_earliest();
    entries_.push_back({deadline, key});
    std::push_heap(entries_.begin(), entries_.end(), later);
  }

  Instant next() const noexcept { return entries_.empty() ? kNever : entries_.front().at; }

  // The key of one entry due at `now`. Its object may have nothing due: asking early is harmless.
  std::optional<Key> take_due(Instant now) {
    if (entries_.empty() || entries_.front().at > now) return std::nullopt;
    std::pop_heap(entries_.begin(), entries_.end(), later);
    Key key = entries_.back().key;
    entries_.pop_back();
    return key;
  }

  // Entries, dead ones included.
  std::size_t size() const noexcept { return entries_.size(); }

  // Forgets the entries of objects that are gone before they come up: the queue of an owner whose objects
  // come and go faster than their deadlines. REQUIRES: an object that keeps its key keeps its entries.
  template <typename IsGone>
  void discard_if(IsGone is_gone) {
    std::erase_if(entries_, [&](const Entry& entry) { return is_gone(entry.key); });
    std::make_heap(entries_.begin(), entries_.end(), later);
  }

 private:
  struct Entry {
    Instant at;
    Key key;
  };
  static constexpr std::size_t kSlack = 64;

  static bool later(const Entry& a, const Entry& b) noexcept { return a.at > b.at; }

  // One entry for each key: whoever waits for a later one is asked early and queued again.
  void keep_earliest() {
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return a.key < b.key || (a.key == b.key && a.at < b.at);
    });
    const auto same_key = [](const Entry& a, const Entry& b) { return a.key == b.key; };
    entries_.erase(std::unique(entries_.begin(), entries_.end(), same_key), entries_.end());
    std::make_heap(entries_.begin(), entries_.end(), later);
    compact_at_ = 2 * entries_.size() + kSlack;
  }

  std::vector<Entry> entries_;
  std::size_t compact_at_ = kSlack;
};

}  // namespace wgr
