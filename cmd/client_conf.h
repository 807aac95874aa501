// The .conf that a WireGuard app takes: for the client that a router without configuration makes.
//
// Thread: pure functions, but for the one that asks the kernel for this host's address.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/config.h"

namespace wgr {

// The addresses beside the router's own: 10.86.0.1/24 gives 10.86.0.2/32. Throws ConfigError when the
// router has no address.
std::vector<Prefix> client_addresses(const Config& config);

// The text is secret. REQUIRES: config has its private key.
std::string print_client_conf(const Config& config, const wireguard::PrivateKey& client,
                              const wireguard::PeerConfig& peer);

// The address this host uses towards the internet; nothing is sent to find out. Loopback if it has none.
IpAddress main_address();

}  // namespace wgr
