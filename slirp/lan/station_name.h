// The name of a station, from what it says of itself in DHCP (option 12) or a file says of it.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace wgr::slirp::lan {

// One label of letters, digits and hyphens in lower case (RFC 952, 1123 2.1), what comes after the first dot
// left out. Empty when nothing is left, or when the name is one that must not be a station's because
// programs give it a meaning (localhost, wpad, isatap).
std::string station_name(std::string_view said);

}  // namespace wgr::slirp::lan
