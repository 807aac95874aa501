// What was compiled, and with what.
//
// Thread: pure functions.
#pragma once

#include "metrics/snapshot.h"

namespace wgr {

metrics::BuildInfo build_info();

}  // namespace wgr
