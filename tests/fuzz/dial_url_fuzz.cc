// Any bytes as the URL of a peer or of a proxy. What was read can be written again and asked for: nothing in
// it breaks a header.
#include <cstdlib>
#include <string>

#include "ws/wireguard/dial_url.h"

namespace wgr::ws::wireguard {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

bool may_be_in_a_header(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f) return false;
  }
  return true;
}

void check(std::string_view text) {
  if (const auto url = parse_dial_url(text)) {
    require(url->port != 0 && !url->host.empty() && url->target.starts_with('/'));
    require(may_be_in_a_header(url->authority()) && may_be_in_a_header(url->target));
    const auto again = parse_dial_url(url->to_string() + url->target);
    require(again && (*again == *url || url->target == "/"));
  }
  if (const auto proxy = parse_proxy_url(text)) require(proxy->port != 0 && !proxy->host.empty());
}

}  // namespace
}  // namespace wgr::ws::wireguard

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::ws::wireguard::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
