// Values of the configuration that are no plain numbers: booleans and sizes. Strict: what is not wholly
// the expected form is nullopt.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wgr {

// 1 true yes on / 0 false no off, any case.
std::optional<bool> parse_bool(std::string_view text);
// "65536", "64KiB", "8MiB", "1GiB".
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_to_string(std::uint64_t bytes);

}  // namespace wgr
