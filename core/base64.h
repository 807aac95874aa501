// Base64 and hexadecimal digits (RFC 4648), strict: no white space, no stray bits behind the last byte, and
// padding exactly where the form has it. For tokens, handshake keys, DNS questions, and the keys of
// WireGuard.
//
// Private keys pass here: what is done depends on a text's length and padding, never on its other characters,
// and nothing is looked up in a table that a cache could betray.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace wgr {

// Section 4: '+' and '/', padded with '=' to whole groups of four.
std::string to_base64(Bytes bytes);
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);
// The same into memory of the caller, which erases it if it is secret. False if `text` does not hold exactly
// out.size() bytes; then `out` holds anything.
bool decode_base64(std::string_view text, MutableBytes out) noexcept;

// Section 5: '-' and '_', without padding.
std::string to_base64url(Bytes bytes);
std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text);

// Section 8: two digits of either case for each byte of `out`; else false, as above.
bool decode_hex(std::string_view text, MutableBytes out) noexcept;
// "02:00:5e": lower case, colons between.
std::string to_hex_with_colons(Bytes bytes);

}  // namespace wgr
