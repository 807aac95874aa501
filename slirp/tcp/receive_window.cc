#include "slirp/tcp/receive_window.h"

#include <algorithm>
#include <chrono>

namespace wgr::slirp::tcp {
namespace {

constexpr std::size_t kSlackSegments = 16;
constexpr Duration kShortestRound = std::chrono::milliseconds{1};

}  // namespace

ReceiveWindow::Offer ReceiveWindow::offer(SeqNumber ack, std::size_t unread, std::size_t available,
                                          std::size_t mss) const noexcept {
  // Under memory pressure the window closes by not moving on, but not for a flow whose host takes everything
  // at once: that needs no memory, and what cannot be held in the end is forgotten unacknowledged.
  const std::size_t least = unread == 0 ? std::min(capacity_, 2 * mss) : 0;
  const std::size_t room =
      capacity_ > unread ? std::max(std::min(capacity_ - unread, available / 2), least) : 0;
  const std::size_t unit = std::size_t{1} << scale_;
  const std::size_t whole = std::min<std::size_t>(room >> scale_, 0xffff);
  const SeqNumber edge = ack + (whole << scale_);
  const std::size_t step = std::min(mss, capacity_ / 2);  // no silly windows
  if (edge > edge_ && SeqNumber::distance(edge_, edge) >= step) {
    return {ack, edge, static_cast<std::uint16_t>(whole)};
  }
  // The edge stays, rounded so that the guest never sees it move left.
  const std::size_t left = edge_ > ack ? SeqNumber::distance(ack, edge_) : 0;
  const std::size_t units = std::min<std::size_t>((left + unit - 1) >> scale_, 0xffff);
  return {ack, max(edge_, ack + (units << scale_)), static_cast<std::uint16_t>(units)};
}

bool ReceiveWindow::is_worth_telling(const Offer& offer, std::size_t mss) const noexcept {
  if (offer.edge <= edge_) return false;
  return SeqNumber::distance(edge_, offer.edge) >= std::min(2 * mss, capacity_ / 2);
}

void ReceiveWindow::consumed(std::size_t size, std::size_t mss, Duration rtt, std::size_t available,
                             Instant now) noexcept {
  taken_ += size;
  if (now - round_began_ < std::max(rtt, kShortestRound)) return;
  // Twice what the guest sent in a round trip lets it double in the next one; if the rate is still
  // growing, what is on its way is twice as much already.
  const std::size_t factor = taken_ > taken_last_ + taken_last_ / 4 ? 4 : 2;
  const std::size_t wanted = std::min(taken_ * factor + kSlackSegments * mss, most_);
  if (wanted > capacity_ && wanted < available / 2) capacity_ = wanted;
  taken_last_ = taken_;
  taken_ = 0;
  round_began_ = now;
}

}  // namespace wgr::slirp::tcp
