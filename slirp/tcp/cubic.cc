#include "slirp/tcp/cubic.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace wgr::slirp::tcp {
namespace {

// RFC 9438 4.3: what makes the estimate as aggressive as Reno.
constexpr double kAlpha = 3.0 * (1.0 - Cubic::kBeta) / (1.0 + Cubic::kBeta);

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
double segments(std::size_t bytes, std::size_t mss) {
  return static_cast<double>(bytes) / static_cast<double>(mss);
}

}  // namespace

void Cubic::begin_epoch(double window, Instant now) noexcept {
  epoch_began_ = last_growth_ = now;
  if (w_max_ <= window) {
    w_max_ = window;
    k_ = 0;
  } else {
    k_ = std::cbrt((w_max_ - window) / kC);
  }
  w_est_ = window;
}

double Cubic::growth(std::size_t window, std::size_t acked, std::size_t mss, Duration rtt,
                     Instant now) noexcept {
  const double cwnd = segments(window, mss);
  if (epoch_began_ == kNever) begin_epoch(cwnd, now);
  last_growth_ = now;

  const double acked_segments = segments(acked, mss);
  w_est_ += (w_est_ >= cwnd_prior_ ? 1.0 : kAlpha) * acked_segments / cwnd;

  const auto w_cubic = [this](double t) { return kC * (t - k_) * (t - k_) * (t - k_) + w_max_; };
  const double elapsed = seconds(now - epoch_began_);
  double grown = 0;
  if (w_cubic(elapsed) < w_est_) {
    grown = std::min(w_est_ - cwnd, acked_segments);  // the Reno-friendly region, 4.3
  } else {
    const double target = std::clamp(w_cubic(elapsed + seconds(rtt)), cwnd, 1.5 * cwnd);
    grown = (target - cwnd) / cwnd * acked_segments;  // 4.4 and 4.5
  }
  return std::max(grown, 0.0) * static_cast<double>(mss);
}

void Cubic::application_limited(Instant now) noexcept {
  if (epoch_began_ == kNever) return;
  epoch_began_ += now - last_growth_;
  last_growth_ = now;
}

std::size_t Cubic::reduce(std::size_t window, std::size_t in_flight, std::size_t mss) noexcept {
  const double cwnd = segments(window, mss);
  // 4.7: a flow that lost before it was back where it had been makes room for new ones.
  w_max_ = cwnd < w_max_ ? cwnd * (1.0 + kBeta) / 2.0 : cwnd;
  cwnd_prior_ = cwnd;
  end_epoch();
  const auto reduced = static_cast<std::size_t>(static_cast<double>(in_flight) * kBeta);
  return std::max(reduced, 2 * mss);
}

}  // namespace wgr::slirp::tcp
