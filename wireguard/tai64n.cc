#include "wireguard/tai64n.h"

#include <algorithm>

#include "core/bytes.h"

namespace wgr::wireguard {
namespace {

// 1970-01-01 in TAI64, with the ten leap seconds of the day, as every implementation counts them.
constexpr std::uint64_t kEpoch = 0x400000000000000a;
constexpr std::uint64_t kMaxUnixSeconds = 8'000'000'000;  // year 2223: fits WallTime

}  // namespace

Timestamp tai64n(WallTime time) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::int64_t nanoseconds = (time - seconds).count() & ~(kTimestampGranularity - 1);
  Timestamp stamp;
  store_be(stamp.data(), kEpoch + static_cast<std::uint64_t>(seconds.time_since_epoch().count()));
  store_be(stamp.data() + 8, static_cast<std::uint32_t>(nanoseconds));
  return stamp;
}

WallTime wall_time(const Timestamp& stamp) noexcept {
  const std::uint64_t tai = load_be<std::uint64_t>(stamp.data());
  const std::uint64_t seconds = tai < kEpoch ? 0 : std::min(tai - kEpoch, kMaxUnixSeconds);
  const std::uint32_t nanoseconds =
      std::min(load_be<std::uint32_t>(stamp.data() + 8), std::uint32_t{999'999'999});
  return WallTime{std::chrono::seconds{seconds} + std::chrono::nanoseconds{nanoseconds}};
}

}  // namespace wgr::wireguard
