#include "cmd/build_info.h"

namespace wgr {

metrics::BuildInfo build_info() { return {.version = WGR_VERSION, .compiler = WGR_COMPILER}; }

}  // namespace wgr
