// Which counter of which module is which series: the table between Snapshot::counters, histograms and
// networks on one side, and families.h on the other.
//
// Thread: constants.
#pragma once

#include <span>
#include <string_view>

namespace wgr::metrics {

struct Source {
  std::string_view counter;  // key of Snapshot::counters or ::histograms; of a network's map: without group
  std::string_view family;
  std::string_view labels;  // "direction=rx transport=udp"
};

std::span<const Source> sources() noexcept;
// Of Snapshot::networks; every series has the label `network` besides.
std::span<const Source> network_sources() noexcept;

}  // namespace wgr::metrics
