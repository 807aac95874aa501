// The primitives that come from libraries: X25519 and ChaCha20-Poly1305 (BoringSSL),
// XChaCha20-Poly1305 (libsodium). No header of either is visible from here.
//
// Thread: values and pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/secret.h"

namespace wgr::wireguard {

using PublicKey = std::array<std::uint8_t, 32>;
using PrivateKey = SecretBytes<32>;

inline constexpr std::size_t kTagSize = 16;

// --- X25519 (RFC 7748) ---
PrivateKey generate_private_key() noexcept;
// Clears and sets the bits RFC 7748 5 names; what `wg genkey` prints is clamped.
void clamp(PrivateKey& key) noexcept;
PublicKey public_key_of(const PrivateKey& key) noexcept;
// False, and nothing usable in `shared`, when the result is all zero: `remote` is a low-order point.
[[nodiscard]] bool diffie_hellman(SecretBytes<32>& shared, const PrivateKey& ours,
                                  const PublicKey& remote) noexcept;

// --- ChaCha20-Poly1305 (RFC 8439), nonce = 32 zero bits and the counter, little-endian ---
// A key ready for use: the transport keys of a keypair live in one, so no packet pays for the setup.
// Neither call allocates.
class AeadKey {
 public:
  explicit AeadKey(const SecretBytes<32>& key) noexcept;
  AeadKey(const AeadKey&) = delete;
  AeadKey& operator=(const AeadKey&) = delete;
  ~AeadKey();

  // Writes plaintext.size() + kTagSize bytes to `out`, which is the plaintext's own start or apart from it.
  void seal(std::uint64_t counter, Bytes plaintext, Bytes additional, std::uint8_t* out) const noexcept;
  // Decrypts in place, the last kTagSize bytes being the tag. False if it does not authenticate;
  // `sealed` is garbage then. REQUIRES: sealed.size() >= kTagSize.
  [[nodiscard]] bool open(std::uint64_t counter, MutableBytes sealed, Bytes additional = {}) const noexcept;

 private:
  static constexpr std::size_t kContextSize = 640;

  alignas(16) SecretBytes<kContextSize> context_;  // an EVP_AEAD_CTX, erased with its key
};

// --- XChaCha20-Poly1305, for cookie replies ---
using CookieNonce = std::array<std::uint8_t, 24>;
// REQUIRES: out has plaintext.size() + kTagSize bytes.
void xseal(const SecretBytes<32>& key, const CookieNonce& nonce, Bytes plaintext, Bytes additional,
           std::uint8_t* out) noexcept;
// Writes sealed.size() - kTagSize bytes; false if it does not authenticate. REQUIRES: sealed.size() >=
// kTagSize.
[[nodiscard]] bool xopen(const SecretBytes<32>& key, const CookieNonce& nonce, Bytes sealed, Bytes additional,
                         std::uint8_t* out) noexcept;

}  // namespace wgr::wireguard
