// SIGHUP asks a router for a reload. Until somebody listens for it, it would end the process: so it is held
// while the router starts, and comes through once the router can obey.
//
// Thread: the main thread's, before it starts others.
#pragma once

namespace wgr::io {

// From here on SIGHUP waits. Threads started meanwhile never get it.
void hold_hangups() noexcept;
// One that came meanwhile is delivered now, once. REQUIRES: somebody handles it.
void release_hangups() noexcept;

}  // namespace wgr::io
