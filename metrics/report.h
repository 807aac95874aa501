// The periodic report: one log line with the state of the router, as text or as JSON. Key names are those
// of the wgslirp report wherever they mean something here, so that existing scripts go on working.
//
// Pure: snapshots come in, text goes out. The previous snapshot gives rates and deltas.
#pragma once

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
  std::optional<Snapshot> previous_;
};

}  // namespace wgr::metrics
