// Waiting for one descriptor until an instant.
#pragma once

#include <poll.h>

#include <algorithm>
#include <ctime>

#include "core/time.h"

namespace wgr::bench {

struct Wait {
  int descriptor;
  Instant from;  // now
  Instant until;
  short events = POLLIN;
};

// Whether something has come.
inline bool wait_for(const Wait& wait) {
  pollfd watched{wait.descriptor, wait.events, 0};
  const Duration left = std::max(wait.until - wait.from, Duration{0});
  const timespec timeout{static_cast<std::time_t>(left.count() / 1'000'000'000),
                         static_cast<long>(left.count() % 1'000'000'000)};
  return ppoll(&watched, 1, &timeout, nullptr) > 0;
}

}  // namespace wgr::bench
