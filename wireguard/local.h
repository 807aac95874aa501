// Our side of every tunnel of one worker: what its peers share.
//
// Thread: confined to one worker.
#pragma once

#include <cstddef>

#include "core/rng.h"
#include "core/time.h"
#include "wireguard/config.h"
#include "wireguard/counters.h"
#include "wireguard/handshake.h"
#include "wireguard/index_table.h"

namespace wgr::wireguard {

// Wall-clock time without reading a clock: set now and then, carried on by the monotonic instants.
class WallClock {
 public:
  WallClock(WallTime wall, Instant at) noexcept : wall_(wall), at_(at) {}
  void set(WallTime wall, Instant at) noexcept {
    wall_ = wall;
    at_ = at;
  }
  WallTime at(Instant now) const noexcept { return wall_ + (now - at_); }

 private:
  WallTime wall_;
  Instant at_;
};

struct Local {
  // Bytes of staged packets of all peers together; a packet beyond is dropped.
  static constexpr std::size_t kMaxStagedBytes = 16 * 1024 * 1024;

  Identity identity;
  std::size_t mtu;
  std::size_t max_staged_packets;  // per peer
  WallClock clock;
  Rng& rng;
  IndexTable indices;
  Counters counters;
  std::size_t staged_bytes = 0;
};

}  // namespace wgr::wireguard
