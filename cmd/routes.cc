#include "cmd/routes.h"

#include <utility>

namespace wgr {

Routes::Routes(std::shared_ptr<const wireguard::AllowedIps> allowed_ips, const OverlayConfig& overlay,
               const std::vector<IpAddress>& own_addresses)
    : allowed_ips_(std::move(allowed_ips)), has_overlay_(overlay.enabled), excluded_(overlay.exclude) {
  if (!has_overlay_) return;
  allowed_ips_->for_each([this](const Prefix& prefix, GuestId guest) {
    if (prefix.length() > 0) guests_.insert(prefix, guest);
  });
  for (const IpAddress& own : own_addresses) guests_.insert(Prefix{own, own.bit_length()}, GuestId{});
}

GuestId Routes::guest_for(const IpAddress& destination) const {
  for (const Prefix& excluded : excluded_) {
    if (excluded.contains(destination)) return {};
  }
  const GuestId* const guest = guests_.lookup(destination);
  return guest != nullptr ? *guest : GuestId{};
}

}  // namespace wgr
