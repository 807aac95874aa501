// HMAC-BLAKE2s (RFC 2104) and the key derivation of the handshake (HKDF; whitepaper 5.4, Kdf_n).
#pragma once

#include "core/bytes.h"
#include "core/secret.h"
#include "wireguard/blake2s.h"

namespace wgr::wireguard {

using SecretKey = SecretBytes<32>;

SecretKey hmac(Bytes key, Bytes a, Bytes b = {}) noexcept;

// Kdf_1, Kdf_2 and Kdf_3: as many keys as there are outputs. `key` may be one of them.
void derive(Bytes key, Bytes input, SecretKey& first) noexcept;
void derive(Bytes key, Bytes input, SecretKey& first, SecretKey& second) noexcept;
void derive(Bytes key, Bytes input, SecretKey& first, SecretKey& second, SecretKey& third) noexcept;

}  // namespace wgr::wireguard
