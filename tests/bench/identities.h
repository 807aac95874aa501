// Who is who in a benchmark: keys and inner addresses that follow from a number, so that the generator
// and the configuration it prints for the router agree without a file between them. Not secret.
#pragma once

#include <string>

#include "core/address.h"
#include "wireguard/config.h"
#include "wireguard/crypto.h"

namespace wgr::bench {

inline constexpr std::uint32_t kRouterIdentity = 0;  // peers count from 1

wireguard::PrivateKey private_key_of(std::uint32_t identity);
// 10.99.0.0/16 in order; the router itself is 10.99.0.0 + 0.
IpAddress inner_address_of(std::uint32_t identity);
// A loopback source per peer, so that no two share a rate limit: 127.64.0.0/16 in order.
IpAddress outer_address_of(std::uint32_t identity);

// A WireGuard .conf for the router with this many peers.
std::string router_conf(std::uint16_t listen_port, std::uint32_t peers);

}  // namespace wgr::bench
