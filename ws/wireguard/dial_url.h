// Where a peer is dialed over a WebSocket: "wss://host[:port][/path][?query]" or "ws://...", and the HTTP
// proxy on the way: "http://[user:password@]host[:port]".
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace wgr::ws::wireguard {

inline constexpr std::string_view kDefaultDialTarget = "/wg";

struct DialUrl {
  bool is_tls = true;
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 443;
  std::string target{kDefaultDialTarget};  // path and query. May hold a token: not for logs

  // As in a Host header: the port only where it is not the scheme's.
  std::string authority() const;
  // For messages: without the target.
  std::string to_string() const;

  friend bool operator==(const DialUrl&, const DialUrl&) = default;
};

struct ProxyUrl {
  std::string host;
  std::uint16_t port = 0;
  std::string authorization;  // of a Proxy-Authorization header; secret. Empty: none

  friend bool operator==(const ProxyUrl&, const ProxyUrl&) = default;
};

// The error is a clause for the operator.
Result<DialUrl, std::string_view> parse_dial_url(std::string_view text);
Result<ProxyUrl, std::string_view> parse_proxy_url(std::string_view text);

}  // namespace wgr::ws::wireguard
