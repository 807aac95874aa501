// AllowedIPs: which peer owns an inner address, by longest prefix, for all peers of the router.
//
// Thread: an immutable snapshot (shared_ptr<const AllowedIps>) shared by all workers; a change builds
// a new one and swaps it by message, so that prefixes move between peers atomically.
#pragma once

#include <utility>
#include <vector>

#include "core/guest_id.h"
#include "core/prefix_table.h"

namespace wgr::wireguard {

using AllowedIps = PrefixTable<GuestId>;

}  // namespace wgr::wireguard
