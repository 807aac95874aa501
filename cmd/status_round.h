// What the workers say of their peers, fresh for whoever needs it: every worker is asked, and one that does
// not answer in time is represented by what it said last. Who comes while a round is under way joins it.
//
// Thread: the main thread's.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"

#include "core/guest_id.h"
#include "core/time.h"
#include "wireguard/device.h"

namespace wgr {

class StatusRound {
 public:
  using Statuses = std::vector<wireguard::Device::PeerStatus>;
  using ByWorker = std::map<WorkerIndex, Statuses>;
  // Asks one worker; its answer comes by answered(), later.
  using Ask = std::function<void(WorkerIndex)>;
  using Done = std::function<void(const ByWorker&)>;

  static constexpr Duration kPatience = std::chrono::milliseconds{500};
  static constexpr std::size_t kMaxWaiting = 256;  // a further one is told what is known

  // `context` outlives this object.
  StatusRound(boost::asio::io_context& context, std::size_t workers, Ask ask, Duration patience = kPatience);
  StatusRound(const StatusRound&) = delete;
  StatusRound& operator=(const StatusRound&) = delete;

  // Calls `done` once, when the round has ended; never from here unless too many wait.
  void take(Done done);
  void answered(WorkerIndex worker, Statuses statuses);
  // As last told.
  const ByWorker& known() const noexcept { return known_; }

 private:
  void end();

  const std::size_t workers_;
  const Ask ask_;
  const Duration patience_;
  boost::asio::steady_timer timer_;
  ByWorker known_;
  std::vector<bool> is_missing_;  // by worker, in the round under way
  std::vector<Done> waiting_;     // not empty: a round is under way
};

}  // namespace wgr
