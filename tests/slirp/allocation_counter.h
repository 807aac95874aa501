// Counts what a test program allocates, for the claim that a steady state allocates nothing.
#pragma once

#include <cstddef>

namespace wgr::slirp::test {

// Calls of operator new by this thread so far.
std::size_t allocations() noexcept;

}  // namespace wgr::slirp::test
