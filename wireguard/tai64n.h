// TAI64N: the time stamp of an initiation, which must grow from one to the next (whitepaper 5.1).
#pragma once

#include <array>
#include <cstdint>

#include "core/time.h"

namespace wgr::wireguard {

// Big-endian throughout, so that comparing bytes compares times.
using Timestamp = std::array<std::uint8_t, 12>;

// Whitened: the nanoseconds are cut to 2^24 (16.8 ms), so that a stamp tells nothing about the sender's load.
inline constexpr std::int64_t kTimestampGranularity = std::int64_t{1} << 24;

Timestamp tai64n(WallTime time) noexcept;
// The time a stamp stands for. A stamp is from the network: out-of-range values are clamped.
WallTime wall_time(const Timestamp& stamp) noexcept;

}  // namespace wgr::wireguard
