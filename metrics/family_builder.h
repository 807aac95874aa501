// Gathers samples into prometheus-cpp's families, in the order of metrics/families.h.
//
// Thread: confined to its owner.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "prometheus/metric_family.h"

#include "metrics/histogram.h"

namespace wgr::metrics {

class FamilyBuilder {
 public:
  using Label = prometheus::ClientMetric::Label;
  using Labels = std::vector<Label>;

  FamilyBuilder();

  // REQUIRES: families.h has a family of that name and type, with these labels in this order.
  void add(std::string_view family, Labels labels, double value);
  void add(std::string_view family, Labels labels, const Histogram& histogram);
  void add(std::string_view family, double value) { add(family, Labels{}, value); }
  // Nothing when there is no value.
  void add(std::string_view family, const std::optional<std::uint64_t>& value) {
    if (value) add(family, static_cast<double>(*value));
  }

  // Families with at least one sample.
  std::vector<prometheus::MetricFamily> take() &&;

 private:
  prometheus::ClientMetric& new_metric(std::string_view family, Labels labels);

  std::vector<prometheus::MetricFamily> families_;  // as families()
};

// "direction=rx transport=udp" as labels.
FamilyBuilder::Labels parse_labels(std::string_view text);

}  // namespace wgr::metrics
