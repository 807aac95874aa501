// The router's WebSocket listeners and virtual LANs.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "cmd/router.h"
#include "core/egress/host_sockets.h"
#include "core/log.h"

namespace wgr {
namespace {

// Leases and names of stations are told so often: soon enough for who waits, rarely enough for thousands.
constexpr std::chrono::seconds kLanPollInterval{1};

// Clients leave an eighth of all descriptors to the flows of guests, and to the operator what those leave.
int descriptor_limit_of_clients() {
  rlimit limit{};
  constexpr rlim_t kMost = std::numeric_limits<int>::max();
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMost;
  const int all = static_cast<int>(std::min(limit.rlim_cur, kMost));
  return all - all / 8 - egress::HostSockets::kReservedDescriptors;
}

LanBook::News news_of(const slirp::lan::Segment& segment, NetworkIndex network) {
  return {network, segment.leases(), segment.stations()};
}

}  // namespace

// --- listeners ---

// The first worker's listeners choose the ports that were left to the kernel; the others share them.
void Router::open_listeners() {
  if (config_.ws.listeners.empty()) return;
  for (const auto& runner : runners_) {
    runner->listen(listener_settings(config_.ws), source_limits_);
    const std::vector<SocketAddress> addresses = runner->session_port()->server().addresses();
    for (std::size_t i = 0; i < config_.ws.listeners.size() && i < addresses.size(); ++i) {
      config_.ws.listeners[i].port = addresses[i].port;
    }
  }
  for (const SocketAddress& address : runners_.front()->session_port()->server().addresses()) {
    log::info("serving WebSockets", {{"address", address.to_string()}});
  }
}

// Throws when a certificate cannot be read.
SessionPort::Settings Router::listener_settings(const ws::Config& from) const {
  ws::Config config = from;
  config.descriptor_limit = descriptor_limit_of_clients();
  return {.config = std::make_shared<const ws::Config>(std::move(config)),
          .tls = std::make_shared<const ws::TlsContexts>(from),
          .networks = lan_.names()};
}

// --- virtual LANs ---

void Router::schedule_lan_poll() {
  if (lan_.size() == 0) return;
  poll_lan();
  lan_timer_.expires_after(kLanPollInterval);
  lan_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) schedule_lan_poll();
  });
}

void Router::tell_names() {
  for (const auto& runner : runners_) {
    runner->post([names = lan_.dns_names()](Shard& shard) { shard.stack().set_dns_names(names); });
  }
}

// A worker hears of its forwards when they are others, of their targets when these are.
void Router::update_forwards() {
  admin_->health().facts().has_forwards = !config_.forwards.empty();
  auto plan = plan_forwards(config_.forwards, peers_, lan_, config_.network, runners_.size());
  forwards_.resize(runners_.size());
  for (std::size_t worker = 0; worker < plan.size(); ++worker) {
    if (plan[worker] == forwards_[worker]) continue;
    runners_[worker]->post([forwards = plan[worker]](Shard& shard) {
      std::vector<slirp::ForwardConfig> configs;
      configs.reserve(forwards.size());
      for (const PlannedForward& forward : forwards) configs.push_back(forward.config);
      shard.set_forwards(std::move(configs), Clock::now());
      for (std::size_t i = 0; i < forwards.size(); ++i) {
        shard.stack().set_forward_target(i, forwards[i].target);
      }
    });
  }
  forwards_ = std::move(plan);
}

// Throws when the file of authorities cannot be read.
void Router::open_dial_tls() {
  if (!dial_tls_) dial_tls_ = ws::TlsContext::for_client(config_.wireguard.dial_authorities, /*verify=*/true);
}

// Peers behind a WebSocket of ours.
void Router::update_dials() {
  std::vector<DialPort::Dials> dials(runners_.size());
  bool is_any = false;
  for (const PeerEntry& entry : config_.wireguard.peers) {
    const auto known = peers_.entries().find(entry.peer.public_key);
    if (!entry.dial || !entry.is_enabled || known == peers_.entries().end()) continue;
    dials[known->second.id.home()].emplace(known->second.id, *entry.dial);
    is_any = true;
  }
  if (!is_any && !dial_tls_) return;
  open_dial_tls();
  const ws::wireguard::Dialer::Settings settings{
      .tls = dial_tls_, .proxy = config_.wireguard.dial_proxy, .limits = config_.ws.limits};
  for (std::size_t worker = 0; worker < dials.size(); ++worker) {
    runners_[worker]->post_dials(std::move(dials[worker]), settings);
  }
}

// Asks every home for what has changed; the answers come back to this thread.
void Router::poll_lan() {
  lan_.save();
  for (const auto& runner : runners_) {
    runner->post([this](Shard& shard) {
      for (std::size_t i = 0; i < shard.lan().network_count(); ++i) {
        const auto network = static_cast<NetworkIndex>(i);
        slirp::lan::Segment* const segment = shard.lan().segment(network);
        if (segment == nullptr || !segment->take_changed()) continue;
        LanBook::News news = news_of(*segment, network);
        boost::asio::post(context_, [this, news = std::move(news)]() mutable {
          if (!lan_.told(std::move(news))) return;
          tell_names();
          update_forwards();
        });
      }
    });
  }
}

// What changed since the last poll, too. REQUIRES: the workers have ended.
void Router::save_last_leases() {
  for (const auto& runner : runners_) {
    const LanHub& lan = runner->shard().lan();
    for (std::size_t i = 0; i < lan.network_count(); ++i) {
      const auto network = static_cast<NetworkIndex>(i);
      if (lan.segment(network) != nullptr) lan_.told(news_of(*lan.segment(network), network));
    }
  }
  lan_.save();
}

}  // namespace wgr
