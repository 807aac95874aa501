#include "core/base64.h"

#include <cassert>

namespace wgr {
namespace {

// The characters of 62 and 63; the others are the same in every form.
struct Alphabet {
  char of_62;
  char of_63;
};
constexpr Alphabet kStandard{'+', '/'};
constexpr Alphabet kUrl{'-', '_'};

// All ones when low <= c <= high, else zero; no branch on c.
constexpr std::uint32_t in_range(std::uint32_t c, char low, char high) noexcept {
  const std::uint32_t above = c - static_cast<std::uint32_t>(low);
  const std::uint32_t below = static_cast<std::uint32_t>(high) - c;
  return ((above | below) >> 31) - 1;
}

// The six bits of a character, or a value above 63.
constexpr std::uint32_t value_of(char character, Alphabet alphabet) noexcept {
  const std::uint32_t c = static_cast<unsigned char>(character);
  std::uint32_t value = 0;
  value |= in_range(c, 'A', 'Z') & (c - 'A' + 1);
  value |= in_range(c, 'a', 'z') & (c - 'a' + 27);
  value |= in_range(c, '0', '9') & (c - '0' + 53);
  value |= in_range(c, alphabet.of_62, alphabet.of_62) & 63;
  value |= in_range(c, alphabet.of_63, alphabet.of_63) & 64;
  return value - 1;  // nothing matched: all ones
}

// The four bits of a hexadecimal digit, or a value above 15.
constexpr std::uint32_t hex_value_of(char character) noexcept {
  const std::uint32_t c = static_cast<unsigned char>(character);
  std::uint32_t value = 0;
  value |= in_range(c, '0', '9') & (c - '0' + 1);
  value |= in_range(c, 'a', 'f') & (c - 'a' + 11);
  value |= in_range(c, 'A', 'F') & (c - 'A' + 11);
  return value - 1;
}

constexpr char character_of(std::uint32_t six, Alphabet alphabet) noexcept {
  std::uint32_t c = six + 'A';
  c += in_range(six, 26, 63) & ('a' - 26 - 'A');
  c += in_range(six, 52, 63) & static_cast<std::uint32_t>(('0' - 52) - ('a' - 26));
  c += in_range(six, 62, 62) & static_cast<std::uint32_t>(alphabet.of_62 - ('0' - 52 + 62));
  c += in_range(six, 63, 63) & static_cast<std::uint32_t>(alphabet.of_63 - ('0' - 52 + 63));
  return static_cast<char>(c);
}

// What so many digits, without padding, stand for.
constexpr std::size_t size_of(std::size_t digits) noexcept { return digits / 4 * 3 + digits % 4 * 6 / 8; }

// REQUIRES: digits.size() % 4 != 1; out.size() == size_of(digits.size()).
bool decode(std::string_view digits, Alphabet alphabet, MutableBytes out) noexcept {
  assert(digits.size() % 4 != 1 && out.size() == size_of(digits.size()));
  std::uint32_t bad = 0;
  std::uint32_t bits = 0;
  std::size_t written = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::uint32_t six = value_of(digits[i], alphabet);
    bad |= six >> 6;
    bits = bits << 6 | (six & 63);
    if (i % 4 == 0) continue;  // the first digit of a group completes no byte
    out[written++] = static_cast<std::uint8_t>(bits >> (6 - i % 4 * 2));
  }
  const std::size_t spare = digits.size() * 6 - out.size() * 8;
  bad |= bits & ((1u << spare) - 1);  // RFC 4648 3.5
  return bad == 0;
}

std::optional<std::vector<std::uint8_t>> decode(std::string_view digits, Alphabet alphabet) {
  if (digits.size() % 4 == 1) return std::nullopt;
  std::vector<std::uint8_t> bytes(size_of(digits.size()));
  if (!decode(digits, alphabet, bytes)) return std::nullopt;
  return bytes;
}

// The digits; nothing if all groups together are not whole.
std::optional<std::string_view> without_padding(std::string_view text) noexcept {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return text;
}

constexpr std::size_t digits_of(std::size_t bytes) noexcept { return (bytes * 8 + 5) / 6; }

// Over the first characters of `text`, which has its size already: no copy of a secret is left behind.
// REQUIRES: text.size() >= digits_of(bytes.size()).
void encode(Bytes bytes, Alphabet alphabet, std::string& text) {
  for (std::size_t i = 0; i < digits_of(bytes.size()); ++i) {
    const std::size_t bit = 6 * i;
    const std::uint32_t first = bytes[bit / 8];
    const std::uint32_t second = bit / 8 + 1 < bytes.size() ? bytes[bit / 8 + 1] : 0u;
    text[i] = character_of((first << 8 | second) >> (10 - bit % 8) & 63, alphabet);
  }
}

}  // namespace

std::string to_base64(Bytes bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  encode(bytes, kStandard, text);
  return text;
}

std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text) {
  const auto digits = without_padding(text);
  return digits ? decode(*digits, kStandard) : std::nullopt;
}

bool decode_base64(std::string_view text, MutableBytes out) noexcept {
  const auto digits = without_padding(text);
  return digits && digits->size() % 4 != 1 && size_of(digits->size()) == out.size() &&
         decode(*digits, kStandard, out);
}

std::string to_base64url(Bytes bytes) {
  std::string text(digits_of(bytes.size()), '\0');
  encode(bytes, kUrl, text);
  return text;
}

std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text) { return decode(text, kUrl); }

bool decode_hex(std::string_view text, MutableBytes out) noexcept {
  if (text.size() != 2 * out.size()) return false;
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint32_t high = hex_value_of(text[2 * i]);
    const std::uint32_t low = hex_value_of(text[2 * i + 1]);
    bad |= (high | low) >> 4;
    out[i] = static_cast<std::uint8_t>(high << 4 | (low & 15));
  }
  return bad == 0;
}

std::string to_hex_with_colons(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(3 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

}  // namespace wgr
