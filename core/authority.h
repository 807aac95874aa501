// Who is meant, as URLs, headers and operators write it (RFC 3986 3.2, without user information): "host",
// "host:port", and "[2001:db8::1]:port" for IPv6, whose colons need the brackets.
//
// Whether the host is a name or an address at all is the reader's to ask: a Host header may hold more than
// what can be looked up, and a rule may hold a prefix.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace wgr {

// Text cut in two, both views of it.
struct HostAndRest {
  std::string_view host;                 // without brackets
  std::optional<std::string_view> rest;  // behind the colon; nothing: there is no colon
  bool is_bracketed = false;
};
// "HOST:REST" or "[HOST]:REST". Without brackets, text with several colons is all host: an IPv6 address. The
// error is a clause for the operator.
Result<HostAndRest, std::string_view> cut_host(std::string_view text);

struct Authority {
  std::string_view host;              // a view of the text. Never empty; with a colon it is an IPv6 address
  std::optional<std::uint16_t> port;  // never 0
};
// Brackets hold an IPv6 address and nothing else does. The error is a clause for the operator.
Result<Authority, std::string_view> parse_authority(std::string_view text);

// What can be looked up or dialled: an address, or a name that egress::is_host_name().
bool is_host(std::string_view host) noexcept;

// "host", "[2001:db8::1]".
std::string bracketed(std::string_view host);
// "host:port", "[2001:db8::1]:port".
std::string host_and_port(std::string_view host, std::uint16_t port);

}  // namespace wgr
