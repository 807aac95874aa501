// Settings of the WireGuard device and its peers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/guest_id.h"
#include "core/secret.h"
#include "core/time.h"
#include "wireguard/crypto.h"

namespace wgr::wireguard {

using PresharedKey = SecretBytes<32>;

// host:port as the operator wrote it; a host name is resolved off the packet path.
struct EndpointName {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const EndpointName&, const EndpointName&) = default;
};

struct PeerConfig {
  PublicKey public_key{};
  std::optional<PresharedKey> preshared_key;
  std::vector<Prefix> allowed_ips;
  std::optional<EndpointName> endpoint;
  std::chrono::seconds persistent_keepalive{0};  // 0: off; at most 65535 s
  std::string name;                              // friendly name for logs and metrics; may be empty
};

struct DeviceConfig {
  PrivateKey private_key;
  std::uint16_t mtu = 1420;           // of inner packets; padding never passes it
  std::size_t staged_packets = 128;   // per peer, oldest dropped
  std::size_t handshake_queue = 512;  // initiations per second from which a worker is under load
};

}  // namespace wgr::wireguard
