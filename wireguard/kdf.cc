#include "wireguard/kdf.h"

#include <algorithm>

namespace wgr::wireguard {
namespace {

constexpr std::size_t kBlock = Blake2s::kBlockSize;

// RFC 5869 2.3: T(n) = HMAC(prk, T(n-1) || n).
SecretKey expand(const SecretKey& extracted, Bytes previous, std::uint8_t n) noexcept {
  return hmac(extracted.bytes(), previous, Bytes{&n, 1});
}

}  // namespace

SecretKey hmac(Bytes key, Bytes a, Bytes b) noexcept {
  SecretBytes<kBlock> padded;
  if (key.size() > kBlock) {
    Blake2s{}.update(key).finish(padded.data());
  } else {
    std::copy(key.begin(), key.end(), padded.data());
  }

  SecretKey digest;
  for (std::uint8_t& byte : padded.bytes()) byte ^= 0x36;
  Blake2s{}.update(padded.bytes()).update(a).update(b).finish(digest.data());
  for (std::uint8_t& byte : padded.bytes()) byte ^= 0x36 ^ 0x5c;
  Blake2s{}.update(padded.bytes()).update(digest.bytes()).finish(digest.data());
  return digest;
}

void derive(Bytes key, Bytes input, SecretKey& first) noexcept {
  const SecretKey extracted = hmac(key, input);
  first = expand(extracted, {}, 1);
}

void derive(Bytes key, Bytes input, SecretKey& first, SecretKey& second) noexcept {
  const SecretKey extracted = hmac(key, input);
  first = expand(extracted, {}, 1);
  second = expand(extracted, first.bytes(), 2);
}

void derive(Bytes key, Bytes input, SecretKey& first, SecretKey& second, SecretKey& third) noexcept {
  const SecretKey extracted = hmac(key, input);
  first = expand(extracted, {}, 1);
  second = expand(extracted, first.bytes(), 2);
  third = expand(extracted, second.bytes(), 3);
}

}  // namespace wgr::wireguard
