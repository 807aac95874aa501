// The one guest of a load, by the ingress its settings name.
#pragma once

#include <memory>

#include "tests/bench/scenario.h"

namespace wgr::bench {

// Connected as far as its transport goes; ends the program if it cannot be.
std::unique_ptr<GuestLink> make_link(const Settings& settings);

}  // namespace wgr::bench
