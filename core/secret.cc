#include "core/secret.h"

#include <sodium.h>

#include <cstdlib>

namespace wgr {
namespace {

// sodium_init is idempotent and thread-safe; a static makes it run before the first use.
const bool kSodiumReady = [] {
  if (sodium_init() < 0) std::abort();
  return true;
}();

}  // namespace

void erase_memory(void* memory, std::size_t size) noexcept { sodium_memzero(memory, size); }

bool equal_secret(Bytes a, Bytes b) noexcept {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void random_bytes(MutableBytes out) noexcept {
  static_cast<void>(kSodiumReady);
  randombytes_buf(out.data(), out.size());
}

}  // namespace wgr
