// The flows of one guest in one table, in the order of their last use: a list through the flows themselves.
//
//   oldest <-> ... <-> newest
//
// Thread: confined to its stack.
#pragma once

#include <cstddef>

#include "core/time.h"
#include "slirp/flow_key.h"
#include "slirp/flow_token.h"

namespace wgr::slirp {

struct Guest;

// Set by the flow's table; only `queued` belongs to its bridge.
struct FlowBase {
  FlowKey key;
  FlowToken token;
  Guest* guest = nullptr;
  FlowBase* older = nullptr;
  FlowBase* newer = nullptr;
  Instant queued = kNever;  // earliest entry in the deadline queue
};

// Owns nothing: a flow leaves before it ends.
class FlowChain {
 public:
  // Null if there is none.
  FlowBase* oldest() const noexcept { return oldest_; }
  FlowBase* newest() const noexcept { return newest_; }
  std::size_t size() const noexcept { return size_; }

  // REQUIRES: the flow is in no chain.
  void add(FlowBase& flow) noexcept {
    flow.older = newest_;
    flow.newer = nullptr;
    (newest_ == nullptr ? oldest_ : newest_->newer) = &flow;
    newest_ = &flow;
    ++size_;
  }
  // REQUIRES: the flow is in this chain.
  void remove(FlowBase& flow) noexcept {
    (flow.older == nullptr ? oldest_ : flow.older->newer) = flow.newer;
    (flow.newer == nullptr ? newest_ : flow.newer->older) = flow.older;
    --size_;
  }

 private:
  FlowBase* oldest_ = nullptr;
  FlowBase* newest_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace wgr::slirp
