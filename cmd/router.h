// The whole router: workers, peers, policy, signals, reports. The only place that sees every module.
//
//   main thread: start, signals, reload, report, names of endpoints     workers: everything else
//
// Thread: the main thread's. What workers own is reached by ShardRunner::post(); counters are read.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "boost/asio/signal_set.hpp"
#include "boost/asio/steady_timer.hpp"

#include "cmd/admin_port.h"
#include "cmd/config.h"
#include "cmd/config_source.h"
#include "cmd/endpoint_names.h"
#include "cmd/forward_book.h"
#include "cmd/lan_book.h"
#include "cmd/peer_book.h"
#include "cmd/shard_runner.h"
#include "cmd/status_round.h"
#include "metrics/report.h"
#include "ws/source_limits.h"

namespace wgr {

class Router {
 public:
  // Opens the sockets; throws std::exception with a sentence for the operator when it cannot.
  Router(Config config, ConfigSource source);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Serves until a signal ends it: SIGTERM or SIGINT drains and returns 0, a second one returns 1 at
  // once; SIGHUP re-reads the configuration.
  int run();

  // Where it listens; what a port of 0 became.
  std::uint16_t listen_port() const noexcept { return listen_port_; }

 private:
  using Sockets = std::vector<std::vector<std::unique_ptr<io::UdpSocket>>>;  // by worker

  Sockets open_sockets();
  void make_workers(Sockets sockets);
  void warn_about_ping();
  std::vector<wireguard::PeerConfig> enabled_peers() const;
  std::shared_ptr<const egress::Policy> make_policy() const;
  std::shared_ptr<const Routes> make_routes() const;

  void apply(const PeerBook::Change& change);
  void tell_endpoint(GuestId peer, const SocketAddress& address, wireguard::EndpointOrigin origin);
  void schedule_housekeeping();
  void housekeep();
  void use_dns_upstreams(const std::vector<SocketAddress>& upstreams);
  void check_endpoint_names(const StatusByWorker& statuses);

  // router_lan.cc
  void open_listeners();
  SessionPort::Settings listener_settings(const ws::Config& from) const;
  void schedule_lan_poll();
  void poll_lan();
  void save_last_leases();
  void tell_names();
  void update_forwards();
  void open_dial_tls();
  void update_dials();

  // router_reload.cc
  void reload();
  bool adopt_ports(ws::Config& next) const;
  void take_over(Config next, const std::optional<SessionPort::Settings>& listeners);

  // router_admin.cc
  void open_admin();
  void use_policy_for_probes();
  void take_full_snapshot(Admin::SnapshotTaken taken);
  metrics::Snapshot full_snapshot(const StatusByWorker& statuses) const;
  void ask_status(WorkerIndex worker);

  void wait_for_signal();
  void on_signal(int signal);
  void begin_drain();
  void wait_until_idle();
  std::int64_t active_flows() const;
  std::int64_t open_connections() const;
  void schedule_report();

  Config config_;
  const ConfigSource source_;
  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_;
  boost::asio::steady_timer report_timer_;
  boost::asio::steady_timer drain_timer_;
  boost::asio::steady_timer housekeeping_timer_;
  boost::asio::steady_timer lan_timer_;
  egress::Resolver resolver_;
  std::unique_ptr<io::PcapWriter> pcap_;
  PeerBook peers_;
  LanBook lan_;
  std::vector<std::vector<PlannedForward>> forwards_;  // by worker, as they were last told
  EndpointNames endpoint_names_;
  std::vector<IpAddress> local_addresses_;
  ws::SourceLimits source_limits_;  // of all workers
  std::vector<std::unique_ptr<ShardRunner>> runners_;
  std::optional<metrics::Report> report_;
  StatusRound status_round_;
  std::unique_ptr<AdminPort> admin_;
  metrics::ReloadStats last_reload_;
  std::shared_ptr<const ws::TlsContext> dial_tls_;  // since the first peer behind a WebSocket
  std::uint16_t listen_port_ = 0;
  Instant drain_ends_ = kNever;  // kNever: not draining
  unsigned drain_looks_ = 0;
  int exit_code_ = 0;
};

// Serves until a signal ends it; returns the exit code. `source` re-reads everything on SIGHUP.
// Throws std::exception with a sentence for the operator when it cannot start.
int run_router(Config config, ConfigSource source);

}  // namespace wgr
