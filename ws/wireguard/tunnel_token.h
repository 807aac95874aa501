// What a client of wstunnel asks for in its upgrade: GET /PREFIX/events, subprotocols "v1" and
// "authorization.bearer.JWT", answered "v1"; afterwards one binary message is one UDP datagram.
//
// The JWT's claims say where the tunnel should end: {"id": ..., "p": {"Udp": {...}}, "r": host, "rp": port}.
// Its signature is made with a key that every wstunnel knows, so it is not looked at and proves nothing: who
// may enter is decided elsewhere. A server of wstunnel sends the datagrams to that host and port; here they
// go to the router's own WireGuard, so another target is a mistake that is better told than served.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ws/config.h"

namespace wgr::ws::wireguard {

inline constexpr std::string_view kTunnelSubprotocol = "v1";
inline constexpr std::string_view kTunnelTokenPrefix = "authorization.bearer.";
inline constexpr std::size_t kMaxTunnelToken = 4096;

struct TunnelRequest {
  std::string protocol;  // "Udp", "Tcp", "ReverseUdp", ...
  std::string host;      // a name or an address
  std::uint16_t port = 0;

  bool is_udp() const noexcept { return protocol == "Udp"; }

  friend bool operator==(const TunnelRequest&, const TunnelRequest&) = default;
};

// "/v1/events", "/anything/events".
bool is_tunnel_path(std::string_view path) noexcept;
// The claims of an offered subprotocol that begins with kTunnelTokenPrefix; nothing if it is another one or
// its claims make no sense.
std::optional<TunnelRequest> parse_tunnel_token(std::string_view subprotocol);

// Whether the tunnel ends at this router's WireGuard. `own_names`: how the client called us, a name or an
// address, with brackets or without.
bool is_for_us(const TunnelRequest& request, const TunnelTargets& targets,
               std::span<const std::string> own_names);

}  // namespace wgr::ws::wireguard
