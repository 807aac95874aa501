// What a process has cost so far, from /proc: the CPU time of all its threads and its memory.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace wgr::bench {

struct Usage {
  double user_seconds = 0;
  double system_seconds = 0;
  std::size_t resident_bytes = 0;

  double cpu_seconds() const noexcept { return user_seconds + system_seconds; }
};

// utime and stime of /proc/PID/stat, VmRSS of /proc/PID/status. Exits with a sentence if there is no such
// process.
Usage read_usage(pid_t pid);

}  // namespace wgr::bench
