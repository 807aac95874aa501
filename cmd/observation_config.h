// What the operator chooses to see: log, report, packets in a file. A part of Config (cmd/config.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/log.h"
#include "core/time.h"

namespace wgr {

struct LogConfig {
  log::Level level = log::Level::kInfo;
  log::Format format = log::Format::kText;
};

struct ReportConfig {
  bool enabled = false;
  Duration interval = std::chrono::seconds{30};
  log::Format format = log::Format::kText;
};

struct PcapConfig {
  std::string path;  // empty: off
  std::uint64_t max_bytes = 64 * 1024 * 1024;
};

}  // namespace wgr
