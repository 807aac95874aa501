// Small operations on the text that operators write: configuration, keys, names. Not for packets.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wgr {

std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);  // ASCII
// Split at commas, trimmed, empty items dropped.
std::vector<std::string> split_list(std::string_view text);
// Decimal digits and nothing else; nullopt when it does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);
// For messages: quoted, cut after 48 characters, control characters replaced.
std::string quote(std::string_view text);
// The entry of `known` that was probably meant; empty when none is close.
std::string_view closest(std::string_view text, const std::vector<std::string_view>& known);

}  // namespace wgr
