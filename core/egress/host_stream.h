// A TCP connection of the host, behind StreamSocket. Opened by HostSockets.
//
// Thread: confined to its worker.
#pragma once

#include <optional>

#include "core/egress/host_counters.h"
#include "core/egress/sockets.h"
#include "core/egress/watcher.h"
#include "core/io/descriptor.h"

namespace wgr::egress {

bool set_option(const io::Descriptor& descriptor, int level, int name, int value);
// What every TCP connection asks of the kernel, whoever opened it.
void set_stream_options(const io::Descriptor& descriptor, Family family, const StreamOptions& options);

class HostStream final : public StreamSocket {
 public:
  // REQUIRES: `descriptor` is connecting or connected, and watched by `watch`.
  HostStream(io::Descriptor descriptor, Watcher::Watch watch, HostSocketCounters& counters)
      : descriptor_(std::move(descriptor)), watch_(std::move(watch)), counters_(counters) {}

  int connect_result() override;
  IoResult read(std::span<const iovec> into) override;
  IoResult write(std::span<const iovec> from) override;
  void shutdown_send() override;
  void reset_on_close() override;
  void watch(Ready interest) override { watch_.ask(interest); }

 private:
  int take_socket_error() const;

  io::Descriptor descriptor_;
  Watcher::Watch watch_;
  HostSocketCounters& counters_;
  std::optional<int> connect_result_;  // once it is known
};

}  // namespace wgr::egress
