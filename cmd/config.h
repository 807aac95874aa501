// Everything the operator can choose, as one value. Built once from, in rising order: defaults, YAML file,
// WireGuard .conf, environment, command line (cmd/config_source.h). Immutable after start; a reload makes
// a new one. No code reads a setting by its name.
//
// The table of all keys with their defaults and bounds is deploy/docs/configuration.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/ingress_config.h"
#include "cmd/observation_config.h"
#include "cmd/wireguard_config.h"
#include "core/address.h"
#include "core/egress/policy.h"
#include "core/log.h"
#include "core/time.h"
#include "metrics/config.h"
#include "slirp/config.h"
#include "ws/config.h"

namespace wgr {

// Every problem found, one line each: "file:line: key: problem; expected form". Exit code 2.
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(std::vector<std::string> problems);
  const std::vector<std::string>& problems() const noexcept { return problems_; }

 private:
  std::vector<std::string> problems_;
};

// An address with the length of its network, host bits kept: "10.86.0.1/24".
struct InterfaceAddress {
  IpAddress ip;
  unsigned length = 32;

  static std::optional<InterfaceAddress> parse(std::string_view text) noexcept;
  std::string to_string() const;
  friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

struct NetworkConfig {
  // The router's own inner addresses; slirp.own_addresses holds the same without lengths.
  std::vector<InterfaceAddress> addresses = {{IpAddress::v4(10, 86, 0, 1), 24}, default_ipv6()};
  bool ipv6 = true;  // false: inner IPv6 is refused (egress.deny has ::/0)

  static InterfaceAddress default_ipv6();  // fd86::1/64
};

struct DnsConfig {
  bool from_host = true;                 // upstreams are those of the host's resolv.conf
  std::vector<SocketAddress> upstreams;  // the written ones; slirp.dns.upstreams is what to use
};

struct EgressConfig {
  egress::RuleSet rules;
  bool allow_metadata = false;
};

// Packets for another peer's AllowedIPs go to that peer.
struct OverlayConfig {
  bool enabled = false;
  std::vector<Prefix> exclude;  // these always leave through the host's sockets
};

struct ProcessorConfig {
  std::size_t workers = 0;  // after loading: at least 1
  std::size_t mailbox_capacity = 4096;
};

// What the state folder holds when nobody configured a key: see cmd/state_folder.h.
struct FirstStart {
  std::string folder;
  bool is_new = false;      // made by this start
  std::string client_conf;  // secret: printed once, on standard output
};

// Something the operator should read at start; not an error.
struct Notice {
  log::Level level = log::Level::kInfo;
  std::string text;
};

struct Config {
  WireGuardConfig wireguard;
  NetworkConfig network;
  slirp::Config slirp;  // mtu is network.mtu
  DnsConfig dns;
  EgressConfig egress;
  OverlayConfig overlay;
  ProcessorConfig processor;
  ws::Config ws;
  IngressConfig ingress;
  LanConfig lan;
  std::vector<ForwardEntry> forwards;
  metrics::Config metrics;
  std::string metrics_token_file;  // where metrics.listener.token came from; empty: inline or none
  LogConfig log;
  ReportConfig report;
  PcapConfig pcap;
  std::string state_folder;  // empty: the default one
  Duration shutdown_grace = std::chrono::seconds{10};

  std::optional<FirstStart> first_start;
  std::vector<Notice> notices;
};

}  // namespace wgr
