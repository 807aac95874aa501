#include "metrics/forward_families.h"

#include <algorithm>
#include <span>
#include <utility>

namespace wgr::metrics {
namespace {

void add_forward(FamilyBuilder& to, const ForwardStats& forward) {
  const FamilyBuilder::Labels labels{{"protocol", forward.protocol}, {"listen", forward.listen}};
  to.add("wgrouter_forward_port_bound", labels, forward.is_bound ? 1 : 0);
  to.add("wgrouter_forward_port_guest_present", labels, forward.is_guest_present ? 1 : 0);
  to.add("wgrouter_forward_port_flows", labels, static_cast<double>(forward.active_flows));
  to.add("wgrouter_forward_port_flows_opened_total", labels, static_cast<double>(forward.flows_opened));
  const auto add_refused = [&](const char* reason, std::uint64_t count) {
    FamilyBuilder::Labels with_reason = labels;
    with_reason.push_back({"reason", reason});
    to.add("wgrouter_forward_port_refused_total", std::move(with_reason), static_cast<double>(count));
  };
  add_refused("source", forward.refused_sources);
  add_refused("absent", forward.refused_absent);
  add_refused("limit", forward.refused_limits);
}

}  // namespace

void add_forwards(FamilyBuilder& to, const Snapshot& snapshot) {
  const std::span all{snapshot.forwards};
  for (const ForwardStats& forward : all.first(std::min(all.size(), kMaxForwardSeries))) {
    add_forward(to, forward);
  }
  to.add("wgrouter_metrics_forward_ports_truncated", all.size() > kMaxForwardSeries ? 1 : 0);
}

}  // namespace wgr::metrics
