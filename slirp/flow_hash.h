// The hash of the flow tables. NH (Black et al., "UMAC", 1999) over 64-bit words with a random key: whoever
// does not know the key cannot choose keys that collide, and it costs a few multiplications, not a SipHash.
// Nothing it returns leaves the process.
//
// Thread: immutable after construction.
#pragma once

#include <array>
#include <cstdint>

#include "slirp/flow_key.h"

namespace wgr::slirp {

class FlowHash {
 public:
  FlowHash() noexcept;  // random key

  std::uint64_t operator()(const FlowKey& key) const noexcept;
  std::uint64_t operator()(const SocketAddress& address) const noexcept;

 private:
  std::array<std::uint64_t, 6> key_;
};

}  // namespace wgr::slirp
