#include "wireguard/key_text.h"

#include <cstdint>

namespace wgr::wireguard {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kBase64Size = 44;
constexpr std::size_t kHexSize = 64;

// All ones when low <= c <= high, else zero; no branch on c.
constexpr std::uint32_t in_range(std::uint32_t c, char low, char high) noexcept {
  const std::uint32_t above = c - static_cast<std::uint32_t>(low);
  const std::uint32_t below = static_cast<std::uint32_t>(high) - c;
  return ((above | below) >> 31) - 1;
}

// The six bits of a base64 character, or a value above 63.
constexpr std::uint32_t decode_base64(char character) noexcept {
  const std::uint32_t c = static_cast<unsigned char>(character);
  std::uint32_t value = 0;
  value |= in_range(c, 'A', 'Z') & (c - 'A' + 1);
  value |= in_range(c, 'a', 'z') & (c - 'a' + 27);
  value |= in_range(c, '0', '9') & (c - '0' + 53);
  value |= in_range(c, '+', '+') & 63;
  value |= in_range(c, '/', '/') & 64;
  return value - 1;  // nothing matched: all ones
}

// The four bits of a hex digit, or a value above 15.
constexpr std::uint32_t decode_hex(char character) noexcept {
  const std::uint32_t c = static_cast<unsigned char>(character);
  std::uint32_t value = 0;
  value |= in_range(c, '0', '9') & (c - '0' + 1);
  value |= in_range(c, 'a', 'f') & (c - 'a' + 11);
  value |= in_range(c, 'A', 'F') & (c - 'A' + 11);
  return value - 1;
}

bool decode_base64_key(std::string_view text, std::span<std::uint8_t, kKeySize> out) noexcept {
  std::uint32_t bad = static_cast<unsigned char>(text[kBase64Size - 1]) ^ std::uint32_t{'='};
  std::uint32_t bits = 0;
  std::size_t written = 0;
  for (std::size_t i = 0; i < kBase64Size - 1; ++i) {
    const std::uint32_t six = decode_base64(text[i]);
    bad |= six >> 6;
    bits = bits << 6 | (six & 63);
    if (i % 4 == 0) continue;  // by position, not by content
    const unsigned spare = static_cast<unsigned>(2 * (3 - i % 4));
    out[written++] = static_cast<std::uint8_t>(bits >> spare);
  }
  bad |= bits & 3;  // 43 characters carry two bits more than the key: they must be zero
  return bad == 0;
}

bool decode_hex_key(std::string_view text, std::span<std::uint8_t, kKeySize> out) noexcept {
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < kKeySize; ++i) {
    const std::uint32_t high = decode_hex(text[2 * i]);
    const std::uint32_t low = decode_hex(text[2 * i + 1]);
    bad |= (high | low) >> 4;
    out[i] = static_cast<std::uint8_t>(high << 4 | (low & 15));
  }
  return bad == 0;
}

bool decode_key(std::string_view text, std::span<std::uint8_t, kKeySize> out) noexcept {
  if (text.size() == kBase64Size) return decode_base64_key(text, out);
  if (text.size() == kHexSize) return decode_hex_key(text, out);
  return false;
}

// The base64 character of six bits, without a table that a cache could betray.
constexpr char encode_base64(std::uint32_t six) noexcept {
  std::uint32_t c = six + 'A';
  c += in_range(six, 26, 63) & ('a' - 26 - 'A');
  c += in_range(six, 52, 63) & static_cast<std::uint32_t>(('0' - 52) - ('a' - 26));
  c += in_range(six, 62, 63) & static_cast<std::uint32_t>(('+' - 62) - ('0' - 52));
  c += in_range(six, 63, 63) & static_cast<std::uint32_t>(('/' - 63) - ('+' - 62));
  return static_cast<char>(c);
}

std::string encode_key(std::span<const std::uint8_t, kKeySize> key) {
  std::string text(kBase64Size, '=');
  for (std::size_t i = 0; i < kBase64Size - 1; ++i) {
    const std::size_t bit = 6 * i;
    const std::uint32_t first = key[bit / 8];
    const std::uint32_t second = bit / 8 + 1 < kKeySize ? key[bit / 8 + 1] : 0u;
    text[i] = encode_base64((first << 8 | second) >> (10 - bit % 8) & 63);
  }
  return text;
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

std::string to_base64(const PublicKey& key) { return encode_key(key); }

std::string secret_to_base64(const SecretBytes<32>& key) { return encode_key(key.bytes()); }

}  // namespace wgr::wireguard
