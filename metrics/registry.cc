#include "metrics/registry.h"

#include <chrono>
#include <iterator>
#include <sstream>
#include <utility>

#include "prometheus/counter.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

#include "metrics/families.h"
#include "metrics/family_builder.h"
#include "metrics/forward_families.h"
#include "metrics/label_text.h"
#include "metrics/peer_families.h"
#include "metrics/report.h"
#include "metrics/sources.h"

namespace wgr::metrics {
namespace {

constexpr std::string_view kScrapes = "wgrouter_metrics_scrapes_total";

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

void add_router(FamilyBuilder& to, const Snapshot& from) {
  to.add("wgrouter_build_info", {{"version", from.build.version}, {"compiler", from.build.compiler}}, 1);
  to.add("wgrouter_config_last_reload_successful", from.reload.is_successful ? 1 : 0);
  to.add("wgrouter_config_last_reload_success_timestamp_seconds",
         seconds_of(from.reload.last_success.time_since_epoch()));
  to.add("wgrouter_draining", from.is_draining ? 1 : 0);
  for (const CheckResult& check : from.checks) {
    to.add("wgrouter_health_check", {{"check", check.name}}, check.is_good ? 1 : 0);
  }
  for (const ProbeStats& probe : from.probes) {
    const FamilyBuilder::Labels labels{{"probe", probe.name}};
    if (probe.is_good) {
      to.add("wgrouter_probe_success", labels, *probe.is_good ? 1 : 0);
      to.add("wgrouter_probe_duration_seconds", labels, seconds_of(probe.last_duration));
    }
    const auto add_runs = [&](const char* result, std::uint64_t runs) {
      to.add("wgrouter_probe_runs_total", {{"probe", probe.name}, {"result", result}},
             static_cast<double>(runs));
    };
    add_runs("good", probe.succeeded);
    add_runs("failed", probe.failed);
  }
}

void add_counters(FamilyBuilder& to, const Snapshot& from) {
  for (const Source& source : sources()) {
    const auto counter = from.counters.find(source.counter);
    if (counter != from.counters.end()) {
      to.add(source.family, parse_labels(source.labels), static_cast<double>(counter->second));
    }
    const auto histogram = from.histograms.find(source.counter);
    if (histogram != from.histograms.end()) {
      to.add(source.family, parse_labels(source.labels), histogram->second);
    }
  }
  for (const auto& [network, counters] : from.networks) {
    for (const Source& source : network_sources()) {
      const auto counter = counters.find(source.counter);
      if (counter == counters.end()) continue;
      FamilyBuilder::Labels labels = parse_labels(source.labels);
      labels.insert(labels.begin(), {"network", label_text(network)});
      to.add(source.family, std::move(labels), static_cast<double>(counter->second));
    }
  }
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    to.add("wgrouter_drops_total", {{"reason", std::string{to_string(static_cast<DropReason>(i))}}},
           static_cast<double>(from.drops[i]));
  }
}

void add_totals(FamilyBuilder& to, const Snapshot& from) {
  const HandshakeDetail& peers = from.handshakes;
  const auto add_peers_by = [&to](const char* session, std::uint64_t count) {
    to.add("wgrouter_wireguard_peers_by_session", {{"session", session}}, static_cast<double>(count));
  };
  add_peers_by("fresh", peers.fresh);
  add_peers_by("stale", peers.stale);
  add_peers_by("none", peers.peers - peers.fresh - peers.stale);
  const auto add_limit = [&to](const char* protocol, const FlowTotals& flows) {
    if (flows.limit == 0) return;
    to.add("wgrouter_flows_limit", {{"protocol", protocol}}, static_cast<double>(flows.limit));
  };
  add_limit("tcp", from.tcp_flows);
  add_limit("udp", from.udp_flows);
  add_limit("icmp", from.icmp_flows);
}

void add_workers(FamilyBuilder& to, const Snapshot& from) {
  for (std::size_t i = 0; i < from.workers.size(); ++i) {
    const WorkerStats& worker = from.workers[i];
    const FamilyBuilder::Labels labels{{"worker", std::to_string(i)}};
    to.add("wgrouter_worker_turns_total", labels, static_cast<double>(worker.turns));
    to.add("wgrouter_worker_flows", labels, static_cast<double>(worker.flows));
    to.add("wgrouter_worker_guests", labels, static_cast<double>(worker.guests));
    to.add("wgrouter_worker_mailbox_depth", labels, static_cast<double>(worker.mailbox_depth));
    to.add("wgrouter_worker_mailbox_limit", labels, static_cast<double>(worker.mailbox_limit));
    to.add("wgrouter_worker_heartbeat_seconds", labels, seconds_of(worker.heartbeat));
  }
}

void add_process(FamilyBuilder& to, const ProcessStats& from) {
  const auto add_heap = [&to](const char* state, const ProcessStats::Value& bytes) {
    if (bytes) to.add("wgrouter_heap_bytes", {{"state", state}}, static_cast<double>(*bytes));
  };
  add_heap("in_use", from.heap_in_use_bytes);
  add_heap("allocated", from.heap_bytes);
  to.add("wgrouter_ephemeral_ports_used", from.ephemeral_used);
  to.add("wgrouter_ephemeral_ports_limit", port_count(from));
  to.add("wgrouter_conntrack_entries", from.conntrack_used);
  to.add("wgrouter_conntrack_limit", from.conntrack_max);
  if (from.cpu_seconds) to.add("process_cpu_seconds_total", *from.cpu_seconds);
  to.add("process_resident_memory_bytes", from.resident_bytes);
  to.add("process_virtual_memory_bytes", from.virtual_bytes);
  to.add("process_open_fds", from.open_descriptors);
  to.add("process_max_fds", from.descriptors_soft);
  if (from.start_time) to.add("process_start_time_seconds", *from.start_time);
  to.add("process_threads", from.threads);
}

}  // namespace

struct Registry::Parts {
  explicit Parts(ExporterConfig settings)
      : config(std::move(settings)),
        scrapes(prometheus::BuildCounter()
                    .Name(std::string{kScrapes})
                    .Help(std::string{find_family(kScrapes)->help})
                    .Register(own)
                    .Add({})) {}

  const ExporterConfig config;
  prometheus::Registry own;  // what the exporter itself counts
  prometheus::Counter& scrapes;
};

Registry::Registry(ExporterConfig config) : parts_(std::make_unique<Parts>(std::move(config))) {}
Registry::~Registry() = default;

std::string Registry::exposition(const Snapshot& snapshot) {
  parts_->scrapes.Increment();
  FamilyBuilder builder;
  add_router(builder, snapshot);
  add_peers(builder, parts_->config, snapshot);
  add_totals(builder, snapshot);
  add_counters(builder, snapshot);
  add_forwards(builder, snapshot);
  add_workers(builder, snapshot);
  add_process(builder, snapshot.process);
  std::vector<prometheus::MetricFamily> families = std::move(builder).take();
  std::vector<prometheus::MetricFamily> own = parts_->own.Collect();
  families.insert(families.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  std::ostringstream text;
  prometheus::TextSerializer{}.Serialize(text, families);
  return std::move(text).str();
}

}  // namespace wgr::metrics
