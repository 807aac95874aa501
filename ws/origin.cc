#include "ws/origin.h"

#include <algorithm>

#include "core/address.h"
#include "core/authority.h"
#include "core/text.h"

namespace wgr::ws {
namespace {

constexpr std::size_t kMaxHost = 255;  // RFC 1035 2.3.4

std::uint16_t default_port(Scheme scheme) { return scheme == Scheme::kHttps ? 443 : 80; }

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

// More than what can be looked up: whatever a browser may call us. With a colon it is an IPv6 address.
bool may_be_host(std::string_view host) {
  return host.size() <= kMaxHost &&
         (host.find(':') != std::string_view::npos || std::ranges::all_of(host, is_host_character));
}

bool has_any(std::span<const std::string> list) { return std::ranges::find(list, "*") != list.end(); }

}  // namespace

std::optional<WebOrigin> WebOrigin::parse(std::string_view text) {
  const std::string lower = to_lower(text);
  const std::string_view view = lower;
  for (const auto& [prefix, scheme] : {std::pair{std::string_view{"http://"}, Scheme::kHttp},
                                       std::pair{std::string_view{"https://"}, Scheme::kHttps}}) {
    if (view.starts_with(prefix)) return parse_host(view.substr(prefix.size()), scheme);
  }
  return std::nullopt;
}

std::optional<WebOrigin> WebOrigin::parse_host(std::string_view text, Scheme scheme) {
  const std::string lower = to_lower(text);
  const auto authority = parse_authority(lower);
  if (!authority || !may_be_host(authority->host)) return std::nullopt;
  return WebOrigin{.scheme = scheme,
                   .host = bracketed(authority->host),
                   .port = authority->port.value_or(default_port(scheme))};
}

bool WebOrigin::is_local_name() const {
  return host == "localhost" || host.starts_with('[') || IpAddress::parse(host).has_value();
}

std::string WebOrigin::to_string() const {
  const std::string text = (scheme == Scheme::kHttps ? "https://" : "http://") + host;
  return port == default_port(scheme) ? text : text + ":" + std::to_string(port);
}

bool is_origin_allowed(std::string_view origin, const std::optional<WebOrigin>& self,
                       std::span<const std::string> configured) {
  if (has_any(configured)) return true;
  const auto page = WebOrigin::parse(origin);  // nothing: "null", an app's own scheme, or nonsense
  if (!page) return false;
  if (self && *page == *self) return true;
  return std::ranges::any_of(configured,
                             [&](const std::string& text) { return WebOrigin::parse(text) == page; });
}

bool is_host_believable(const std::optional<WebOrigin>& self, std::span<const std::string> configured,
                        std::span<const std::string> names) {
  if (has_any(configured) || has_any(names)) return true;
  if (!self) return false;
  if (self->is_local_name() || std::ranges::find(names, self->host) != names.end()) return true;
  return std::ranges::any_of(configured, [&](const std::string& text) {
    const auto known = WebOrigin::parse(text);
    return known && known->host == self->host;
  });
}

}  // namespace wgr::ws
