// One WebSocket session: which worker accepted it, and a serial. Never reused while the process lives, so a
// stale id finds nobody.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

#include "core/guest_id.h"

namespace wgr {

class SessionId {
 public:
  constexpr SessionId() noexcept = default;  // none
  // REQUIRES: 0 < serial < 2^56.
  constexpr SessionId(WorkerIndex worker, std::uint64_t serial) noexcept : value_(serial << 8 | worker) {}
  static constexpr SessionId from_value(std::uint64_t value) noexcept {
    SessionId id;
    id.value_ = value;
    return id;
  }

  constexpr WorkerIndex worker() const noexcept { return static_cast<WorkerIndex>(value_ & 0xff); }
  constexpr std::uint64_t value() const noexcept { return value_; }
  constexpr explicit operator bool() const noexcept { return value_ != 0; }

  friend constexpr auto operator<=>(SessionId, SessionId) noexcept = default;

 private:
  std::uint64_t value_ = 0;
};

}  // namespace wgr

template <>
struct std::hash<wgr::SessionId> {
  std::size_t operator()(wgr::SessionId id) const noexcept {
    return static_cast<std::size_t>(id.value() * 0x9e3779b97f4a7c15u);
  }
};
