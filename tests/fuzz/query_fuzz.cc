// Any text as a query, and as a text with escapes: the first value that is found lies within it, and decoding
// never makes it longer.
#include <cstdlib>

#include "core/bytes.h"
#include "core/query.h"

namespace wgr {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void check(std::string_view query) {
  for (const std::string_view name : {"token", "dns", "", "a"}) {
    const auto value = query_value(query, name);
    if (!value) continue;
    require(value->find('&') == std::string_view::npos);
    require(value->data() >= query.data() && value->data() + value->size() <= query.data() + query.size());
    const std::string again = std::string{name} + "=" + std::string{*value};
    require(query_value(again, name) == value);
  }
  const std::string decoded = decode_percent(query);
  require(decoded.size() <= query.size());
  if (query.find('%') == std::string_view::npos) require(decoded == query);
}

}  // namespace
}  // namespace wgr

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::check(wgr::text_of({data, size}));
  return 0;
}
