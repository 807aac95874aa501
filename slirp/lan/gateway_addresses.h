// The gateway's own addresses on a virtual LAN beside its IPv4 address: its link-local one, and the first of
// the IPv6 prefix.
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "core/address.h"
#include "core/wire/ethernet.h"
#include "slirp/lan/config.h"

namespace wgr::slirp::lan {

inline IpAddress gateway_link_local(const NetworkConfig& config) noexcept {
  return wire::link_local_of(config.gateway_mac);
}

// The first address of the prefix; nullopt without one.
std::optional<IpAddress> gateway_v6(const NetworkConfig& config) noexcept;

// All of them: what the router answers for on the network.
std::vector<IpAddress> gateway_addresses(const NetworkConfig& config);

// Whether an address is the gateway's, in either family.
bool is_gateway(const NetworkConfig& config, const IpAddress& address) noexcept;

}  // namespace wgr::slirp::lan
