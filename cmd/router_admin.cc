// What the router tells of itself: metrics and health.
#include <chrono>
#include <utility>

#include "cmd/build_info.h"
#include "cmd/router.h"
#include "cmd/snapshot.h"
#include "cmd/wall_clock.h"
#include "core/log.h"
#include "wireguard/crypto.h"

namespace wgr {

void Router::open_admin() {
  const auto ask = [this](WorkerIndex worker, HealthMonitor::Answer answer) {
    runners_[worker]->ask_unbound_ports(std::move(answer));
  };
  admin_ = std::make_unique<AdminPort>(
      context_, config_.metrics, runners_.size(), resolver_, ask,
      [this](Admin::SnapshotTaken taken) { take_full_snapshot(std::move(taken)); });
  for (const SocketAddress& address : admin_->addresses()) {
    log::info("serving metrics and health", {{"address", address.to_string()}});
  }
  metrics::HealthFacts& facts = admin_->health().facts();
  facts.has_listeners = !config_.ws.listeners.empty();
  facts.is_configured = true;
  last_reload_.last_success = wall_now();
  admin_->monitor().set_dns_upstreams(config_.slirp.dns.upstreams);
}

void Router::use_policy_for_probes() { admin_->monitor().set_policy(make_policy()); }

void Router::take_full_snapshot(Admin::SnapshotTaken taken) {
  status_round_.take(
      [this, taken = std::move(taken)](const StatusByWorker& statuses) { taken(full_snapshot(statuses)); });
}

metrics::Snapshot Router::full_snapshot(const StatusByWorker& statuses) const {
  metrics::Snapshot snapshot = take_snapshot(runners_, statuses);
  add_forwards(snapshot, statuses);
  add_peers(snapshot, peers_, statuses, wireguard::public_key_of(config_.wireguard.device.private_key));
  add_flow_limits(snapshot, config_.slirp.limits, runners_.size());
  add_health(snapshot, admin_->health(), Clock::now());
  for (const auto& runner : runners_) {
    if (const SessionPort* const port = runner->session_port())
      add_server(snapshot, port->server().counters());
    const LanHub& lan = runner->shard().lan();
    for (std::size_t i = 0; i < lan.network_count(); ++i) {
      const slirp::lan::Segment* const segment = lan.segment(static_cast<NetworkIndex>(i));
      if (segment != nullptr) add_network(snapshot, segment->config().name, segment->counters());
    }
  }
  snapshot.build = build_info();
  snapshot.reload = last_reload_;
  snapshot.is_draining = drain_ends_ != kNever;
  return snapshot;
}

void Router::ask_status(WorkerIndex worker) {
  runners_[worker]->post([this, worker](Shard& shard) {
    ShardStatus status{.peers = shard.device().status(), .forwards = shard.stack().forward_status()};
    boost::asio::post(context_, [this, worker, status = std::move(status)]() mutable {
      status_round_.answered(worker, std::move(status));
    });
  });
}

}  // namespace wgr
