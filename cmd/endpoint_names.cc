#include "cmd/endpoint_names.h"

#include "core/log.h"

namespace wgr {

void EndpointNames::set_peers(const std::map<wireguard::PublicKey, PeerBook::Entry>& peers, Instant now) {
  std::map<GuestId, Named> next;
  for (const auto& [key, entry] : peers) {
    if (!entry.config.endpoint) continue;
    const auto known = named_.find(entry.id);
    if (known != named_.end() && known->second.name == *entry.config.endpoint) {
      next.insert(named_.extract(known));
    } else {
      resolve(entry.id, next[entry.id] = {*entry.config.endpoint, now}, wireguard::EndpointOrigin::kOperator);
    }
  }
  named_ = std::move(next);
}

void EndpointNames::handshake_seen(GuestId peer, Duration age, Instant now) {
  const auto found = named_.find(peer);
  if (found == named_.end() || age < kStaleAfter || now - found->second.asked < kStaleAfter) return;
  found->second.asked = now;
  resolve(peer, found->second, wireguard::EndpointOrigin::kResolver);
}

void EndpointNames::resolve(GuestId peer, const Named& named, wireguard::EndpointOrigin origin) {
  const auto handler = [this, peer, name = named.name, origin](const egress::Resolver::Answer& answer) {
    // The peer may have gone, or moved to another name, while the name server was asked.
    const auto found = named_.find(peer);
    if (found == named_.end() || found->second.name != name) return;
    if (answer.addresses.empty()) {
      log::warn("endpoint not resolved: asked again later", {{"name", name.host}, {"reason", answer.error}});
      return;
    }
    told_(peer, {answer.addresses.front(), name.port}, origin);
  };
  resolver_.resolve(named.name.host, context_, handler);
}

}  // namespace wgr
