// Hands out the guest ids of one virtual LAN's stations, each once.
//
// Thread: confined to its worker.
#pragma once

#include "core/guest_id.h"

namespace wgr {

class GuestSerials {
 public:
  // REQUIRES: group != GuestId::kPeers.
  explicit GuestSerials(WorkerIndex home, GuestGroup group = 1) noexcept : home_(home), group_(group) {}

  GuestId next() noexcept { return GuestId{home_, ++last_, group_}; }
  static constexpr bool is_station(GuestId guest) noexcept { return guest.is_station(); }

 private:
  const WorkerIndex home_;
  const GuestGroup group_;
  std::uint64_t last_ = 0;
};

}  // namespace wgr
