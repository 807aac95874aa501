// The listening sockets of one worker's server: they take clients in, at most so many per turn, pause while
// descriptors or memory are short, and give up a port that somebody has shut down.
//
// Thread: built on the main thread, then confined to one worker.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/address.h"
#include "core/egress/watcher.h"
#include "core/guest_id.h"
#include "core/log.h"
#include "core/time.h"
#include "ws/config.h"
#include "ws/counters.h"
#include "ws/listener.h"

namespace wgr::ws {

class Acceptor {
 public:
  static constexpr std::size_t kMostPerTurn = 64;  // of one socket

  // Opens and binds; throws std::exception with a sentence for the operator. The counters outlive it.
  Acceptor(const Config& config, WorkerIndex worker, Counters& counters);

  // What ports of 0 became, by listener; where it should listen and does not, as the kernel says.
  std::vector<SocketAddress> addresses() const;
  std::vector<SocketAddress> unbound() const;

  // Socket i tells its news under token `first` + i. The watcher outlives this object.
  void start(egress::Watcher& watcher, egress::SocketToken first);
  void stop() { sockets_.clear(); }

  // Who has come to socket `index`. Nobody: the socket tells when there is somebody again.
  std::optional<Accepted> accept(std::size_t index, int descriptor_limit, Instant now);
  // After kMostPerTurn in a row: there may be more.
  void wait(std::size_t index);
  std::size_t listener_of(std::size_t index) const { return sockets_[index].listener; }

  Instant next_deadline() const noexcept { return paused_until_; }
  void on_deadline(Instant now);

 private:
  struct Listening {
    ListeningSocket socket;
    std::size_t listener;
    std::optional<egress::Watcher::Watch> watch;
  };

  void pause(Instant now);
  static void give_up(Listening& listening);

  Counters& counters_;
  const std::size_t listeners_;
  std::vector<Listening> sockets_;
  Instant paused_until_ = kNever;
  log::RateLimit log_;
};

}  // namespace wgr::ws
