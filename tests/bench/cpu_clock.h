// CPU time of this thread: what a stretch of code costs however busy the machine is.
#pragma once

#include <ctime>

namespace wgr::bench {

inline double thread_cpu_seconds() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace wgr::bench
