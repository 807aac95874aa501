#include "metrics/family_builder.h"

#include <cassert>
#include <cstddef>
#include <iterator>
#include <limits>

#include "metrics/families.h"

namespace wgr::metrics {
namespace {

prometheus::MetricType type_of(FamilyType type) {
  switch (type) {
    case FamilyType::kCounter:
      return prometheus::MetricType::Counter;
    case FamilyType::kHistogram:
      return prometheus::MetricType::Histogram;
    case FamilyType::kGauge:
      break;
  }
  return prometheus::MetricType::Gauge;
}

// The words of `text`, one by one.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

[[maybe_unused]] bool has_labels(const Family& family, const FamilyBuilder::Labels& labels) {
  std::string_view names = family.labels;
  for (const auto& label : labels) {
    if (take_word(names) != label.name) return false;
  }
  return names.empty();
}

}  // namespace

FamilyBuilder::FamilyBuilder() {
  families_.reserve(families().size());
  for (const Family& family : families()) {
    families_.push_back({std::string{family.name}, std::string{family.help}, type_of(family.type), {}});
  }
}

prometheus::ClientMetric& FamilyBuilder::new_metric(std::string_view name, Labels labels) {
  const Family* const family = find_family(name);
  assert(family != nullptr && has_labels(*family, labels));
  auto& metrics = families_[static_cast<std::size_t>(family - families().data())].metric;
  metrics.emplace_back().label = std::move(labels);
  return metrics.back();
}

void FamilyBuilder::add(std::string_view family, Labels labels, double value) {
  prometheus::ClientMetric& metric = new_metric(family, std::move(labels));
  // The serializer reads the one that the type of the family names.
  metric.counter.value = value;
  metric.gauge.value = value;
}

void FamilyBuilder::add(std::string_view family, Labels labels, const Histogram& histogram) {
  auto& out = new_metric(family, std::move(labels)).histogram;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    sum += histogram.counts[i];
    const bool is_last = i == histogram.bounds.size();
    out.bucket.push_back({sum, is_last ? std::numeric_limits<double>::infinity() : histogram.bounds[i]});
  }
  out.sample_count = sum;
  out.sample_sum = histogram.sum;
}

std::vector<prometheus::MetricFamily> FamilyBuilder::take() && {
  std::erase_if(families_, [](const prometheus::MetricFamily& family) { return family.metric.empty(); });
  return std::move(families_);
}

FamilyBuilder::Labels parse_labels(std::string_view text) {
  FamilyBuilder::Labels labels;
  while (!text.empty()) {
    const std::string_view word = take_word(text);
    const std::size_t equals = word.find('=');
    assert(equals != std::string_view::npos);
    labels.push_back({std::string{word.substr(0, equals)}, std::string{word.substr(equals + 1)}});
  }
  return labels;
}

}  // namespace wgr::metrics
