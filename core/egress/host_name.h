// What may be looked up as a host name. An address is never a name: spellings that inet_pton refuses but
// the C library's resolver would take as IPv4 (127.1, 0x7f.1, 2130706433) are neither.
//
// Thread: pure functions.
#pragma once

#include <string_view>

namespace wgr::egress {

inline constexpr std::size_t kMaxHostName = 253;  // RFC 1035 2.3.4, without the root's dot

// Labels of letters, digits, hyphens and underscores (RFC 1123 2.1 and common practice), at most 63 long,
// the last of them no number.
bool is_host_name(std::string_view text) noexcept;

}  // namespace wgr::egress
