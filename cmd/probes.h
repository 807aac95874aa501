// Runs the health probes from time to time and tells metrics::Health how they fared. Names are looked up by
// the caller, off this thread:
//
//   on_deadline() --> take_lookup() --the caller resolves--> resolved() --> socket_ready() ... --> Health
//
// Sans-IO: sockets are those of core/egress.
//
// Thread: confined to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cmd/probe.h"
#include "core/egress/policy.h"
#include "core/egress/resolver.h"
#include "core/egress/sockets.h"
#include "core/rng.h"
#include "core/time.h"
#include "metrics/config.h"
#include "metrics/health.h"

namespace wgr {

class Probes {
 public:
  // A host to look up for one run. An answer to an earlier run finds nobody.
  struct Lookup {
    std::string host;
    std::uint64_t run = 0;
  };

  // `sockets`, `health` and `rng` outlive this object. Nothing is probed unless config.enabled; what the
  // configuration check has let through but is no URL or name is a failed probe, and so is https without
  // `tls`.
  Probes(metrics::ProbeConfig config, egress::Sockets& sockets, metrics::Health& health, Rng& rng,
         std::shared_ptr<const ws::TlsContext> tls = nullptr);

  // New rules apply to the next run.
  void set_policy(std::shared_ptr<const egress::Policy> policy) { policy_ = std::move(policy); }
  // The router's resolvers, which its own DNS asks without the policy too. The first is asked when the
  // configuration names no server.
  void set_dns_upstreams(std::vector<SocketAddress> upstreams) { dns_upstreams_ = std::move(upstreams); }

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Lookup> take_lookup();
  void resolved(std::uint64_t run, const egress::Resolver::Answer& answer, Instant now);
  void socket_ready(egress::SocketToken token, egress::Ready ready, Instant now);

 private:
  static constexpr egress::SocketToken kHttpToken = 1;
  static constexpr egress::SocketToken kDnsToken = 2;

  struct Schedule {
    std::string name;
    Instant next_run = kNever;
    Instant began = kNever;  // kNever: no run is under way
    bool is_running() const noexcept { return began != kNever; }
  };

  void begin(Schedule& schedule, Instant now);
  void end(Schedule& schedule, const std::optional<ProbeOutcome>& outcome, Instant now);
  void note_address(Instant now);
  bool is_overdue(const Schedule& schedule, Instant now) const;
  void run_dns(Instant now);

  const metrics::ProbeConfig config_;
  metrics::Health& health_;
  Rng& rng_;
  std::shared_ptr<const egress::Policy> policy_;
  std::vector<SocketAddress> dns_upstreams_;

  std::unique_ptr<HttpProbe> http_;
  std::unique_ptr<DnsProbe> dns_;
  Schedule http_schedule_{.name = "http"};
  Schedule dns_schedule_{.name = "dns"};
  std::uint64_t run_ = 0;  // of HTTP
  std::size_t other_addresses_ = 0;
  Instant address_ends_ = kNever;  // while HTTP connects and has others to try
  std::optional<Lookup> lookup_;
};

}  // namespace wgr
