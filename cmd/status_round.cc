#include "cmd/status_round.h"

#include <algorithm>
#include <utility>

namespace wgr {

StatusRound::StatusRound(boost::asio::io_context& context, std::size_t workers, Ask ask, Duration patience)
    : workers_(workers),
      ask_(std::move(ask)),
      patience_(patience),
      timer_(context),
      is_missing_(workers, false) {}

void StatusRound::take(Done done) {
  if (waiting_.size() >= kMaxWaiting) return done(known_);
  waiting_.push_back(std::move(done));
  if (waiting_.size() > 1) return;
  timer_.expires_after(patience_);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) end();
  });
  is_missing_.assign(workers_, true);
  for (std::size_t i = 0; i < workers_; ++i) ask_(static_cast<WorkerIndex>(i));
}

void StatusRound::answered(WorkerIndex worker, ShardStatus status) {
  if (worker >= workers_) return;
  known_[worker] = std::move(status);
  is_missing_[worker] = false;
  if (waiting_.empty() || std::ranges::find(is_missing_, true) != is_missing_.end()) return;
  timer_.cancel();
  end();
}

// A timer that has fired while the last answer came finds nobody waiting.
void StatusRound::end() {
  for (const Done& done : std::exchange(waiting_, {})) done(known_);
}

}  // namespace wgr
