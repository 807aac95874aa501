// Whose page is speaking (RFC 6454, the Origin header) and whom it believes to speak to (the Host header):
// both as scheme, host and port, compared exactly.
//
// A name that an attacker points at our address would pass as "same host" (DNS rebinding). So where no
// certificate and no token proves otherwise, a Host is believed only if it is an address, "localhost" or
// configured.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wgr::ws {

enum class Scheme : std::uint8_t { kHttp, kHttps };

struct WebOrigin {
  Scheme scheme = Scheme::kHttp;
  std::string host;  // lower case; an IPv6 address in brackets
  std::uint16_t port = 0;

  // "https://host[:port]", nothing behind it.
  static std::optional<WebOrigin> parse(std::string_view text);
  // "host[:port]", as a Host header says it.
  static std::optional<WebOrigin> parse_host(std::string_view text, Scheme scheme);

  // An IP literal or "localhost": nobody else can own it.
  bool is_local_name() const;
  // As a header says it.
  std::string to_string() const;

  friend bool operator==(const WebOrigin&, const WebOrigin&) = default;
};

// Whether a page of `origin` (the header's text) may use a server that it calls `self`. `configured` are
// the operator's: "https://host[:port]", or "*" for any.
bool is_origin_allowed(std::string_view origin, const std::optional<WebOrigin>& self,
                       std::span<const std::string> configured);
// Whether the server may be called so: as an address, as "localhost", as the host of a configured origin, or
// by one of its names. "*" among either: by any.
bool is_host_believable(const std::optional<WebOrigin>& self, std::span<const std::string> configured,
                        std::span<const std::string> names);

}  // namespace wgr::ws
