// Is the router alive, is it ready? Named checks, and the answers of /livez, /readyz and /healthz.
//
// Alive: every worker answers. Ready: alive, every port open, configured, not draining, descriptors to spare.
// A configuration that failed to reload is no check: the former one serves on. Probes are shown, and make the
// router unready only where that was asked for.
//
// Pure: facts and heartbeats come in, text goes out.
//
// Thread: confined to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"
#include "metrics/config.h"
#include "metrics/snapshot.h"
#include "metrics/watchdog.h"

namespace wgr::metrics {

struct Check {
  std::string name;
  bool is_good = true;
  std::string detail;     // one clause for the operator
  bool is_gating = true;  // false: only shown
};

// The ports that a worker should have open and has not, as the operator knows them: "udp 0.0.0.0:51820".
struct UnboundPorts {
  std::vector<std::string> udp;
  std::vector<std::string> listeners;  // for WebSockets
  std::vector<std::string> forwards;   // with the reason; the first few
};

// What the router says of itself. Until it has spoken it is not ready.
struct HealthFacts {
  bool has_listeners = false;  // for WebSockets, configured
  bool has_forwards = false;   // likewise
  bool is_configured = false;
  bool is_draining = false;
  ProcessStats::Value open_descriptors;
  ProcessStats::Value descriptor_limit;
};

// An answer over HTTP.
struct HealthAnswer {
  unsigned status = 200;
  std::string content_type;
  std::string body;
};

class Health {
 public:
  Health(HealthConfig config, std::size_t workers);

  HealthFacts& facts() noexcept { return facts_; }
  const HealthFacts& facts() const noexcept { return facts_; }
  Watchdog& watchdog() noexcept { return watchdog_; }
  const Watchdog& watchdog() const noexcept { return watchdog_; }

  // Until every worker has told of its ports the router is not ready.
  void ports_told(WorkerIndex worker, UnboundPorts unbound) { ports_.at(worker) = std::move(unbound); }

  // A probe that is configured; it has no verdict before its first run.
  void add_probe(std::string_view name);
  // REQUIRES: the probe was added.
  void probe_ran(std::string_view name, bool is_good, std::string detail, Duration took);

  std::vector<Check> live(Instant now) const;
  std::vector<Check> ready(Instant now) const;
  std::vector<ProbeStats> probes() const;
  // Every check for the exporter: those that do not count as well.
  std::vector<CheckResult> results(Instant now) const;

  // `path` is "/livez", "/readyz" or "/healthz", as a route has it; nothing for another one. `query` and
  // `accept` choose text or JSON.
  std::optional<HealthAnswer> answer(std::string_view path, std::string_view query, std::string_view accept,
                                     Instant now) const;

 private:
  struct Probe {
    ProbeStats stats;
    std::string detail;
  };

  Check workers_check(Instant now) const;
  Check ports_check(std::string name, std::vector<std::string> UnboundPorts::* kind) const;
  Check descriptors_check() const;

  const HealthConfig config_;
  HealthFacts facts_;
  Watchdog watchdog_;
  std::vector<std::optional<UnboundPorts>> ports_;  // by worker; nothing: it has not told yet
  std::vector<Probe> probes_;
};

bool is_good(const std::vector<Check>& checks);
// "ok", or one line per failed check that counts.
std::string health_text(const std::vector<Check>& checks);
// {"status":"ok","checks":{"workers":{"status":"ok","detail":"..."}}}
std::string health_json(const std::vector<Check>& checks);

}  // namespace wgr::metrics
