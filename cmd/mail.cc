#include "cmd/mail.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace wgr {
namespace {

// The source of a datagram may be forged, its session not.
std::uint64_t sender_of(const Mail::Datagram& item) { return item.from.session; }
std::uint64_t sender_of(const Mail::SessionMessage& item) { return item.to.value(); }
std::uint64_t sender_of(const Mail::Frame& item) { return item.session.value(); }
GuestId sender_of(const Mail::Packet& item) { return item.from; }
GuestId sender_of(const Mail::LanPacket& item) { return item.from; }

// The first of every sender, then the second of every sender, and none that is over the limit. Those of
// one sender keep their order. Returns how many were dropped.
template <typename Item>
std::size_t take_turns(std::vector<Item>& items, std::size_t limit) {
  std::unordered_map<decltype(sender_of(items.front())), std::size_t> counts;
  std::vector<std::pair<std::size_t, std::size_t>> turns;  // number within those of the sender, place
  turns.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t number = counts[sender_of(items[i])]++;
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
  Slicer(Mail& from, std::size_t weight) : from_(from), weight_(weight), slices_(1) {}

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
    if (slices_.back().weight() >= weight_) slices_.emplace_back();
    return slices_.back();
  }

  Mail& from_;
  const std::size_t weight_;
  std::vector<Mail> slices_;
};

}  // namespace

SlicedMail slice(Mail mail, std::size_t weight, std::size_t limit) {
  SlicedMail sliced;
  sliced.dropped = take_turns(mail.datagrams, limit) + take_turns(mail.packets, limit) +
                   take_turns(mail.lan_packets, limit) + take_turns(mail.messages, limit) +
                   take_turns(mail.frames, limit);
  Slicer slicer{mail, weight};
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
