// The router as main() sees it.
#pragma once

#include "cmd/config.h"
#include "cmd/config_source.h"

namespace wgr {

// Serves until a signal ends it; returns the exit code. `source` re-reads everything on SIGHUP.
// Throws std::exception with a sentence for the operator when it cannot start.
int run_router(Config config, ConfigSource source);

}  // namespace wgr
