#include "cmd/router.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include "cmd/snapshot.h"
#include "cmd/wall_clock.h"
#include "core/egress/local_addresses.h"
#include "core/egress/system_resolvers.h"
#include "core/io/hangup.h"
#include "core/log.h"
#include "metrics/process_stats.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;

constexpr Duration kHousekeepingInterval = 15s;
constexpr Duration kDrainPoll = 20ms;

// Beside the keys of the first start, unless it is configured; nowhere if there is no such folder.
std::string lease_file(const Config& config) {
  if (!config.lan.lease_file.empty()) return config.lan.lease_file;
  if (!config.state_folder.empty()) return config.state_folder + "/leases";
  return config.first_start ? config.first_start->folder + "/leases" : std::string{};
}

// What a forward leads to is not reached by way of the host.
void add_own_sockets(const ForwardEntry& forward, std::vector<SocketAddress>& to) {
  std::vector<IpAddress> addresses = forward.listen_addresses;
  if (addresses.empty()) addresses = {IpAddress::v4(0)};  // means those of IPv6 too
  for (const IpAddress& address : addresses) {
    for (unsigned port = forward.first_port; port <= forward.last_port; ++port) {
      to.push_back({address, static_cast<std::uint16_t>(port)});
    }
  }
}

// A shared port would be shared with another router of the same user too, silently. Asked before any of ours
// is open, since they may be each other's wildcard. What is wrong with an address shows when it is opened.
void check_port_is_free(const std::vector<IpAddress>& addresses, std::uint16_t port) {
  for (const IpAddress& address : addresses) {
    try {
      io::UdpSocket{{address, port}, /*share_port=*/false};
    } catch (const std::system_error& error) {
      if (error.code() == std::errc::address_in_use) throw;
    }
  }
}

}  // namespace

Router::Router(Config config, ConfigSource source)
    : config_(std::move(config)),
      source_(std::move(source)),
      signals_(context_, SIGINT, SIGTERM, SIGHUP),
      report_timer_(context_),
      drain_timer_(context_),
      housekeeping_timer_(context_),
      lan_timer_(context_),
      peers_(config_.processor.workers),
      lan_(config_.lan, lease_file(config_)),
      endpoint_names_(resolver_, context_,
                      [this](GuestId peer, const SocketAddress& address, wireguard::EndpointOrigin origin) {
                        tell_endpoint(peer, address, origin);
                      }),
      local_addresses_(egress::local_addresses()),
      source_limits_(config_.ws.limits),
      status_round_(context_, config_.processor.workers, [this](WorkerIndex worker) { ask_status(worker); }) {
  if (!config_.pcap.path.empty())
    pcap_ = std::make_unique<io::PcapWriter>(config_.pcap.path, config_.pcap.max_bytes);
  Sockets sockets = open_sockets();
  endpoint_names_.set_has_v6(std::any_of(sockets.front().begin(), sockets.front().end(),
                                         [](const auto& socket) { return socket->family() == Family::kV6; }));
  const PeerBook::Change change = peers_.apply(enabled_peers());
  for (const IpAddress& gateway : lan_.gateways()) {
    if (gateway.is_v4() || config_.network.ipv6) config_.slirp.own_addresses.push_back(gateway);
  }
  make_workers(std::move(sockets));
  open_listeners();
  open_admin();
  apply(change);
  warn_about_ping();
}

Router::~Router() {
  for (const auto& runner : runners_) runner->stop();
}

int Router::run() {
  std::vector<ShardRunner::Post*> posts;
  posts.reserve(runners_.size());
  for (const auto& runner : runners_) posts.push_back(&runner->mailbox());
  for (const auto& runner : runners_) runner->start(posts);
  log::info("serving WireGuard", {{"port", listen_port_},
                                  {"workers", runners_.size()},
                                  {"peers", peers_.entries().size()},
                                  {"mtu", config_.slirp.mtu}});
  wait_for_signal();
  io::release_hangups();
  schedule_report();
  schedule_housekeeping();
  tell_names();
  schedule_lan_poll();
  admin_->start();
  context_.run();
  for (const auto& runner : runners_) runner->stop();
  save_last_leases();
  return exit_code_;
}

// --- start ---

// One socket per address and worker. Their order makes the place in the reuseport group the worker's index.
Router::Sockets Router::open_sockets() {
  const std::size_t workers = config_.processor.workers;
  const bool is_any = config_.wireguard.listen_addresses.empty();
  std::vector<IpAddress> addresses = config_.wireguard.listen_addresses;
  if (is_any) addresses = {IpAddress::v4(0), *IpAddress::parse("::")};

  Sockets sockets(workers);
  listen_port_ = config_.wireguard.listen_port;
  if (workers > 1 && listen_port_ != 0) check_port_is_free(addresses, listen_port_);
  for (const IpAddress& address : addresses) {
    try {
      for (std::size_t worker = 0; worker < workers; ++worker) {
        auto socket = std::make_unique<io::UdpSocket>(SocketAddress{address, listen_port_}, workers > 1);
        listen_port_ = socket->local_address().port;
        sockets[worker].push_back(std::move(socket));
      }
      if (workers > 1) io::steer_by_index(*sockets[0].back());
    } catch (const std::system_error& error) {
      // A host without IPv6 is served over IPv4 alone, unless the address was asked for.
      if (!is_any || address.is_v4() || error.code() != std::errc::address_family_not_supported) throw;
      log::info("no IPv6 on this host: listening on IPv4 only");
    }
  }
  return sockets;
}

void Router::make_workers(Sockets sockets) {
  Shard::Settings settings;
  settings.device = config_.wireguard.device;
  settings.stack = config_.slirp;
  settings.stack.max_guest_mtu = std::max(settings.stack.mtu, lan_.largest_mtu());
  settings.policy = make_policy();
  settings.routes = make_routes();
  settings.directory = peers_.directory();
  settings.networks = lan_.settings();
  settings.workers = sockets.size();
  settings.pcap = pcap_.get();
  for (std::size_t worker = 0; worker < sockets.size(); ++worker) {
    runners_.push_back(std::make_unique<ShardRunner>(static_cast<WorkerIndex>(worker), settings,
                                                     config_.processor.mailbox_capacity,
                                                     std::move(sockets[worker])));
  }
}

void Router::warn_about_ping() {
  const egress::Opened<egress::PingSocket> ping = runners_.front()->sockets().open_ping(Family::kV4, 0);
  if (ping.socket) return;
  const std::string reason = std::generic_category().message(ping.error);
  if (ping.error != EACCES && ping.error != EPERM) {
    log::warn("ping through the router is off; the router's own address answers ping", {{"reason", reason}});
    return;
  }
  log::warn(
      "ping through the router is off: the kernel lets this user open no ICMP socket; allow it with "
      "sysctl -w 'net.ipv4.ping_group_range=0 2147483647'; the router's own address answers ping",
      {{"reason", reason}});
}

std::vector<wireguard::PeerConfig> Router::enabled_peers() const {
  std::vector<wireguard::PeerConfig> peers;
  for (const PeerEntry& entry : config_.wireguard.peers) {
    if (entry.is_enabled) peers.push_back(entry.peer);
  }
  return peers;
}

std::shared_ptr<const egress::Policy> Router::make_policy() const {
  egress::Policy::Settings settings;
  settings.global = config_.egress.rules;
  settings.allow_metadata = config_.egress.allow_metadata;
  settings.own_addresses = local_addresses_;
  for (const PeerEntry& entry : config_.wireguard.peers) {
    const auto known = peers_.entries().find(entry.peer.public_key);
    if (known != peers_.entries().end()) settings.per_guest[known->second.id] = entry.egress;
  }
  for (std::size_t i = 0; i < config_.lan.networks.size(); ++i) {
    settings.per_group[group_of(static_cast<NetworkIndex>(i))] = config_.lan.networks[i].egress;
  }
  if (config_.wireguard.listen_addresses.empty()) {
    settings.own_sockets = {{IpAddress::v4(0), listen_port_}, {*IpAddress::parse("::"), listen_port_}};
  }
  for (const IpAddress& address : config_.wireguard.listen_addresses) {
    settings.own_sockets.push_back({address, listen_port_});
  }
  // What the router serves to the operator, and its own ways in, are no way out.
  if (admin_) {
    for (const SocketAddress& address : admin_->addresses()) settings.own_sockets.push_back(address);
  }
  for (const ForwardEntry& forward : config_.forwards) add_own_sockets(forward, settings.own_sockets);
  for (const ws::ListenerConfig& listener : config_.ws.listeners) {
    if (listener.addresses.empty()) {
      settings.own_sockets.push_back({IpAddress::v4(0), listener.port});
      settings.own_sockets.push_back({*IpAddress::parse("::"), listener.port});
    }
    for (const IpAddress& address : listener.addresses)
      settings.own_sockets.push_back({address, listener.port});
  }
  return std::make_shared<egress::Policy>(std::move(settings));
}

std::shared_ptr<const Routes> Router::make_routes() const {
  return std::make_shared<Routes>(peers_.allowed_ips(), config_.overlay, config_.slirp.own_addresses,
                                  lan_.routes(config_.processor.workers));
}

// --- peers, policy, names ---

// Tells every worker. A peer is known to its home before the directory lets others send it there.
void Router::apply(const PeerBook::Change& change) {
  for (const PeerBook::Entry& entry : change.present) {
    runners_[entry.id.home()]->post(
        [entry](Shard& shard) { shard.device().set_peer(entry.id, entry.config, Clock::now()); });
  }
  use_policy_for_probes();
  const auto routes = make_routes();
  const auto policy = make_policy();
  const auto directory = peers_.directory();
  for (const auto& runner : runners_) {
    runner->post([routes, policy, directory](Shard& shard) {
      shard.device().set_directory(directory);
      shard.set_routes(routes);
      shard.set_policy(policy);
    });
  }
  for (const GuestId removed : change.removed) {
    runners_[removed.home()]->post([removed](Shard& shard) { shard.remove_peer(removed); });
  }
  endpoint_names_.set_peers(peers_.entries(), Clock::now());
  update_forwards();
  update_dials();
}

void Router::tell_endpoint(GuestId peer, const SocketAddress& address, wireguard::EndpointOrigin origin) {
  runners_[peer.home()]->post([peer, address, origin](Shard& shard) {
    shard.device().set_endpoint(peer, Endpoint::udp(address), origin, Clock::now());
  });
}

void Router::use_dns_upstreams(const std::vector<SocketAddress>& upstreams) {
  if (upstreams == config_.slirp.dns.upstreams) return;
  config_.slirp.dns.upstreams = upstreams;
  admin_->monitor().set_dns_upstreams(upstreams);
  for (const auto& runner : runners_) {
    runner->post([upstreams](Shard& shard) { shard.set_dns_upstreams(upstreams); });
  }
}

// The host's own addresses are part of the policy, its resolvers may change, names of endpoints go stale.
void Router::housekeep() {
  std::vector<IpAddress> addresses = egress::local_addresses();
  if (addresses != local_addresses_) {
    local_addresses_ = std::move(addresses);
    use_policy_for_probes();
    const auto policy = make_policy();
    for (const auto& runner : runners_) {
      runner->post([policy](Shard& shard) { shard.set_policy(policy); });
    }
  }
  if (config_.dns.from_host) {
    // A host that lost its resolvers for a moment keeps the ones it had.
    const std::vector<SocketAddress> upstreams = egress::system_resolvers();
    if (!upstreams.empty()) use_dns_upstreams(upstreams);
  }
  const WallTime wall = wall_now();
  for (const auto& runner : runners_) {
    runner->post([wall](Shard& shard) { shard.device().set_wall_clock(wall, Clock::now()); });
    runner->post_dial_check();
  }
  status_round_.take([this](const StatusByWorker& statuses) { check_endpoint_names(statuses); });
}

void Router::check_endpoint_names(const StatusByWorker& statuses) {
  const Instant now = Clock::now();
  const WallTime wall = wall_now();
  for (const auto& [worker, status] : statuses) {
    for (const auto& peer : status.peers) {
      const bool has_shaken = peer.last_handshake != WallTime{};
      const Duration age = has_shaken ? Duration{wall - peer.last_handshake} : Duration::max();
      endpoint_names_.handshake_seen(peer.id, age, now);
    }
  }
}

void Router::schedule_housekeeping() {
  housekeep();
  housekeeping_timer_.expires_after(kHousekeepingInterval);
  housekeeping_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) schedule_housekeeping();
  });
}

// --- signals ---

void Router::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code error, int signal) {
    if (error) return;
    on_signal(signal);
    wait_for_signal();
  });
}

void Router::on_signal(int signal) {
  if (signal == SIGHUP) {
    reload();
  } else if (drain_ends_ == kNever) {
    begin_drain();
  } else {
    log::warn("second signal: stopping at once");
    exit_code_ = 1;
    context_.stop();
  }
}

void Router::begin_drain() {
  drain_ends_ = Clock::now() + config_.shutdown_grace;
  admin_->health().facts().is_draining = true;
  log::info("draining: no new flows", {{"flows", active_flows()}});
  for (const auto& runner : runners_) {
    runner->post([](Shard& shard) { shard.drain(); });
    runner->post_to_port([](SessionPort& port) { port.drain(Clock::now()); });
  }
  wait_until_idle();
}

void Router::wait_until_idle() {
  // The first look comes after the workers have heard of it.
  const bool is_idle = drain_looks_++ > 0 && active_flows() == 0 && open_connections() == 0;
  if (is_idle || Clock::now() >= drain_ends_) {
    log::info("stopped", {{"flows_cut", active_flows()}});
    context_.stop();
    return;
  }
  drain_timer_.expires_after(kDrainPoll);
  drain_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) wait_until_idle();
  });
}

std::int64_t Router::active_flows() const {
  std::int64_t sum = 0;
  for (const auto& runner : runners_) sum += runner->shard().stack().counters().tcp.flows_active.value();
  return sum;
}

// Of WebSocket clients: each is told goodbye and has a moment to answer.
std::int64_t Router::open_connections() const {
  std::int64_t sum = 0;
  for (const auto& runner : runners_) {
    if (const SessionPort* const port = runner->session_port())
      sum += port->server().counters().connections.value();
  }
  return sum;
}

// --- report ---

void Router::schedule_report() {
  if (!config_.report.enabled) return;
  if (!report_) {
    report_.emplace(config_.report.format == log::Format::kJson ? metrics::ReportFormat::kJson
                                                                : metrics::ReportFormat::kText);
  } else {
    log::write_line(report_->next(take_snapshot(runners_, status_round_.known())));
  }
  report_timer_.expires_after(config_.report.interval);
  report_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) schedule_report();
  });
}

int run_router(Config config, ConfigSource source) {
  return Router{std::move(config), std::move(source)}.run();
}

}  // namespace wgr
