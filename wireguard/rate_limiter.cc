#include "wireguard/rate_limiter.h"

#include <algorithm>

namespace wgr::wireguard {
namespace {

// An idle source has all its tokens back long before; then there is nothing to remember.
constexpr Duration kIdle = std::chrono::seconds{1};

}  // namespace

bool RateLimiter::allow(const IpAddress& source, Instant now) {
  forget_idle(now);
  const IpAddress key = source_of(source);
  const auto found = sources_.find(key);
  if (found == sources_.end()) {
    if (sources_.size() >= max_sources_) return false;
    sources_.emplace(key, Bucket{kBurst - kCost, now});
    return true;
  }
  Bucket& bucket = found->second;
  bucket.tokens = std::min(kBurst, bucket.tokens + std::max(now - bucket.updated, Duration::zero()));
  bucket.updated = now;
  if (bucket.tokens < kCost) return false;
  bucket.tokens -= kCost;
  return true;
}

void RateLimiter::forget_idle(Instant now) {
  if (swept_ != Instant::min() && now - swept_ < kIdle) return;
  swept_ = now;
  std::erase_if(sources_, [&](const auto& entry) { return now - entry.second.updated >= kIdle; });
}

}  // namespace wgr::wireguard
