// As many descriptors as the system allows.
#pragma once

#include <sys/resource.h>

namespace wgr::bench {

inline void allow_descriptors() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace wgr::bench
