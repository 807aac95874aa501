#include "slirp/tcp/scoreboard.h"

#include <algorithm>

namespace wgr::slirp::tcp {

Scoreboard::Added Scoreboard::add(SeqRange range) {
  // The first range that reaches up to range.begin; reports mostly touch the newest ones.
  auto first = std::partition_point(ranges_.begin(), ranges_.end(),
                                    [&](const SeqRange& held) { return held.end < range.begin; });
  if (first == ranges_.end() || first->begin > range.end) {
    if (ranges_.size() >= kMaxRanges) return {range, {range.begin, range.begin}};
    ranges_.insert(first, range);
    return {range, range};
  }
  SeqRange news = range;
  if (first->begin <= range.begin) news.begin = min(max(first->end, range.begin), range.end);
  auto last = first;
  SeqNumber end = range.end;
  while (last != ranges_.end() && last->begin <= range.end) {
    if (last->begin > news.begin && last->end >= range.end) news.end = last->begin;
    end = max(end, last->end);
    ++last;
  }
  first->begin = min(first->begin, range.begin);
  first->end = end;
  ranges_.erase(first + 1, last);
  return {*first, news};
}

void Scoreboard::advance(SeqNumber una) noexcept {
  auto keep = ranges_.begin();
  while (keep != ranges_.end() && keep->end <= una) ++keep;
  ranges_.erase(ranges_.begin(), keep);
  if (!ranges_.empty()) ranges_.front().begin = max(ranges_.front().begin, una);
}

bool Scoreboard::contains(SeqRange range) const noexcept {
  const auto held = std::partition_point(ranges_.begin(), ranges_.end(),
                                         [&](const SeqRange& r) { return r.end < range.end; });
  return held != ranges_.end() && held->begin <= range.begin;
}

}  // namespace wgr::slirp::tcp
