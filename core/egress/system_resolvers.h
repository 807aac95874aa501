// The DNS servers of the host, from resolv.conf(5): where the router forwards the queries of guests when
// no upstreams are configured.
//
// Thread: pure, but for the file; not on the packet path.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"

namespace wgr::egress {

inline constexpr std::size_t kMaxSystemResolvers = 8;

// The `nameserver` lines, in order, each once, at port 53. What is no plain address is left out: names,
// scoped addresses, unspecified ones.
std::vector<SocketAddress> parse_resolv_conf(std::string_view text);

// Of the file; empty when it cannot be read or names none.
std::vector<SocketAddress> system_resolvers(const std::string& path = "/etc/resolv.conf");

}  // namespace wgr::egress
