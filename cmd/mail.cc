#include "cmd/mail.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace wgr {
namespace {

// The first of every session, then the second of every session, and none that is over the limit. Those of
// one session keep their order. Returns how many were dropped.
template <typename Item>
std::size_t take_turns(std::vector<Item>& items, SessionId Item::* session, std::size_t limit) {
  std::unordered_map<SessionId, std::size_t> counts;
  std::vector<std::pair<std::size_t, std::size_t>> turns;  // number within the session, place
  turns.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t number = counts[items[i].*session]++;
    if (number < limit) turns.emplace_back(number, i);
  }
  std::ranges::sort(turns);
  std::vector<Item> taken;
  taken.reserve(turns.size());
  for (const auto& [number, place] : turns) taken.push_back(items[place]);
  items.swap(taken);
  return taken.size() - items.size();
}

class Slicer {
 public:
  Slicer(Mail& from, std::size_t limit) : from_(from), limit_(limit), slices_(1) {}

  template <typename Item>
  void deal(std::vector<Item> Mail::* items) {
    for (Item item : from_.*items) {
      Mail& to = slice();
      item.piece = to.append(from_.at(item.piece));
      (to.*items).push_back(item);
    }
  }
  template <typename Item>
  void move(std::vector<Item> Mail::* items) {
    for (Item& item : from_.*items) (slice().*items).push_back(std::move(item));
  }
  std::vector<Mail> take() { return std::move(slices_); }

 private:
  Mail& slice() {
    if (slices_.back().weight() >= limit_) slices_.emplace_back();
    return slices_.back();
  }

  Mail& from_;
  const std::size_t limit_;
  std::vector<Mail> slices_;
};

}  // namespace

SlicedMail slice(Mail mail, std::size_t limit) {
  SlicedMail sliced;
  sliced.dropped = take_turns(mail.frames, &Mail::Frame::session, limit) +
                   take_turns(mail.messages, &Mail::SessionMessage::to, limit);
  Slicer slicer{mail, limit};
  slicer.move(&Mail::initiations);
  slicer.deal(&Mail::datagrams);
  slicer.deal(&Mail::packets);
  slicer.deal(&Mail::lan_packets);
  slicer.deal(&Mail::messages);
  slicer.deal(&Mail::frames);
  sliced.slices = slicer.take();

  // Before and behind the frames of their sessions, and not counted: that sessions come and go is never late.
  for (Mail::SessionEvent& event : mail.events) {
    const bool is_opening = event.kind == Mail::SessionEvent::Kind::kOpened;
    (is_opening ? sliced.slices.front() : sliced.slices.back()).events.push_back(std::move(event));
  }
  sliced.slices.back().closings = std::move(mail.closings);
  return sliced;
}

}  // namespace wgr
