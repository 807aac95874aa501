#include "wireguard/key_text.h"

#include "core/base64.h"

namespace wgr::wireguard {
namespace {

constexpr std::size_t kHexSize = 64;

bool decode_key(std::string_view text, MutableBytes out) noexcept {
  return text.size() == kHexSize ? decode_hex(text, out) : decode_base64(text, out);
}

}  // namespace

std::optional<PublicKey> parse_public_key(std::string_view text) noexcept {
  PublicKey key;
  if (!decode_key(text, key)) return std::nullopt;
  return key;
}

std::optional<SecretBytes<32>> parse_secret_key(std::string_view text) noexcept {
  SecretBytes<32> key;
  if (!decode_key(text, key.bytes())) return std::nullopt;
  return key;
}

std::string to_base64(const PublicKey& key) { return wgr::to_base64(key); }

std::string secret_to_base64(const SecretBytes<32>& key) { return wgr::to_base64(key.bytes()); }

}  // namespace wgr::wireguard
