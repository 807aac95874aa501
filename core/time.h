// Time as the protocol cores see it: an Instant comes in, a Duration is measured, kNever means no
// deadline. Only IO shells call Clock::now(), once per batch; cores take `Instant now`.
//
// Thread: values; Clock::now() may be called anywhere.
#pragma once

#include <chrono>
#include <cstdint>

namespace wgr {

using Duration = std::chrono::nanoseconds;

// CLOCK_MONOTONIC. A test never calls now(): it moves an Instant itself.
struct Clock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept;
};

using Instant = Clock::time_point;

// For Asio's steady_timer: the same clock under another name.
inline std::chrono::steady_clock::time_point to_steady(Instant instant) noexcept {
  return std::chrono::steady_clock::time_point{instant.time_since_epoch()};
}

// Later than every deadline.
inline constexpr Instant kNever = Instant::max();

// Wall-clock time, only for TAI64N stamps, logs and reports.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

}  // namespace wgr
