// The command healthcheck: asks a running router whether it is ready, for containers without a shell.
//
// Thread: the main thread, alone; it blocks.
#pragma once

#include <iosfwd>
#include <string>

#include "cmd/config_source.h"
#include "cmd/http_url.h"
#include "core/time.h"
#include "metrics/config.h"

namespace wgr {

inline constexpr Duration kHealthcheckTimeout = std::chrono::seconds{5};

// Asks `url`, or /readyz of the listener that `source` configures when it is empty. Writes one line; 0 when
// the answer is 200 to 299, else 1, and nothing else: to Docker other codes have no meaning. Where the
// configuration does not load, the default listener is asked.
int run_healthcheck(const std::string& url, const ConfigSource& source, std::ostream& out,
                    Duration timeout = kHealthcheckTimeout);

// Where the health of this listener is asked from the same host. REQUIRES: a port.
HttpUrl readiness_url(const metrics::ListenerConfig& listener);

}  // namespace wgr
