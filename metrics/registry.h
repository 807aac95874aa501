// The exporter: a snapshot of the router as Prometheus text (version 0.0.4), by prometheus-cpp.
//
// The router's counters live with its workers and are copied here at a scrape; the packet path never sees
// the library. Families are those of metrics/families.h.
//
// Thread: confined to the thread that serves scrapes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "metrics/config.h"
#include "metrics/snapshot.h"

namespace wgr::metrics {

inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

class Registry {
 public:
  explicit Registry(ExporterConfig config);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // One scrape, counted as such.
  std::string exposition(const Snapshot& snapshot);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace wgr::metrics
