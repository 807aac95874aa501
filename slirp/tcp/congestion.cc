#include "slirp/tcp/congestion.h"

#include <algorithm>

namespace wgr::slirp::tcp {

Congestion::Congestion(CongestionAlgorithm algorithm, std::size_t limit) noexcept
    : algorithm_(algorithm), limit_(limit), threshold_(limit) {}

void Congestion::start(std::size_t mss, std::size_t initial_segments, SeqNumber next) noexcept {
  mss_ = mss;
  initial_window_ = std::min(limit_, mss * std::max<std::size_t>(initial_segments, 1));
  window_ = algorithm_ == CongestionAlgorithm::kOff ? limit_ : initial_window_;
  hystart_.restart(next);
}

void Congestion::acknowledged(const Acknowledged& news, Instant now) noexcept {
  if (algorithm_ == CongestionAlgorithm::kOff || news.bytes == 0) return;
  if (in_slow_start()) {
    grow_in_slow_start(news);
  } else {
    grow_in_avoidance(news, now);
  }
}

void Congestion::grow_in_slow_start(const Acknowledged& news) noexcept {
  const HyStart::Phase phase = hystart_.acknowledged(news.una, news.next, news.rtt);
  if (phase == HyStart::Phase::kDone && threshold_ == limit_) {
    threshold_ = window_;
    return;
  }
  // RFC 7661: a window that is not used proves nothing about the path.
  if (window_ >= 2 * news.peak) return;
  // RFC 9406 4.2 with L infinite: guests acknowledge whole batches, and slow start must not suffer by it.
  const std::size_t growth =
      phase == HyStart::Phase::kConservative ? news.bytes / HyStart::kConservativeDivisor : news.bytes;
  window_ = std::min({window_ + growth, threshold_, limit_});
}

void Congestion::grow_in_avoidance(const Acknowledged& news, Instant now) noexcept {
  if (news.peak + mss_ < window_) {
    cubic_.application_limited(now);
    return;
  }
  if (algorithm_ == CongestionAlgorithm::kCubic) {
    carry_ += cubic_.growth(window_, news.bytes, mss_, news.smoothed_rtt, now);
  } else {  // RFC 5681 (3) with RFC 3465 byte counting
    carry_ += static_cast<double>(news.bytes) * static_cast<double>(mss_) / static_cast<double>(window_);
  }
  const auto whole = static_cast<std::size_t>(carry_);
  carry_ -= static_cast<double>(whole);
  window_ = std::min(window_ + whole, limit_);
}

void Congestion::reduce(std::size_t in_flight) noexcept {
  saved_ = {window_, threshold_, cubic_};
  switch (algorithm_) {
    case CongestionAlgorithm::kCubic:
      threshold_ = cubic_.reduce(window_, std::min(in_flight, window_), mss_);
      break;
    case CongestionAlgorithm::kNewReno:
      threshold_ = std::max(std::min(in_flight, window_) / 2, 2 * mss_);
      break;
    case CongestionAlgorithm::kOff:
      break;
  }
  carry_ = 0;
}

void Congestion::collapse() noexcept {
  if (algorithm_ != CongestionAlgorithm::kOff) window_ = mss_;
}

void Congestion::undo() noexcept {
  window_ = std::max(window_, saved_.window);
  threshold_ = std::max(threshold_, saved_.threshold);
  cubic_ = saved_.cubic;
}

void Congestion::set_window(std::size_t bytes) noexcept {
  if (algorithm_ != CongestionAlgorithm::kOff) window_ = std::min(std::max(bytes, mss_), limit_);
}

void Congestion::restart_after_idle(Duration idle, Duration timeout) noexcept {
  if (algorithm_ == CongestionAlgorithm::kOff || window_ <= initial_window_) return;
  threshold_ = std::max(threshold_, window_ / 4 * 3);
  for (; idle > timeout && window_ > initial_window_; idle -= timeout) window_ /= 2;
  window_ = std::max(window_, initial_window_);
  cubic_.end_epoch();
}

}  // namespace wgr::slirp::tcp
