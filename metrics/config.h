// Settings of the metrics and health listener, and of the health probes. Immutable after start, but for
// the probes, which a reload may change.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/time.h"

namespace wgr::metrics {

// Whose names the WireGuard families have: those of MindFlavor/prometheus_wireguard_exporter, those of
// mdlayher/wireguard_exporter, or both.
enum class Compatibility : std::uint8_t { kMindFlavor, kMdlayher, kBoth };

struct ExporterConfig {
  std::string interface = "wg0";  // the label `interface` of the WireGuard families
  Compatibility compatibility = Compatibility::kMindFlavor;
  std::size_t max_peers = 5000;  // with series of their own; the rest is summed up. 0: all are summed up
};

// What is asked from time to time through the router's own way out. An empty url or name: no such probe.
struct ProbeConfig {
  bool enabled = false;
  std::string http_url;      // "http://host[:port]/path", or https; an answer of 200 to 399 is good
  std::string dns_name;      // asked for an address record
  SocketAddress dns_server;  // unspecified ip: the first of dns.upstreams
  bool gates_ready = false;  // a failing probe makes /readyz fail, else it is only shown
  Duration interval = std::chrono::seconds{30};
  Duration timeout = std::chrono::seconds{5};
};

struct HealthConfig {
  Duration stuck_after = std::chrono::seconds{10};  // a worker that left a heartbeat unanswered so long
  unsigned descriptor_headroom_percent = 10;        // /readyz fails with fewer free descriptors
  ProbeConfig probe;
};

// The HTTP listener for /metrics, /livez, /readyz and /healthz: never a port that guests use.
struct ListenerConfig {
  bool enabled = true;
  std::vector<IpAddress> addresses = {IpAddress::v4(127, 0, 0, 1)};
  std::uint16_t port = 9586;
  std::vector<std::string> hosts;  // names it may be called by, beside addresses; lower case, or "*"
  std::string token;               // of /metrics; secret. Empty: none
};

struct Config {
  ListenerConfig listener;
  ExporterConfig exporter;
  HealthConfig health;
};

}  // namespace wgr::metrics
