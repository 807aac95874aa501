#include "ws/source_limits.h"

#include <algorithm>
#include <cassert>
#include <chrono>

namespace wgr::ws {
namespace {

constexpr std::size_t kMostForgottenPerCall = 4;  // a call adds one at most: so the table shrinks

}  // namespace

SourceLimits::Verdict SourceLimits::connection_accepted(const IpAddress& source, Instant now) {
  const Lock lock{mutex_};
  if (half_open_ >= limits_.half_open || sessions_ >= limits_.sessions) return Verdict::kFull;
  Source* const found = find_or_add(source_of(source), now);
  if (found == nullptr) return Verdict::kFull;
  if (found->half_open >= limits_.half_open_per_source) return Verdict::kTooManyHalfOpen;
  if (!take_token(*found, now)) return Verdict::kTooFast;
  ++found->half_open;
  ++half_open_;
  return Verdict::kAccepted;
}

void SourceLimits::half_open_ended(const IpAddress& source) {
  const Lock lock{mutex_};
  const IpAddress key = source_of(source);
  Source& found = counted(key);
  assert(found.half_open > 0);
  --found.half_open;
  --half_open_;
  rest(key, found);
}

bool SourceLimits::kept_alive_began(const IpAddress& source) {
  const Lock lock{mutex_};
  Source& found = counted(source_of(source));
  assert(found.half_open > 0);
  if (kept_alive_ >= limits_.kept_alive || found.kept_alive >= limits_.kept_alive_per_source) return false;
  --found.half_open;
  --half_open_;
  ++found.kept_alive;
  ++kept_alive_;
  return true;
}

void SourceLimits::kept_alive_ended(const IpAddress& source) {
  const Lock lock{mutex_};
  const IpAddress key = source_of(source);
  Source& found = counted(key);
  assert(found.kept_alive > 0);
  --found.kept_alive;
  --kept_alive_;
  rest(key, found);
}

SourceLimits::Verdict SourceLimits::proxy_connection_accepted(const IpAddress& proxy, Instant now) {
  const Lock lock{mutex_};
  Source* const found = find_or_add(proxy, now);
  if (found == nullptr) return Verdict::kFull;
  if (found->of_proxy >= limits_.connections_per_proxy) return Verdict::kTooManyOfProxy;
  ++found->of_proxy;
  return Verdict::kAccepted;
}

void SourceLimits::proxy_connection_ended(const IpAddress& proxy) {
  const Lock lock{mutex_};
  Source& found = counted(proxy);
  assert(found.of_proxy > 0);
  --found.of_proxy;
  rest(proxy, found);
}

SourceLimits::Verdict SourceLimits::handshake_began(const IpAddress& source, Instant now) {
  const Lock lock{mutex_};
  Source* const found = find_or_add(source_of(source), now);
  if (found == nullptr) return Verdict::kFull;
  return take_token(*found, now) ? Verdict::kAccepted : Verdict::kTooFast;
}

SourceLimits::Verdict SourceLimits::session_began(const IpAddress& source, Instant now) {
  const Lock lock{mutex_};
  if (sessions_ >= limits_.sessions) return Verdict::kFull;
  Source* const found = find_or_add(source_of(source), now);
  if (found == nullptr) return Verdict::kFull;
  if (found->sessions >= limits_.sessions_per_source) return Verdict::kTooManySessions;
  ++found->sessions;
  ++sessions_;
  return Verdict::kAccepted;
}

void SourceLimits::session_ended(const IpAddress& source) {
  const Lock lock{mutex_};
  const IpAddress key = source_of(source);
  Source& found = counted(key);
  assert(found.sessions > 0);
  --found.sessions;
  --sessions_;
  rest(key, found);
}

std::size_t SourceLimits::sessions_of(const IpAddress& source) const {
  const Lock lock{mutex_};
  const auto found = sources_.find(source_of(source));
  return found == sources_.end() ? 0 : found->second.sessions;
}

std::size_t SourceLimits::connections_of_proxy(const IpAddress& proxy) const {
  const Lock lock{mutex_};
  const auto found = sources_.find(proxy);
  return found == sources_.end() ? 0 : found->second.of_proxy;
}

std::size_t SourceLimits::half_open() const {
  const Lock lock{mutex_};
  return half_open_;
}

std::size_t SourceLimits::kept_alive() const {
  const Lock lock{mutex_};
  return kept_alive_;
}

std::size_t SourceLimits::sessions() const {
  const Lock lock{mutex_};
  return sessions_;
}

std::size_t SourceLimits::sources() const {
  const Lock lock{mutex_};
  return sources_.size();
}

void SourceLimits::set_limits(const Limits& limits) {
  const Lock lock{mutex_};
  limits_ = limits;
}

// Null: there is no room.
SourceLimits::Source* SourceLimits::find_or_add(const IpAddress& key, Instant now) {
  forget_rested(now);
  if (const auto found = sources_.find(key); found != sources_.end()) return &found->second;
  if (sources_.size() >= max_sources_) return nullptr;
  Source& added = sources_.emplace(key, Source{}).first->second;
  resting_.arm(key, now, added.queued);  // it may be refused, and then it has nothing open
  return &added;
}

SourceLimits::Source& SourceLimits::counted(const IpAddress& key) {
  const auto found = sources_.find(key);
  assert(found != sources_.end());
  return found->second;
}

void SourceLimits::rest(const IpAddress& key, Source& source) {
  if (source.is_resting()) resting_.arm(key, source.bucket_full_at, source.queued);
}

// Before its bucket is full nobody is forgotten: it would have a new burst.
void SourceLimits::forget_rested(Instant now) {
  for (std::size_t i = 0; i < kMostForgottenPerCall; ++i) {
    const auto key = resting_.take_due(now);
    if (!key) return;
    const auto found = sources_.find(*key);
    if (found == sources_.end()) continue;
    Source& source = found->second;
    source.queued = kNever;
    if (!source.is_resting()) continue;
    if (source.bucket_full_at <= now) {
      sources_.erase(found);
    } else {
      rest(*key, source);
    }
  }
}

// The bucket is full at bucket_full_at, and a token short of that for each interval before.
bool SourceLimits::take_token(Source& source, Instant now) const {
  if (limits_.handshakes_per_second == 0) return true;
  const Duration interval = Duration{std::chrono::seconds{1}} / limits_.handshakes_per_second;
  const Instant refilled = std::max(source.bucket_full_at, now) + interval;
  if (refilled - now > interval * std::max(limits_.handshake_burst, 1u)) return false;
  source.bucket_full_at = refilled;
  return true;
}

void count_refusal(SourceLimits::Verdict why, Counters& counters) {
  using Verdict = SourceLimits::Verdict;
  switch (why) {
    case Verdict::kTooFast:
      return counters.refused_rate.add();
    case Verdict::kTooManyHalfOpen:
      return counters.refused_half_open.add();
    case Verdict::kTooManySessions:
      return counters.refused_sessions.add();
    case Verdict::kTooManyOfProxy:
      return counters.refused_proxy.add();
    case Verdict::kFull:
      return counters.refused_full.add();
    case Verdict::kAccepted:
      break;
  }
  assert(false);
}

}  // namespace wgr::ws
