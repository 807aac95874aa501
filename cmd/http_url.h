// "http://host[:port]/path?query", or https, as far as probes and the healthcheck command need it.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wgr {

struct HttpUrl {
  bool is_tls = false;
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 80;
  std::string target = "/";  // path and query, as it goes into the request
};

// Nothing and a clause for the operator in `problem` when it is no such URL.
std::optional<HttpUrl> parse_http_url(std::string_view text, std::string& problem);

// The request for it: GET, answered and closed.
std::string http_get(const HttpUrl& url);

}  // namespace wgr
