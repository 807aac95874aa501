// A worker: one thread, one io_context, everything of the router that lives on it.
//
//   turn = run what is ready (bounded), then the turn's end hook: flush what came out, arm one timer
//
// Thread: created, started and joined on the main thread. context() and everything in it belong to the
// worker's thread once start() was called; post() and stop() may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/post.hpp"

#include "core/guest_id.h"

namespace wgr::io {

class Worker {
 public:
  // Handlers run between two ends of turn at the most: bounds the latency of what is flushed there.
  static constexpr std::size_t kMaxHandlersPerTurn = 32;

  explicit Worker(WorkerIndex index);
  ~Worker();  // stops and joins
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  WorkerIndex index() const noexcept { return index_; }
  boost::asio::io_context& context() noexcept { return context_; }

  // Runs turns on a thread of its own until stop(). `end_turn` runs on that thread after every turn.
  void start(std::function<void()> end_turn);
  void stop();
  void join();

  // Runs `task` on the worker's thread, soon. For control messages; packets go through a Mailbox.
  template <typename Task>
  void post(Task&& task) {
    boost::asio::post(context_, std::forward<Task>(task));
  }

  // True on the worker's own thread, and on any thread before start().
  bool is_here() const noexcept {
    return thread_.get_id() == std::thread::id{} || std::this_thread::get_id() == thread_.get_id();
  }
  // Turns taken so far: a watchdog sees that the worker is alive.
  std::uint64_t turns() const noexcept { return turns_.load(std::memory_order_relaxed); }

 private:
  void run();

  const WorkerIndex index_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::function<void()> end_turn_;
  std::atomic<std::uint64_t> turns_{0};
  std::thread thread_;
};

}  // namespace wgr::io
