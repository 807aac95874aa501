// Keys as text: base64 as every WireGuard tool writes them (44 characters, the last one '='), or 64 hex
// digits. Strict: no whitespace, no other length, no stray bits. Decoding does not branch on or index by
// the key's contents, because private keys pass here too.
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/secret.h"
#include "wireguard/config.h"

namespace wgr::wireguard {

inline constexpr std::string_view kKeyForm =
    "a key: 44 characters of base64 ending in '=' (or 64 hex digits)";

std::optional<PublicKey> parse_public_key(std::string_view text) noexcept;
std::optional<SecretBytes<32>> parse_secret_key(std::string_view text) noexcept;

std::string to_base64(const PublicKey& key);
// The text is secret too: erase it with core/secret.h when it has been written.
std::string secret_to_base64(const SecretBytes<32>& key);

}  // namespace wgr::wireguard
