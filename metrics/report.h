// The periodic report: one line with the state of the router, as text or as JSON. Key names are those of
// the wgslirp report wherever they mean something here, so that existing scripts go on working; what they
// mean is in metrics/snapshot.h.
//
// Pure: snapshots come in, text goes out. The former snapshot gives rates and deltas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "metrics/snapshot.h"

namespace wgr::metrics {

enum class ReportFormat : std::uint8_t { kText, kJson };

class Report {
 public:
  explicit Report(ReportFormat format) : format_(format) {}

  // The line for `now`, without a line feed. Rates are since the former call; the first has none.
  std::string next(const Snapshot& now);

 private:
  const ReportFormat format_;
  std::optional<Snapshot> former_;
};

// What changed between two snapshots.
struct ReportRates {
  double seconds = 0;
  double sent_bits_per_second = 0;
  double received_bits_per_second = 0;
  double sent_packets_per_second = 0;
  double received_packets_per_second = 0;
  std::uint64_t retransmission_timeouts = 0;
};

Traffic total_traffic(const Snapshot& snapshot);
FlowTotals total_flows(const Snapshot& snapshot);
// The size of the range of ephemeral ports.
ProcessStats::Value port_count(const ProcessStats& process);
std::string time_text(WallTime wall);  // "2024-05-01T12:00:00Z"

// The two forms. `rates` is nullptr for the first report.
std::string report_text(const Snapshot& now, const ReportRates* rates);
std::string report_json(const Snapshot& now, const ReportRates* rates);

}  // namespace wgr::metrics
