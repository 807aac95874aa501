#include "ws/wireguard/dial_plan.h"

#include <algorithm>
#include <utility>

namespace wgr::ws::wireguard {

DialPlan::Due DialPlan::on_deadline(Instant now) {
  if (now < deadline_) return Due::kNothing;
  if (state_ == State::kWaiting) {
    state_ = State::kTrying;
    deadline_ = now + kAttemptTime;
    return Due::kTry;
  }
  ended(now);
  return Due::kGiveUp;
}

void DialPlan::opened(Instant now) {
  state_ = State::kOpen;
  opened_at_ = now;
  deadline_ = kNever;
}

void DialPlan::ended(Instant now) {
  if (state_ == State::kWaiting) return;
  if (state_ == State::kOpen && now - opened_at_ >= kStableAfter) wait_ = kFirstWait;
  state_ = State::kWaiting;
  const auto quarter = static_cast<std::uint64_t>(wait_.count() / 4);
  deadline_ = now + wait_ - Duration{quarter} + Duration{rng_.below(2 * quarter)};
  wait_ = std::min(2 * wait_, kLongestWait);
}

bool DialPlan::hold(Bytes datagram, Instant now) {
  const bool is_full = held_.size() == kMaxHeldDatagrams;
  if (is_full) held_.erase(held_.begin());
  held_.push_back({now, {datagram.begin(), datagram.end()}});
  return is_full;
}

std::vector<std::vector<std::uint8_t>> DialPlan::take_held(Instant now) {
  std::vector<std::vector<std::uint8_t>> fresh;
  for (Held& held : std::exchange(held_, {})) {
    if (now - held.since <= kHeldFor) fresh.push_back(std::move(held.datagram));
  }
  return fresh;
}

}  // namespace wgr::ws::wireguard
