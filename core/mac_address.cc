#include "core/mac_address.h"

#include "core/base64.h"

namespace wgr {

std::optional<MacAddress> MacAddress::parse(std::string_view text) noexcept {
  if (text.size() != 3 * kSize - 1) return std::nullopt;
  MacAddress mac;
  for (std::size_t i = 0; i < kSize; ++i) {
    const bool is_separated = i + 1 == kSize || text[3 * i + 2] == ':';
    if (!is_separated || !decode_hex(text.substr(3 * i, 2), MutableBytes{mac.bytes_}.subspan(i, 1))) {
      return std::nullopt;
    }
  }
  return mac;
}

std::string MacAddress::to_string() const { return to_hex_with_colons(bytes_); }

}  // namespace wgr
