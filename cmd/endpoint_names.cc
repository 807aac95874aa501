#include "cmd/endpoint_names.h"

#include <algorithm>

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
      Named& named = next[entry.id] = {.name = *entry.config.endpoint, .next_try = now};
      resolve(entry.id, named, wireguard::EndpointOrigin::kOperator, now);
    }
  }
  named_ = std::move(next);
}

void EndpointNames::handshake_seen(GuestId peer, Duration age, Instant now) {
  const auto found = named_.find(peer);
  if (found == named_.end() || age < kStaleAfter || now < found->second.next_try) return;
  resolve(peer, found->second, wireguard::EndpointOrigin::kResolver, now);
}

void EndpointNames::resolve(GuestId peer, Named& named, wireguard::EndpointOrigin origin, Instant now) {
  named.next_try = now + kStaleAfter;
  resolver_.resolve(named.name.host, context_,
                    [this, peer, name = named.name, origin, now](const egress::Resolver::Answer& answer) {
                      answered(peer, name, answer, origin, now);
                    });
}

void EndpointNames::answered(GuestId peer, const wireguard::EndpointName& name,
                             const egress::Resolver::Answer& answer, wireguard::EndpointOrigin origin,
                             Instant asked) {
  // The peer may have gone, or moved to another name, while the name server was asked.
  const auto found = named_.find(peer);
  if (found == named_.end() || found->second.name != name) return;
  Named& named = found->second;
  const auto usable = std::find_if(answer.addresses.begin(), answer.addresses.end(),
                                   [this](const IpAddress& ip) { return ip.is_v4() || has_v6_; });
  if (usable == answer.addresses.end()) {
    named.next_try = asked + kRetryFailedAfter;
    if (!named.is_failing) {
      const std::string reason = answer.error.empty() ? "no address of a family this host has" : answer.error;
      log::warn("endpoint not resolved: tried again until it is", {{"name", name.host}, {"reason", reason}});
    }
    named.is_failing = true;
    return;
  }
  named.is_failing = false;
  told_(peer, {*usable, name.port}, origin);
}

}  // namespace wgr
