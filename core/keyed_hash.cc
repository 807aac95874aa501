#include "core/keyed_hash.h"

#include <sodium.h>

#include "core/secret.h"

namespace wgr {

static_assert(crypto_shorthash_siphash24_KEYBYTES == 16 && crypto_shorthash_siphash24_BYTES == 8);

KeyedHash::KeyedHash() { random_bytes(key_); }

std::uint64_t KeyedHash::operator()(Bytes input) const noexcept {
  std::uint8_t out[8];
  crypto_shorthash_siphash24(out, input.data(), input.size(), key_.data());
  return load_le<std::uint64_t>(out);
}

}  // namespace wgr
