// Endpoints as operators write them: "host:port", "1.2.3.4:port", "[2001:db8::1]:port".
//
// Thread: pure functions; nothing is resolved here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wireguard/config.h"

namespace wgr::wireguard {

// The port is 1 to 65535. The dot at the end of a whole name is left out. A host that looks like a number but
// is not an address ("0177.0.0.1", "2130706433") is refused: a resolver might read it as one.
std::optional<EndpointName> parse_endpoint_name(std::string_view text);
std::string to_string(const EndpointName& endpoint);

// What can be looked up, and with a dot at the end too: the name from the root.
bool is_host(std::string_view text);

}  // namespace wgr::wireguard
