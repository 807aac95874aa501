#include "metrics/health.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <set>
#include <utility>

#include "core/query.h"
#include "core/text.h"
#include "metrics/json.h"

namespace wgr::metrics {
namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kUnavailable = 503;

Check check_of(std::string name, bool is_good, std::string_view good, std::string_view bad) {
  return {std::move(name), is_good, std::string{is_good ? good : bad}};
}

bool counts_against(const Check& check) { return check.is_gating && !check.is_good; }

bool wants_json(std::string_view query, std::string_view accept) {
  return query_value(query, "verbose") || query_value(query, "format") == "json" ||
         to_lower(accept).find("application/json") != std::string::npos;
}

std::string_view status_text(const Check& check) {
  if (check.is_good) return "ok";
  return check.is_gating ? "failed" : "warning";
}

}  // namespace

Health::Health(HealthConfig config, std::size_t workers)
    : config_(std::move(config)), watchdog_(workers, config_.stuck_after), ports_(workers) {}

void Health::add_probe(std::string_view name) {
  Probe& probe = probes_.emplace_back();
  probe.stats.name = name;
  probe.detail = "no run yet";
}

void Health::probe_ran(std::string_view name, bool is_good, std::string detail, Duration took) {
  const auto probe = std::ranges::find(probes_, name, [](const Probe& each) { return each.stats.name; });
  assert(probe != probes_.end());
  probe->stats.is_good = is_good;
  probe->stats.last_duration = took;
  ++(is_good ? probe->stats.succeeded : probe->stats.failed);
  probe->detail = std::move(detail);
}

std::vector<Check> Health::live(Instant now) const { return {workers_check(now)}; }

std::vector<Check> Health::ready(Instant now) const {
  std::vector<Check> checks{workers_check(now)};
  checks.push_back(ports_check("udp_listening", &UnboundPorts::udp));
  if (facts_.has_listeners) checks.push_back(ports_check("ws_listening", &UnboundPorts::listeners));
  if (facts_.has_forwards) checks.push_back(ports_check("forwards_listening", &UnboundPorts::forwards));
  checks.push_back(check_of("configured", facts_.is_configured, "a configuration is in use",
                            "no configuration is in use yet"));
  checks.push_back(check_of("not_draining", !facts_.is_draining, "new flows are taken", "stopping"));
  checks.push_back(descriptors_check());
  for (const Probe& probe : probes_) {
    checks.push_back({"probe_" + probe.stats.name, probe.stats.is_good.value_or(true), probe.detail,
                      config_.probe.gates_ready});
  }
  return checks;
}

Check Health::workers_check(Instant now) const {
  std::string stuck;
  for (std::size_t i = 0; i < watchdog_.workers(); ++i) {
    const auto worker = static_cast<WorkerIndex>(i);
    if (!watchdog_.is_stuck(worker, now)) continue;
    const auto silent = std::chrono::duration_cast<std::chrono::seconds>(watchdog_.delay(worker, now));
    stuck += (stuck.empty() ? "worker " : ", worker ") + std::to_string(i) + " has been silent for " +
             std::to_string(silent.count()) + " s";
  }
  if (!stuck.empty()) return {"workers", false, std::move(stuck)};
  const std::size_t count = watchdog_.workers();
  return {"workers", true, std::to_string(count) + (count == 1 ? " worker answers" : " workers answer")};
}

// Workers share ports: one that several of them lack is named once.
Check Health::ports_check(std::string name, std::vector<std::string> UnboundPorts::* kind) const {
  std::set<std::string_view> unbound;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (!ports_[i]) return {std::move(name), false, "worker " + std::to_string(i) + " has not told yet"};
    unbound.insert(((*ports_[i]).*kind).begin(), ((*ports_[i]).*kind).end());
  }
  if (unbound.empty()) return {std::move(name), true, "every port is open"};
  std::string detail = "not open: ";
  for (const std::string_view port : unbound) {
    if (port != *unbound.begin()) detail += ", ";
    detail += port;
  }
  return {std::move(name), false, std::move(detail)};
}

// A system that does not tell them is not unready for that.
Check Health::descriptors_check() const {
  if (!facts_.open_descriptors || !facts_.descriptor_limit) return {"descriptors", true, "unknown"};
  const std::uint64_t limit = *facts_.descriptor_limit;
  const std::uint64_t open = *facts_.open_descriptors;
  const std::uint64_t free = limit > open ? limit - open : 0;
  // Divided, not multiplied: a limit may be as large as the type.
  const bool is_good = limit > 0 && free > limit / 100 * config_.descriptor_headroom_percent;
  return {"descriptors", is_good, std::to_string(free) + " of " + std::to_string(limit) + " are free"};
}

std::vector<ProbeStats> Health::probes() const {
  std::vector<ProbeStats> stats;
  stats.reserve(probes_.size());
  for (const Probe& probe : probes_) stats.push_back(probe.stats);
  return stats;
}

std::vector<CheckResult> Health::results(Instant now) const {
  std::vector<CheckResult> results;
  for (const Check& check : ready(now)) results.push_back({check.name, check.is_good});
  return results;
}

std::optional<HealthAnswer> Health::answer(std::string_view path, std::string_view query,
                                           std::string_view accept, Instant now) const {
  const bool is_live = path == "/livez";
  if (!is_live && path != "/readyz" && path != "/healthz") return std::nullopt;
  const std::vector<Check> checks = is_live ? live(now) : ready(now);
  HealthAnswer answer;
  answer.status = is_good(checks) ? kOk : kUnavailable;
  if (wants_json(query, accept)) {
    answer.content_type = "application/json";
    answer.body = health_json(checks) + "\n";
  } else {
    answer.content_type = "text/plain; charset=utf-8";
    answer.body = health_text(checks);
  }
  return answer;
}

bool is_good(const std::vector<Check>& checks) { return std::ranges::none_of(checks, counts_against); }

std::string health_text(const std::vector<Check>& checks) {
  std::string text;
  for (const Check& check : checks) {
    if (counts_against(check)) text += check.name + ": " + check.detail + "\n";
  }
  return text.empty() ? "ok\n" : text;
}

std::string health_json(const std::vector<Check>& checks) {
  JsonObject by_name;
  for (const Check& check : checks) {
    JsonObject one;
    by_name.add(check.name, one.add("status", status_text(check)).add("detail", check.detail));
  }
  JsonObject json;
  json.add("status", is_good(checks) ? "ok" : "failed").add("checks", by_name);
  return json.to_string();
}

}  // namespace wgr::metrics
