#include "core/io/worker.h"

#include <pthread.h>

#include <string>

namespace wgr::io {

Worker::Worker(WorkerIndex index) : index_(index), work_(boost::asio::make_work_guard(context_)) {}

Worker::~Worker() {
  stop();
  join();
}

void Worker::start(std::function<void()> end_turn) {
  end_turn_ = std::move(end_turn);
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), ("worker-" + std::to_string(index_)).c_str());
}

void Worker::stop() { context_.stop(); }

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  while (context_.run_one() != 0) {
    for (std::size_t i = 1; i < kMaxHandlersPerTurn && context_.poll_one() != 0; ++i) {
    }
    end_turn_();
    turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

}  // namespace wgr::io
