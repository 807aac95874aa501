#include "wireguard/crypto.h"

#include <openssl/aead.h>
#include <openssl/curve25519.h>
#include <sodium.h>

#include <cstdlib>
#include <new>

namespace wgr::wireguard {
namespace {

constexpr std::size_t kNonceSize = 12;

struct Nonce {
  explicit Nonce(std::uint64_t counter) noexcept { store_le(bytes + 4, counter); }
  std::uint8_t bytes[kNonceSize]{};
};

const EVP_AEAD_CTX* context_in(const std::uint8_t* storage) noexcept {
  return std::launder(reinterpret_cast<const EVP_AEAD_CTX*>(storage));
}

static_assert(X25519_PRIVATE_KEY_LEN == 32 && X25519_PUBLIC_VALUE_LEN == 32 && X25519_SHARED_KEY_LEN == 32);
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32 &&
              crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == sizeof(CookieNonce) &&
              crypto_aead_xchacha20poly1305_ietf_ABYTES == kTagSize);

}  // namespace

PrivateKey generate_private_key() noexcept {
  PrivateKey key = PrivateKey::random();
  clamp(key);
  return key;
}

void clamp(PrivateKey& key) noexcept {
  key.data()[0] &= 0xf8;
  key.data()[31] = static_cast<std::uint8_t>((key.data()[31] & 0x7f) | 0x40);
}

PublicKey public_key_of(const PrivateKey& key) noexcept {
  PublicKey out;
  X25519_public_from_private(out.data(), key.data());
  return out;
}

bool diffie_hellman(SecretBytes<32>& shared, const PrivateKey& ours, const PublicKey& remote) noexcept {
  return X25519(shared.data(), ours.data(), remote.data()) == 1;
}

AeadKey::AeadKey(const SecretBytes<32>& key) noexcept {
  static_assert(sizeof(EVP_AEAD_CTX) <= kContextSize && alignof(EVP_AEAD_CTX) <= 16);
  auto* const context = new (context_.data()) EVP_AEAD_CTX;
  EVP_AEAD_CTX_zero(context);
  if (EVP_AEAD_CTX_init(context, EVP_aead_chacha20_poly1305(), key.data(), key.size(), kTagSize, nullptr) !=
      1) {
    std::abort();
  }
}

AeadKey::~AeadKey() { EVP_AEAD_CTX_cleanup(std::launder(reinterpret_cast<EVP_AEAD_CTX*>(context_.data()))); }

void AeadKey::seal(std::uint64_t counter, Bytes plaintext, Bytes additional,
                   std::uint8_t* out) const noexcept {
  const Nonce nonce{counter};
  std::size_t written = 0;
  // Fails only for sizes and overlaps that the contract excludes; then nothing may leave.
  if (EVP_AEAD_CTX_seal(context_in(context_.data()), out, &written, plaintext.size() + kTagSize, nonce.bytes,
                        kNonceSize, plaintext.data(), plaintext.size(), additional.data(),
                        additional.size()) != 1) {
    std::abort();
  }
}

bool AeadKey::open(std::uint64_t counter, MutableBytes sealed, Bytes additional) const noexcept {
  const Nonce nonce{counter};
  std::size_t written = 0;
  return EVP_AEAD_CTX_open(context_in(context_.data()), sealed.data(), &written, sealed.size(), nonce.bytes,
                           kNonceSize, sealed.data(), sealed.size(), additional.data(),
                           additional.size()) == 1;
}

void xseal(const SecretBytes<32>& key, const CookieNonce& nonce, Bytes plaintext, Bytes additional,
           std::uint8_t* out) noexcept {
  crypto_aead_xchacha20poly1305_ietf_encrypt(out, nullptr, plaintext.data(), plaintext.size(),
                                             additional.data(), additional.size(), nullptr, nonce.data(),
                                             key.data());
}

bool xopen(const SecretBytes<32>& key, const CookieNonce& nonce, Bytes sealed, Bytes additional,
           std::uint8_t* out) noexcept {
  return crypto_aead_xchacha20poly1305_ietf_decrypt(out, nullptr, nullptr, sealed.data(), sealed.size(),
                                                    additional.data(), additional.size(), nonce.data(),
                                                    key.data()) == 0;
}

}  // namespace wgr::wireguard
