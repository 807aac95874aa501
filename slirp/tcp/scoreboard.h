// What the guest reported by SACK (RFC 2018, RFC 6675): disjoint ranges above the cumulative
// acknowledgement, in order. It tells which part of a new report is news, so that no segment is looked
// at twice however often the guest repeats itself.
//
// Bounded by the segments in flight: only whole ranges of sent data are added, and at most kMaxRanges are
// kept; what does not fit is forgotten, which costs a retransmission and never correctness.
//
// Thread: confined to its connection.
#pragma once

#include <vector>

#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

class Scoreboard {
 public:
  static constexpr std::size_t kMaxRanges = 4096;

  // What add() did: the range that now holds the report, and the part of it to look at for news.
  struct Added {
    SeqRange whole;
    SeqRange news;  // covers every byte that is new, and perhaps some that are not; empty: nothing new
  };

  // REQUIRES: !range.is_empty().
  Added add(SeqRange range);
  // Everything below `una` is acknowledged.
  void advance(SeqNumber una) noexcept;
  void clear() noexcept { ranges_.clear(); }
  bool holds_idle_memory() const noexcept { return ranges_.empty() && ranges_.capacity() != 0; }
  void release() noexcept { std::vector<SeqRange>().swap(ranges_); }

  bool contains(SeqRange range) const noexcept;
  bool empty() const noexcept { return ranges_.empty(); }
  const std::vector<SeqRange>& ranges() const noexcept { return ranges_; }

 private:
  std::vector<SeqRange> ranges_;
};

}  // namespace wgr::slirp::tcp
