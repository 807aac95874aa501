// What the operator chooses of the WireGuard device and its peers: a part of Config (cmd/config.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/egress/policy.h"
#include "wireguard/config.h"
#include "ws/wireguard/dial_url.h"

namespace wgr {

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

}  // namespace wgr
