// The URL reader on any text: what it accepts makes a request of one line and its headers.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cmd/http_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgr;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  std::string problem;
  const auto url = parse_http_url(text, problem);
  if (url.has_value() != problem.empty()) std::abort();
  if (url) {
    if (url->host.empty() || url->port == 0 || !url->target.starts_with('/')) std::abort();
    const std::string request = http_get(*url);
    std::size_t lines = 0;
    for (const char c : request) lines += c == '\n' ? 1 : 0;
    if (lines != 6) std::abort();
  }
  return 0;
}
