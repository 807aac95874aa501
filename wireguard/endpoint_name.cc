#include "wireguard/endpoint_name.h"

#include "core/authority.h"
#include "core/egress/host_name.h"

namespace wgr::wireguard {
bool is_host(std::string_view text) {
  if (wgr::is_host(text)) return true;
  return text.ends_with('.') && egress::is_host_name(text.substr(0, text.size() - 1));
}

std::optional<EndpointName> parse_endpoint_name(std::string_view text) {
  const auto authority = parse_authority(text);
  if (!authority || !authority->port || !is_host(authority->host)) return std::nullopt;
  return EndpointName{std::string{authority->host}, *authority->port};
}

std::string to_string(const EndpointName& endpoint) { return host_and_port(endpoint.host, endpoint.port); }

}  // namespace wgr::wireguard
