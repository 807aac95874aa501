#include "cmd/http_url.h"

#include <algorithm>

#include "core/authority.h"
#include "core/text.h"

namespace wgr {
namespace {

constexpr std::size_t kMaxUrl = 2048;
constexpr std::string_view kPlain = "http://";
constexpr std::string_view kTls = "https://";
constexpr std::uint16_t kTlsPort = 443;

std::optional<HttpUrl> refuse(std::string& problem, std::string_view why) {
  problem = why;
  return std::nullopt;
}

bool begins_with_scheme(std::string_view text, std::string_view scheme) {
  return to_lower(text.substr(0, scheme.size())) == scheme;
}

// A space or a control character would end the request line or begin another.
bool may_be_target(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

std::optional<HttpUrl> parse_http_url(std::string_view text, std::string& problem) {
  if (text.size() > kMaxUrl) return refuse(problem, "too long");
  HttpUrl url;
  if (begins_with_scheme(text, kTls)) {
    url.is_tls = true;
    url.port = kTlsPort;
    text.remove_prefix(kTls.size());
  } else if (begins_with_scheme(text, kPlain)) {
    text.remove_prefix(kPlain.size());
  } else {
    return refuse(problem, "a URL begins with http:// or https://");
  }
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view target = text.substr(end);
  target = target.substr(0, target.find('#'));
  if (!may_be_target(target))
    return refuse(problem, "spaces and other bytes are written as %20 and the like");
  url.target = (target.starts_with('/') ? "" : "/") + std::string{target};

  const auto authority = parse_authority(text.substr(0, end));
  if (!authority) return refuse(problem, authority.error());
  if (!is_host(authority->host)) return refuse(problem, "the host is neither a name nor an address");
  url.host = authority->host;
  url.port = authority->port.value_or(url.port);
  return url;
}

std::string http_get(const HttpUrl& url) {
  std::string host = bracketed(url.host);
  if (url.port != (url.is_tls ? kTlsPort : 80)) host += ":" + std::to_string(url.port);
  return "GET " + url.target + " HTTP/1.1\r\nHost: " + host +
         "\r\nUser-Agent: wgrouter\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

}  // namespace wgr
