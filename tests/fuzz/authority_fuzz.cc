// Any text as "host:port": what was read is written back to itself, and its parts lie within the text.
#include <cstdlib>
#include <string>

#include "core/address.h"
#include "core/authority.h"
#include "core/bytes.h"

namespace wgr {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void check(std::string_view text) {
  if (const auto parts = cut_host(text)) {
    std::string again{parts->is_bracketed ? "[" + std::string{parts->host} + "]" : std::string{parts->host}};
    if (parts->rest) again += ":" + std::string{*parts->rest};
    require(again == text);
  } else {
    require(!parts.error().empty());
  }
  const auto authority = parse_authority(text);
  if (!authority) {
    require(!authority.error().empty());
    return;
  }
  require(!authority->host.empty() && authority->port != 0);
  const bool has_colon = authority->host.find(':') != std::string_view::npos;
  require(!has_colon || IpAddress::parse(authority->host)->is_v6());
  const std::string written =
      authority->port ? host_and_port(authority->host, *authority->port) : bracketed(authority->host);
  const auto again = parse_authority(written);
  require(again && again->host == authority->host && again->port == authority->port);
}

}  // namespace
}  // namespace wgr

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::check(wgr::text_of({data, size}));
  return 0;
}
