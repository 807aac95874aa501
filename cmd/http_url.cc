#include "cmd/http_url.h"

#include <algorithm>

#include "core/address.h"
#include "core/egress/host_name.h"
#include "core/text.h"

namespace wgr {
namespace {

constexpr std::size_t kMaxUrl = 2048;
constexpr std::string_view kPlain = "http://";
constexpr std::string_view kTls = "https://";
constexpr std::uint16_t kTlsPort = 443;
constexpr std::size_t kMaxStatusLine = 256;

std::optional<HttpUrl> refuse(std::string& problem, std::string_view why) {
  problem = why;
  return std::nullopt;
}

bool begins_with_scheme(std::string_view text, std::string_view scheme) {
  return to_lower(text.substr(0, scheme.size())) == scheme;
}

bool is_address(std::string_view text) { return IpAddress::parse(text).has_value(); }

// A space or a control character would end the request line or begin another.
bool may_be_target(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

// "host", "host:port", "[v6]:port" into `url`.
bool read_authority(std::string_view text, HttpUrl& url, std::string& problem) {
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      problem = "the bracket is not closed";
      return false;
    }
    url.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (url.host.find(':') == std::string::npos || !is_address(url.host)) {
      problem = "brackets hold an IPv6 address";
      return false;
    }
    if (!text.empty()) port = text;
    if (port && !port->starts_with(':')) {
      problem = "after the bracket comes :PORT";
      return false;
    }
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    url.host = text.substr(0, colon);
    if (colon < text.size()) port = text.substr(colon);
    if (!is_address(url.host) && !egress::is_host_name(url.host)) {
      problem = "the host is neither a name nor an address";
      return false;
    }
  }
  if (!port) return true;
  const auto number = parse_number(port->substr(1));
  if (!number || *number == 0 || *number > 65535) {
    problem = "a port is 1 to 65535";
    return false;
  }
  url.port = static_cast<std::uint16_t>(*number);
  return true;
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
    return refuse(problem, "it begins with http:// or https://");
  }
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  const std::string_view authority = text.substr(0, end);
  std::string_view target = text.substr(end);
  target = target.substr(0, target.find('#'));
  if (!may_be_target(target))
    return refuse(problem, "spaces and other bytes are written as %20 and the like");
  url.target = (target.starts_with('/') ? "" : "/") + std::string{target};

  if (!read_authority(authority, url, problem)) return std::nullopt;
  return url;
}

std::string http_get(const HttpUrl& url) {
  std::string host = bracketed(url.host);
  if (url.port != (url.is_tls ? kTlsPort : 80)) host += ":" + std::to_string(url.port);
  return "GET " + url.target + " HTTP/1.1\r\nHost: " + host +
         "\r\nUser-Agent: wgrouter\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

// RFC 9112 4: HTTP/1.x SP 3DIGIT SP reason.
HttpStatus read_http_status(std::string_view reply) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr std::size_t kCodeAt = 9;
  constexpr HttpStatus kBad{ReplyLine::kMalformed, 0};
  const std::size_t end = reply.find('\n');
  if (end == std::string_view::npos) {
    const std::size_t known = std::min(reply.size(), kVersion.size());
    const bool may_become = reply.substr(0, known) == kVersion.substr(0, known);
    return may_become && reply.size() < kMaxStatusLine ? HttpStatus{} : kBad;
  }
  const std::string_view line = trim(reply.substr(0, end));
  if (!line.starts_with(kVersion) || line.size() < kCodeAt + 3 || line[kCodeAt - 1] != ' ') return kBad;
  if (line.size() > kCodeAt + 3 && line[kCodeAt + 3] != ' ') return kBad;
  const auto code = parse_number(line.substr(kCodeAt, 3));
  if (!code || *code < 100 || *code > 599) return kBad;
  return {ReplyLine::kComplete, static_cast<unsigned>(*code)};
}

}  // namespace wgr
