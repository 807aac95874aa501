// Hands out the guest ids of one worker's LAN stations, each once. Peers are numbered from below by the
// router; stations take the upper half of the serials, so the two never meet.
//
// Thread: confined to its worker.
#pragma once

#include "core/guest_id.h"

namespace wgr {

class GuestSerials {
 public:
  static constexpr std::uint32_t kFirst = 1u << 23;

  explicit GuestSerials(WorkerIndex home) noexcept : home_(home) {}

  // Nobody when all are used up.
  GuestId next() noexcept {
    if (next_ > GuestId::kMaxSerial) return {};
    return GuestId{home_, next_++};
  }
  static constexpr bool is_station(GuestId guest) noexcept { return guest.serial() >= kFirst; }

 private:
  const WorkerIndex home_;
  std::uint32_t next_ = kFirst;
};

}  // namespace wgr
