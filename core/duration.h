// Durations as operators write them: "15s", "250ms", "1h30m", "1.5s", "0". Strict: a number without a
// unit is refused (except 0), so that nobody's seconds are read as milliseconds.
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace wgr {

// Units: ns us ms s m h d, biggest first or not, each with an optional fraction. nullopt when the text is
// not a duration, is negative or does not fit.
std::optional<Duration> parse_duration(std::string_view text) noexcept;

// The shortest exact form that parse_duration() reads back: "2h5m", "250ms", "0s".
std::string to_string(Duration duration);

}  // namespace wgr
