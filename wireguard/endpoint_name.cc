#include "wireguard/endpoint_name.h"

#include "core/authority.h"
#include "core/egress/host_name.h"

namespace wgr::wireguard {
namespace {

// The dot of the DNS root, which says that a name is whole. What looks names up knows them without it.
std::string_view without_root(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

}  // namespace

bool is_host(std::string_view text) { return wgr::is_host(text) || egress::is_host_name(without_root(text)); }

std::optional<EndpointName> parse_endpoint_name(std::string_view text) {
  const auto authority = parse_authority(text);
  if (!authority || !authority->port || !is_host(authority->host)) return std::nullopt;
  return EndpointName{std::string{without_root(authority->host)}, *authority->port};
}

std::string to_string(const EndpointName& endpoint) { return host_and_port(endpoint.host, endpoint.port); }

}  // namespace wgr::wireguard
