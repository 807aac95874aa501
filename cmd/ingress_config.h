// What the operator chooses of the ways in besides WireGuard over UDP: listeners and their tokens, virtual
// LANs, forwarded ports. A part of Config (cmd/config.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/egress/policy.h"
#include "slirp/forward_config.h"
#include "slirp/lan/config.h"
#include "ws/config.h"

namespace wgr {

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

}  // namespace wgr
