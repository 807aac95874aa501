// Base64 (RFC 4648), strict: the padding must be right and no stray bits set. For tokens and handshake keys.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace wgr::ws {

std::string to_base64(Bytes bytes);
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);
// Section 5: '-' and '_', without padding.
std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text);

}  // namespace wgr::ws
