// Settings of the HTTP and WebSocket server: immutable after start, but for what a comment says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/time.h"

namespace wgr::ws {

// What is spoken behind a path.
enum class Service : std::uint8_t {
  kEthernet,   // WebSocket: frames of a station on a virtual LAN
  kWireGuard,  // WebSocket: one WireGuard message per binary message
  kDns,        // HTTP: DNS over HTTPS (RFC 8484)
  kMetrics,    // HTTP: Prometheus exposition
  kHealth,     // HTTP: /livez, /readyz, /healthz
};

constexpr bool is_websocket(Service service) noexcept {
  return service == Service::kEthernet || service == Service::kWireGuard;
}

// "/ethernet/lab" serves exactly this path, with or without a final slash; the query is not part of it.
struct Route {
  std::string path;
  Service service = Service::kEthernet;
  std::string network;  // kEthernet: the virtual LAN
};

struct TlsFiles {
  std::string certificate;  // PEM: the chain, leaf first
  std::string private_key;  // PEM
  std::string passphrase;   // of the key; secret. Empty: none
};

// A bearer token. The secret is compared in constant time and never shown.
struct Token {
  std::string name;  // for logs and metrics
  std::string secret;
  std::vector<std::string> networks;  // virtual LANs it opens; empty: everything
};

struct ListenerConfig {
  std::vector<IpAddress> addresses;  // empty: every address of both families
  std::uint16_t port = 0;
  std::optional<TlsFiles> tls;  // none: plain
  std::vector<Route> routes;
  // "https://host[:port]", or "*" for any. Beside these, the listener's own host as the client named it.
  std::vector<std::string> origins;
  std::vector<std::string> names;  // the listener's, beside those of `origins`; lower case, or "*" for any
  std::vector<Token> tokens;       // not empty: one of them is required
  std::string origin;              // where it is configured ("wgrouter.yaml:12"), for messages
};

struct Limits {
  // A source is an IPv4 address or an IPv6 /64.
  std::size_t half_open_per_source = 32;    // accepted, neither a session nor kept alive
  std::size_t half_open = 4096;             // in all
  std::size_t kept_alive_per_source = 128;  // answered, and open for further plain requests
  std::size_t kept_alive = 8192;            // in all
  std::size_t sessions_per_source = 64;
  std::size_t sessions = 65536;              // in all
  std::uint32_t handshakes_per_second = 20;  // per source; accepted connections
  std::uint32_t handshake_burst = 100;
  std::size_t connections_per_proxy = 4096;  // a trusted one's that are no sessions
  std::size_t header_bytes = 8192;
  std::size_t body_bytes = 65536;              // of plain HTTP requests
  std::size_t queue_bytes = 256 * 1024;        // to one client; the oldest messages give way
  std::size_t ethernet_message_bytes = 65553;  // 14 + 4 + 65535
  std::size_t wireguard_message_bytes = 65535;
  std::size_t fragments_per_message = 64;
  std::uint32_t control_frames_per_second = 10;  // pings of a client; beyond: close 1008
  Duration tls_timeout = std::chrono::seconds{5};
  Duration header_timeout = std::chrono::seconds{5};
  Duration handshake_timeout = std::chrono::seconds{10};   // from accept to the end of the upgrade
  Duration keep_alive_timeout = std::chrono::seconds{30};  // plain HTTP between requests
  Duration ping_interval = std::chrono::seconds{30};       // of silence; dead after two unanswered
  Duration write_timeout = std::chrono::seconds{10};       // no byte taken while there are some: stalled
  Duration close_timeout = std::chrono::seconds{2};
};

// A place where a client of wstunnel asks its tunnel to end.
struct TunnelTarget {
  std::string host;        // lower case; an IPv6 address without brackets; "*": any, with any port
  std::uint16_t port = 0;  // 0: the router's own
};

// Which of them mean this router. Beside `others` these do: its loopback, and the name or address by which
// the client called it.
struct TunnelTargets {
  std::uint16_t port = 0;  // of the router's WireGuard; 0: any
  std::vector<TunnelTarget> others;
};

struct Config {
  std::vector<ListenerConfig> listeners;
  std::vector<Prefix> trusted_proxies;  // whose X-Forwarded-For and Forwarded are believed
  TunnelTargets tunnels;
  Limits limits;
  // Nobody is accepted with a descriptor of this number or above: the kernel hands out the lowest that is
  // free, so what is left is for the rest of the process.
  int descriptor_limit = std::numeric_limits<int>::max();
};

}  // namespace wgr::ws
