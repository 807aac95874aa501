// Everything the operator can choose, as one value. Built once from, in rising order: defaults, YAML file,
// WireGuard .conf, environment, command line (cmd/config_source.h). Immutable after start; a reload makes
// a new one. No code reads a setting by its name.
//
// The table of all keys with their defaults and bounds is deploy/docs/configuration.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/egress/policy.h"
#include "core/log.h"
#include "core/time.h"
#include "metrics/config.h"
#include "slirp/config.h"
#include "slirp/forward_config.h"
#include "slirp/lan/config.h"
#include "wireguard/config.h"
#include "ws/config.h"
#include "ws/wireguard/dial_url.h"

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

struct PeerEntry {
  wireguard::PeerConfig peer;
  egress::RuleSet egress;  // asked before the global rules
  std::optional<ws::wireguard::DialUrl>
      dial;                        // reached over a WebSocket that we open; instead of peer.endpoint
  bool is_enabled = true;          // false: known, but not served
  std::string preshared_key_file;  // where the key came from; empty: inline or none
  std::string origin;              // "wgrouter.yaml:12", "WG_PEER_0": for messages
};

struct WireGuardConfig {
  wireguard::DeviceConfig device;  // mtu is network.mtu
  std::string private_key_file;    // where the key came from; empty: inline or state folder
  bool has_private_key = false;
  bool insecure_key_permissions = false;  // accept key files that others can read
  std::uint16_t listen_port = 51820;      // 0: chosen by the kernel
  // Empty: every address of both families.
  std::vector<IpAddress> listen_addresses;
  std::string dial_authorities;  // PEM file of who may vouch for wss:// endpoints; empty: the system's
  std::optional<ws::wireguard::ProxyUrl> dial_proxy;
  std::string public_endpoint;  // host[:port] printed into the first client's .conf; empty: guessed
  std::vector<PeerEntry> peers;
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

struct TokenEntry {
  ws::Token token;
  std::string secret_file;  // where the secret came from; empty: inline
};

// A listener as the operator wrote it.
struct ListenerEntry {
  ws::ListenerConfig listener;  // on 127.0.0.1 unless chosen
  ws::TlsFiles tls;
  std::string passphrase_file;  // where the passphrase came from; empty: inline or none
  std::vector<TokenEntry> tokens;

  ListenerEntry() { listener.addresses = {IpAddress::v4(127, 0, 0, 1)}; }
};

// What Config::ws.listeners is made of: the written list, or else one plain listener, and one with TLS
// when there is a certificate.
struct IngressConfig {
  bool enabled = true;            // false: no listener at all, whatever else is written
  ListenerEntry simple;           // its port is that of the plain one; 0: none
  std::uint16_t tls_port = 8087;  // without a certificate: not opened
  TokenEntry token;               // of `simple`
  std::vector<ListenerEntry> listeners;

  IngressConfig() { simple.listener.port = 8086; }
};

// One virtual LAN.
struct LanEntry {
  slirp::lan::NetworkConfig network;
  egress::RuleSet egress;        // asked before the global rules
  bool has_ipv6_choice = false;  // ipv6.prefix is written, or derived
  std::string origin;            // "wgrouter.yaml:12"; empty: the default network, not written anywhere
};

struct LanConfig {
  bool enabled = true;             // false: no network, not even the default one
  std::vector<LanEntry> networks;  // after loading: "default" is among them, unless disabled
  std::string lease_file;          // empty: "leases" in the state folder
};

// Ports of the host that lead into a guest.
struct ForwardEntry {
  // An IP address, or the name of a WireGuard peer or of a station (as it says by DHCP), with or without
  // its domain: looked up again whenever somebody comes.
  std::string target;
  slirp::ForwardProtocol protocol = slirp::ForwardProtocol::kTcp;
  std::vector<IpAddress> listen_addresses;  // empty: every address of both families
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;          // of the host, included
  std::uint16_t first_guest_port = 0;   // where first_port leads; the others follow. After loading: not 0
  std::vector<Prefix> allowed_sources;  // empty: everybody
  bool proxy_protocol = false;
  std::string origin;  // "wgrouter.yaml:12": for messages

  friend bool operator==(const ForwardEntry&, const ForwardEntry&) = default;
};

struct ProcessorConfig {
  std::size_t workers = 0;  // after loading: at least 1
  std::size_t mailbox_capacity = 4096;
};

struct LogConfig {
  log::Level level = log::Level::kInfo;
  log::Format format = log::Format::kText;
};

struct ReportConfig {
  bool enabled = false;
  Duration interval = std::chrono::seconds{30};
  log::Format format = log::Format::kText;
};

struct PcapConfig {
  std::string path;  // empty: off
  std::uint64_t max_bytes = 64 * 1024 * 1024;
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
