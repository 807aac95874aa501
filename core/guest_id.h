// A guest is whoever sends inner packets: a WireGuard peer or a LAN station. Its id names its home
// worker, so that any thread can tell where the guest lives without asking.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace wgr {

using WorkerIndex = std::uint8_t;

// Never reused while the process lives, so a stale id finds nobody.
class GuestId {
 public:
  static constexpr std::uint32_t kMaxSerial = (1u << 24) - 1;

  constexpr GuestId() noexcept = default;  // nobody
  // REQUIRES: 0 < serial <= kMaxSerial.
  constexpr GuestId(WorkerIndex home, std::uint32_t serial) noexcept : value_(serial << 8 | home) {}

  constexpr WorkerIndex home() const noexcept { return static_cast<WorkerIndex>(value_ & 0xff); }
  constexpr std::uint32_t serial() const noexcept { return value_ >> 8; }
  constexpr explicit operator bool() const noexcept { return value_ != 0; }

  friend constexpr auto operator<=>(GuestId, GuestId) noexcept = default;

 private:
  std::uint32_t value_ = 0;
};

}  // namespace wgr

template <>
struct std::hash<wgr::GuestId> {
  std::size_t operator()(wgr::GuestId id) const noexcept {
    return (static_cast<std::size_t>(id.serial()) << 8 | id.home()) * 0x9e3779b97f4a7c15u;
  }
};
