// A forward: a port of the host that leads into a guest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/guest_id.h"

namespace wgr::slirp {

enum class ForwardProtocol : std::uint8_t { kTcp, kUdp };

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

}  // namespace wgr::slirp
