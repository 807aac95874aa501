// The addresses of the host's own interfaces, for Policy::Settings::own_addresses. They change while the
// router runs: the caller asks again from time to time.
//
// Thread: any; not on the packet path.
#pragma once

#include <vector>

#include "core/address.h"

namespace wgr::egress {

// Sorted, each once; empty when the kernel does not say.
std::vector<IpAddress> local_addresses();

}  // namespace wgr::egress
