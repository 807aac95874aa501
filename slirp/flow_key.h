// What names a flow: the guest and the addresses of its packets. Binary, hashed with a key.
#pragma once

#include <compare>
#include <cstdint>

#include "core/address.h"
#include "core/guest_id.h"

namespace wgr::slirp {

// TCP: both ends. UDP mapping: `remote` is default (endpoint-independent). ICMP echo: guest.port is the
// identifier and remote.port is 0.
struct FlowKey {
  GuestId guest;
  SocketAddress guest_side;  // inner source of the guest's packets
  SocketAddress remote;      // inner destination

  friend auto operator<=>(const FlowKey&, const FlowKey&) noexcept = default;
};

}  // namespace wgr::slirp
