#include "slirp/lan/gateway_addresses.h"

#include <algorithm>
#include <array>

namespace wgr::slirp::lan {

std::optional<IpAddress> gateway_v6(const NetworkConfig& config) noexcept {
  if (!config.ipv6.prefix) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(config.ipv6.prefix->address().bytes(), bytes.begin());
  bytes[15] |= 1;
  return IpAddress::from_bytes(bytes);
}

std::vector<IpAddress> gateway_addresses(const NetworkConfig& config) {
  std::vector<IpAddress> addresses{config.gateway};
  if (const auto v6 = gateway_v6(config)) addresses.push_back(*v6);
  addresses.push_back(gateway_link_local(config));
  return addresses;
}

bool is_gateway(const NetworkConfig& config, const IpAddress& address) noexcept {
  if (address.is_v4()) return address == config.gateway;
  return address == gateway_link_local(config) || address == gateway_v6(config);
}

}  // namespace wgr::slirp::lan
