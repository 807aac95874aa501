// The virtual LANs of a configuration: what follows from a network's subnet and name, and what contradicts.
//
// Thread: confined to the caller's.
#pragma once

#include <string_view>

#include "core/mac_address.h"

namespace wgr {

class ConfigDraft;

// Adds the network `default`, fills gateways and Ethernet addresses. Where nobody chose it, a default
// network that collides with something written gives way.
void derive_networks(ConfigDraft& draft);

// Subnets that overlap, addresses outside of them, leases given twice.
void check_networks(ConfigDraft& draft);

// Locally administered, and the same for the same name at every start: stations remember it.
MacAddress gateway_mac_of(std::string_view network_name);

}  // namespace wgr
