// What SIGHUP changes while the router serves.
#include <algorithm>
#include <chrono>
#include <utility>

#include "cmd/reload_plan.h"
#include "cmd/router.h"
#include "cmd/wall_clock.h"
#include "core/egress/local_addresses.h"
#include "core/log.h"

namespace wgr {
namespace {

// Networks stay as they are until the next start; their rules are new.
std::vector<LanEntry> merged_rules(std::vector<LanEntry> now, const std::vector<LanEntry>& next) {
  for (LanEntry& entry : now) {
    const auto same = std::find_if(next.begin(), next.end(), [&entry](const LanEntry& other) {
      return other.network.name == entry.network.name;
    });
    if (same != next.end()) entry.egress = same->egress;
  }
  return now;
}

}  // namespace

// What may change without touching live sessions: peers, policy, overlay, log level, certificates, tokens,
// how peers are dialed. A configuration that does not load changes nothing, so all that may fail comes before
// the first change.
void Router::reload() {
  try {
    Config next = source_.reload(config_);
    for (const Notice& notice : next.notices) log::write(notice.level, notice.text);
    drop_unknown_networks(next.ws, lan_.names());
    std::optional<SessionPort::Settings> listeners;
    if (adopt_ports(next.ws)) {
      listeners = listener_settings(next.ws);
    } else {
      log::warn("changed listeners wait for the next start");
    }
    const auto& peers = next.wireguard.peers;
    if (std::any_of(peers.begin(), peers.end(),
                    [](const PeerEntry& peer) { return peer.dial.has_value(); })) {
      dial_tls_ = ws::TlsContext::for_client(next.wireguard.dial_authorities, /*verify=*/true);
    }
    for (const std::string& key : waiting_keys(config_, next)) {
      log::warn("a changed setting waits for the next start", {{"key", key}});
    }
    take_over(std::move(next), listeners);
    last_reload_ = {.is_successful = true, .last_success = wall_now()};
    log::info("configuration reloaded", {{"peers", peers_.entries().size()}});
  } catch (const ConfigError& error) {
    last_reload_.is_successful = false;
    log::error("configuration not reloaded: the former one stays");
    for (const std::string& problem : error.problems()) log::error(problem);
  } catch (const std::exception& error) {
    last_reload_.is_successful = false;
    log::error("configuration not reloaded: the former one stays", {{"reason", error.what()}});
  }
}

// Whether these are the listeners that are open; then they have their ports, also those the kernel chose.
bool Router::adopt_ports(ws::Config& next) const {
  const auto& open = config_.ws.listeners;
  const bool are_same = std::equal(next.listeners.begin(), next.listeners.end(), open.begin(), open.end(),
                                   [](const auto& a, const auto& b) {
                                     return a.addresses == b.addresses && (a.port == 0 || a.port == b.port) &&
                                            a.tls.has_value() == b.tls.has_value();
                                   });
  if (!are_same) return false;
  for (std::size_t i = 0; i < open.size(); ++i) next.listeners[i].port = open[i].port;
  next.tunnels.port = config_.ws.tunnels.port;  // of wireguard.listen_port, which waits
  return true;
}

void Router::take_over(Config next, const std::optional<SessionPort::Settings>& listeners) {
  if (listeners) {
    config_.ws = std::move(next.ws);
    source_limits_.set_limits(config_.ws.limits);
    for (const auto& runner : runners_) {
      runner->post_to_port([settings = *listeners](SessionPort& port) { port.reload(settings); });
    }
  }
  const wireguard::PrivateKey& key = next.wireguard.device.private_key;
  if (!equal_secret(key.bytes(), config_.wireguard.device.private_key.bytes())) {
    for (const auto& runner : runners_) {
      runner->post([key](Shard& shard) { shard.device().set_private_key(key, Clock::now()); });
    }
    config_.wireguard.device.private_key = key;
  }
  config_.first_start = std::move(next.first_start);
  config_.wireguard.peers = std::move(next.wireguard.peers);
  config_.wireguard.dial_authorities = std::move(next.wireguard.dial_authorities);
  config_.wireguard.dial_proxy = std::move(next.wireguard.dial_proxy);
  config_.egress = std::move(next.egress);
  config_.overlay = std::move(next.overlay);
  config_.dns = std::move(next.dns);
  use_dns_upstreams(next.slirp.dns.upstreams);
  config_.lan.networks = merged_rules(std::move(config_.lan.networks), next.lan.networks);
  config_.forwards = std::move(next.forwards);
  config_.metrics.listener.token = std::move(next.metrics.listener.token);
  config_.metrics_token_file = std::move(next.metrics_token_file);
  admin_->set_token(config_.metrics.listener.token);
  config_.log = next.log;
  config_.shutdown_grace = next.shutdown_grace;
  log::configure(config_.log.level, config_.log.format);
  local_addresses_ = egress::local_addresses();
  apply(peers_.apply(enabled_peers()));
}

}  // namespace wgr
