#include "cmd/wall_clock.h"

namespace wgr {

WallTime wall_now() noexcept {
  return std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
}

}  // namespace wgr
