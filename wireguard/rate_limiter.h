// How many handshakes one source may ask for while we are under load: 20 a second in bursts of 5.
// A source is what source_of() says. Only sources that proved their address get here (MAC2).
//
// Thread: confined to one worker.
#pragma once

#include <unordered_map>

#include "core/address.h"
#include "core/keyed_hash.h"
#include "core/time.h"

namespace wgr::wireguard {

class RateLimiter {
 public:
  static constexpr Duration kCost = std::chrono::milliseconds{50};
  static constexpr Duration kBurst = 5 * kCost;
  static constexpr std::size_t kMaxSources = 8192;

  // At most `max_sources` are remembered; a new one beyond that is refused.
  explicit RateLimiter(std::size_t max_sources = kMaxSources) : max_sources_(max_sources) {}

  bool allow(const IpAddress& source, Instant now);

  std::size_t size() const noexcept { return sources_.size(); }

 private:
  // Tokens are time: they grow by a second per second and a handshake costs kCost.
  struct Bucket {
    Duration tokens;
    Instant updated;
  };

  void forget_idle(Instant now);

  struct SourceHash {
    KeyedHash hash;
    std::size_t operator()(const IpAddress& source) const noexcept { return hash(source.bytes()); }
  };

  const std::size_t max_sources_;
  std::unordered_map<IpAddress, Bucket, SourceHash> sources_;
  Instant swept_ = Instant::min();
};

}  // namespace wgr::wireguard
