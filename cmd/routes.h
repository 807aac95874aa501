// Where an inner packet goes: to another guest, or out through the stack. An immutable snapshot of
// the addresses of all guests.
//
// Thread: shared by all workers (shared_ptr<const Routes>); a reload builds a new one.
#pragma once

#include <memory>
#include <vector>

#include "cmd/config.h"
#include "core/address.h"
#include "core/guest_id.h"
#include "core/prefix_table.h"
#include "wireguard/allowed_ips.h"

namespace wgr {

class Routes {
 public:
  // `own_addresses` are the router's inner addresses: always the stack's.
  Routes(std::shared_ptr<const wireguard::AllowedIps> allowed_ips, const OverlayConfig& overlay,
         const std::vector<IpAddress>& own_addresses);

  const std::shared_ptr<const wireguard::AllowedIps>& allowed_ips() const noexcept { return allowed_ips_; }
  // Whether guests may reach each other at all.
  bool has_overlay() const noexcept { return has_overlay_; }
  // The guest that owns `destination`, or nobody: then the stack takes the packet. A default route
  // (/0) in AllowedIPs says what a guest may send, not that it is everybody's way out.
  GuestId guest_for(const IpAddress& destination) const;

 private:
  const std::shared_ptr<const wireguard::AllowedIps> allowed_ips_;
  const bool has_overlay_;
  const std::vector<Prefix> excluded_;
  PrefixTable<GuestId> guests_;  // nobody for the router's own addresses
};

}  // namespace wgr
