#include "ws/source_limits.h"

#include <algorithm>
#include <cassert>
#include <chrono>

namespace wgr::ws {
namespace {

constexpr Duration kBetweenSweeps = std::chrono::seconds{1};  // of a full table

}  // namespace

SourceLimits::Verdict SourceLimits::connection_accepted(const IpAddress& source, Instant now) {
  if (half_open_ >= limits_.half_open || sessions_ >= limits_.sessions) return Verdict::kFull;
  Source* const found = find_or_add(source, now);
  if (found == nullptr) return Verdict::kFull;
  if (found->half_open >= limits_.half_open_per_source) return Verdict::kTooManyHalfOpen;
  if (!take_token(*found, now)) return Verdict::kTooFast;
  ++found->half_open;
  ++half_open_;
  return Verdict::kAccepted;
}

void SourceLimits::half_open_ended(const IpAddress& source) {
  const auto found = sources_.find(source_of(source));
  assert(found != sources_.end() && found->second.half_open > 0);
  --found->second.half_open;
  --half_open_;
}

bool SourceLimits::kept_alive_began(const IpAddress& source) {
  const auto found = sources_.find(source_of(source));
  assert(found != sources_.end() && found->second.half_open > 0);
  if (kept_alive_ >= limits_.kept_alive || found->second.kept_alive >= limits_.kept_alive_per_source) {
    return false;
  }
  --found->second.half_open;
  --half_open_;
  ++found->second.kept_alive;
  ++kept_alive_;
  return true;
}

void SourceLimits::kept_alive_ended(const IpAddress& source) {
  const auto found = sources_.find(source_of(source));
  assert(found != sources_.end() && found->second.kept_alive > 0);
  --found->second.kept_alive;
  --kept_alive_;
}

SourceLimits::Verdict SourceLimits::handshake_began(const IpAddress& source, Instant now) {
  Source* const found = find_or_add(source, now);
  if (found == nullptr) return Verdict::kFull;
  return take_token(*found, now) ? Verdict::kAccepted : Verdict::kTooFast;
}

SourceLimits::Verdict SourceLimits::session_began(const IpAddress& source, Instant now) {
  if (sessions_ >= limits_.sessions) return Verdict::kFull;
  Source* const found = find_or_add(source, now);
  if (found == nullptr) return Verdict::kFull;
  if (found->sessions >= limits_.sessions_per_source) return Verdict::kTooManySessions;
  ++found->sessions;
  ++sessions_;
  return Verdict::kAccepted;
}

void SourceLimits::session_ended(const IpAddress& source) {
  const auto found = sources_.find(source_of(source));
  assert(found != sources_.end() && found->second.sessions > 0);
  --found->second.sessions;
  --sessions_;
}

std::size_t SourceLimits::sessions_of(const IpAddress& source) const {
  const auto found = sources_.find(source_of(source));
  return found == sources_.end() ? 0 : found->second.sessions;
}

SourceLimits::Source* SourceLimits::find_or_add(const IpAddress& source, Instant now) {
  const IpAddress key = source_of(source);
  if (const auto found = sources_.find(key); found != sources_.end()) return &found->second;
  if (sources_.size() >= std::min(forget_at_, max_sources_)) forget_idle(now);
  if (sources_.size() >= max_sources_) return nullptr;
  return &sources_.emplace(key, Source{}).first->second;
}

// Costs a look at every source; so only when their number has doubled, or now and then at the bound.
void SourceLimits::forget_idle(Instant now) {
  if (sources_.size() >= max_sources_ && now < may_forget_at_) return;
  may_forget_at_ = now + kBetweenSweeps;
  std::erase_if(sources_, [&](const auto& entry) {
    const Source& source = entry.second;
    return source.half_open == 0 && source.kept_alive == 0 && source.sessions == 0 &&
           source.bucket_full_at <= now;
  });
  forget_at_ = std::max<std::size_t>(2 * sources_.size(), 1024);
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
    case Verdict::kFull:
      return counters.refused_full.add();
    case Verdict::kAccepted:
      break;
  }
  assert(false);
}

}  // namespace wgr::ws
