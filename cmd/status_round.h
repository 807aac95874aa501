// What the workers say of their peers and forwards, fresh for whoever needs it: every worker is asked, and
// one that does not answer in time is represented by what it said last. Who comes while a round is under way
// joins it.
//
// Thread: the main thread's.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"

#include "cmd/shard_status.h"
#include "core/guest_id.h"
#include "core/time.h"

namespace wgr {

class StatusRound {
 public:
  // Asks one worker; its answer comes by answered(), later.
  using Ask = std::function<void(WorkerIndex)>;
  using Done = std::function<void(const StatusByWorker&)>;

  static constexpr Duration kPatience = std::chrono::milliseconds{500};
  static constexpr std::size_t kMaxWaiting = 256;  // a further one is told what is known

  // `context` outlives this object.
  StatusRound(boost::asio::io_context& context, std::size_t workers, Ask ask, Duration patience = kPatience);
  StatusRound(const StatusRound&) = delete;
  StatusRound& operator=(const StatusRound&) = delete;

  // Calls `done` once, when the round has ended; never from here unless too many wait.
  void take(Done done);
  void answered(WorkerIndex worker, ShardStatus status);
  // As last told.
  const StatusByWorker& known() const noexcept { return known_; }

 private:
  void end();

  const std::size_t workers_;
  const Ask ask_;
  const Duration patience_;
  boost::asio::steady_timer timer_;
  StatusByWorker known_;
  std::vector<bool> is_missing_;  // by worker, in the round under way
  std::vector<Done> waiting_;     // not empty: a round is under way
};

}  // namespace wgr
