// The base64 and hexadecimal readers on any text: each value has one text, so what was read is written back
// to the same; and any bytes survive the round trip.
#include <cstdlib>
#include <string>

#include "core/base64.h"
#include "core/text.h"

namespace wgr {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void check_text(std::string_view text) {
  const auto bytes = from_base64(text);
  if (bytes) {
    require(to_base64(*bytes) == text);
    std::vector<std::uint8_t> same(bytes->size());
    require(decode_base64(text, same) && same == *bytes);
  }
  const auto url_bytes = from_base64url(text);
  if (url_bytes) require(to_base64url(*url_bytes) == text);

  std::vector<std::uint8_t> from_hex(text.size() / 2);
  if (!decode_hex(text, from_hex)) return;
  std::string digits = to_hex_with_colons(from_hex);
  std::erase(digits, ':');
  require(digits == to_lower(text));
}

void check_bytes(Bytes bytes) {
  const auto is_same = [&](const auto& again) { return again && text_of(*again) == text_of(bytes); };
  require(is_same(from_base64(to_base64(bytes))));
  require(is_same(from_base64url(to_base64url(bytes))));
}

}  // namespace
}  // namespace wgr

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wgr::Bytes bytes{data, size};
  wgr::check_text(wgr::text_of(bytes));
  wgr::check_bytes(bytes);
  return 0;
}
