// The listening sockets of one listener: bound, shared with the other workers by SO_REUSEPORT, accepting
// into descriptors.
//
// Thread: built on the main thread, then confined to one worker.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/egress/watcher.h"
#include "core/guest_id.h"
#include "core/io/descriptor.h"
#include "ws/config.h"

namespace wgr::ws {

struct Accepted {
  io::Descriptor socket;  // non-blocking
  SocketAddress peer;
  SocketAddress local;
};

class ListeningSocket {
 public:
  // Opens, binds and listens; throws std::system_error with a sentence for the operator. `is_first`: no other
  // worker has bound this address, so whoever has is a stranger.
  ListeningSocket(const SocketAddress& address, bool is_first);

  int descriptor() const noexcept { return descriptor_.get(); }
  // What it was bound to.
  const SocketAddress& address() const noexcept { return address_; }
  // False once somebody has shut it down.
  bool is_listening() const;

  // Nothing, with errno set, when there is none to be accepted or when the kernel cannot; EMFILE also for a
  // descriptor of `descriptor_limit` or above, whose client is disconnected.
  std::optional<Accepted> accept(int descriptor_limit);

 private:
  io::Descriptor descriptor_;
  SocketAddress address_;
};

// All sockets of one listener. Where its addresses are left open, a family the machine lacks is left out.
std::vector<ListeningSocket> open_listener(const ListenerConfig& config, WorkerIndex worker);

}  // namespace wgr::ws
