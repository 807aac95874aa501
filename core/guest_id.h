// A guest is whoever sends inner packets: a WireGuard peer or a LAN station. Its id names its home
// worker and its group, so that any thread can tell where the guest lives and by whose rules without asking.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace wgr {

using WorkerIndex = std::uint8_t;
// 0: the WireGuard peers. Others: the stations of one virtual LAN each.
using GuestGroup = std::uint16_t;

// Never reused while the process lives, so a stale id finds nobody.
class GuestId {
 public:
  static constexpr GuestGroup kPeers = 0;
  static constexpr std::uint64_t kMaxSerial = (std::uint64_t{1} << 40) - 1;

  constexpr GuestId() noexcept = default;  // nobody
  // REQUIRES: 0 < serial <= kMaxSerial.
  constexpr GuestId(WorkerIndex home, std::uint64_t serial, GuestGroup group = kPeers) noexcept
      : value_(serial << 24 | std::uint64_t{group} << 8 | home) {}

  constexpr WorkerIndex home() const noexcept { return static_cast<WorkerIndex>(value_ & 0xff); }
  constexpr GuestGroup group() const noexcept { return static_cast<GuestGroup>(value_ >> 8 & 0xffff); }
  constexpr bool is_station() const noexcept { return group() != kPeers; }
  constexpr std::uint64_t serial() const noexcept { return value_ >> 24; }
  constexpr std::uint64_t value() const noexcept { return value_; }
  constexpr explicit operator bool() const noexcept { return value_ != 0; }

  friend constexpr auto operator<=>(GuestId, GuestId) noexcept = default;

 private:
  std::uint64_t value_ = 0;
};

}  // namespace wgr

template <>
struct std::hash<wgr::GuestId> {
  std::size_t operator()(wgr::GuestId id) const noexcept {
    return static_cast<std::size_t>(id.value() * 0x9e3779b97f4a7c15u);
  }
};
