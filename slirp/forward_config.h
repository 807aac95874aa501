// A forward: a port of the host that leads into a guest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/guest_id.h"

namespace wgr::slirp {

enum class ForwardProtocol : std::uint8_t { kTcp, kUdp };

constexpr std::string_view to_string(ForwardProtocol protocol) noexcept {
  return protocol == ForwardProtocol::kTcp ? "tcp" : "udp";
}

// One port; a range of the configuration is many of these.
struct ForwardConfig {
  ForwardProtocol protocol = ForwardProtocol::kTcp;
  std::vector<IpAddress> listen_addresses;  // empty: every address of both families
  std::uint16_t listen_port = 0;
  std::uint16_t guest_port = 0;
  std::vector<Prefix> allowed_sources;  // empty: everybody
  bool proxy_protocol = false;          // TCP: a PROXY v2 header before the first byte

  friend bool operator==(const ForwardConfig&, const ForwardConfig&) = default;
};

// Where a forward leads at this moment.
struct ForwardTarget {
  GuestId guest;
  IpAddress address;      // of the guest
  IpAddress own_address;  // the router's, which the guest sees as the source

  friend bool operator==(const ForwardTarget&, const ForwardTarget&) = default;
};

// A port of a forward that cannot be opened, or was lost. It is tried again.
struct UnboundForward {
  ForwardProtocol protocol = ForwardProtocol::kTcp;
  SocketAddress address;
  int error = 0;
};

// What has become of a forward.
struct ForwardStatus {
  ForwardConfig config;
  // Of the first listen address that cannot be opened, which is tried again; 0 if all are open.
  int error = 0;
  SocketAddress failed_address;  // with an error
  std::optional<ForwardTarget> target;
  std::size_t active_flows = 0;
  std::uint64_t flows_opened = 0;
  std::uint64_t refused_sources = 0;  // not in allowed_sources
  std::uint64_t refused_absent = 0;   // no target
  std::uint64_t refused_limits = 0;   // a cap, no port or descriptor
};

}  // namespace wgr::slirp
