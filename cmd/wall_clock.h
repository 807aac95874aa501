// What the clock on the wall says, for TAI64N stamps, logs and reports; deadlines are Clock's (core/time.h).
//
// Thread: may be called anywhere, but by shells only: a core takes a WallTime.
#pragma once

#include "core/time.h"

namespace wgr {

WallTime wall_now() noexcept;

}  // namespace wgr
