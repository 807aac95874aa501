#include "core/mac_address.h"

namespace wgr {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int digit_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<MacAddress> MacAddress::parse(std::string_view text) noexcept {
  if (text.size() != 3 * kSize - 1) return std::nullopt;
  MacAddress mac;
  for (std::size_t i = 0; i < kSize; ++i) {
    const int high = digit_value(text[3 * i]);
    const int low = digit_value(text[3 * i + 1]);
    if (high < 0 || low < 0 || (i + 1 < kSize && text[3 * i + 2] != ':')) return std::nullopt;
    mac.bytes_[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return mac;
}

std::string MacAddress::to_string() const {
  std::string text;
  text.reserve(3 * kSize - 1);
  for (const std::uint8_t byte : bytes_) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

}  // namespace wgr
