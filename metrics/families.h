// Every metric family that a scrape of the router may hold: the one list behind the exporter, the page
// deploy/docs/metrics.md and the tests that compare them.
//
// Thread: constants.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace wgr::metrics {

enum class FamilyType : std::uint8_t { kCounter, kGauge, kHistogram };

struct Family {
  std::string_view name;
  FamilyType type = FamilyType::kCounter;
  std::string_view labels;  // names, separated by spaces
  std::string_view help;
};

// In the order of a scrape.
std::span<const Family> families() noexcept;
// nullptr: there is none.
const Family* find_family(std::string_view name) noexcept;
std::string_view to_string(FamilyType type) noexcept;

}  // namespace wgr::metrics
