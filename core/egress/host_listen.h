// A TCP port of the host that outside clients connect to, behind ListenSocket. Opened by HostSockets.
//
// A client whose descriptor would take from the router's reserve is reset at once; one the kernel has no
// descriptor for stays in the kernel's queue. Both are EMFILE to the caller, who comes back later.
//
// Thread: confined to its worker.
#pragma once

#include "core/egress/host_counters.h"
#include "core/egress/sockets.h"
#include "core/egress/watcher.h"
#include "core/io/descriptor.h"

namespace wgr::egress {

class HostListen final : public ListenSocket {
 public:
  // REQUIRES: `descriptor` listens and is watched by `watch`. Accepted sockets have descriptors below
  // `descriptor_limit`. `watcher` and `counters` live longer.
  HostListen(io::Descriptor descriptor, Watcher::Watch watch, Watcher& watcher, int descriptor_limit,
             HostSocketCounters& counters)
      : descriptor_(std::move(descriptor)),
        watch_(std::move(watch)),
        watcher_(watcher),
        descriptor_limit_(descriptor_limit),
        counters_(counters) {}

  Accepted accept(SocketToken token, const StreamOptions& options) override;
  void watch_readable() override { watch_.ask({.readable = true, .writable = false}); }
  SocketAddress local_address() const override;

 private:
  Accepted take(io::Descriptor descriptor, const SocketAddress& client, SocketToken token,
                const StreamOptions& options);
  Accepted failed(int error);

  io::Descriptor descriptor_;
  Watcher::Watch watch_;
  Watcher& watcher_;
  const int descriptor_limit_;
  HostSocketCounters& counters_;
};

}  // namespace wgr::egress
