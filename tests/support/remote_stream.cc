#include "tests/support/remote_stream.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "tests/support/internet.h"
#include "tests/support/sim_stream_socket.h"

namespace wgr::sim {

RemoteStream::RemoteStream(Internet& internet, const SocketAddress& server_address, Duration latency)
    : internet_(internet), server_address_(server_address), latency_(latency) {}

void RemoteStream::send(Bytes bytes) {
  assert(!finished_);
  if (bytes.empty() || !has_host()) return;
  internet_.after(latency_, [this, copy = std::vector<std::uint8_t>(bytes.begin(), bytes.end())]() mutable {
    if (!has_host()) return;
    to_host_.push_back(std::move(copy));
    if (socket_ != nullptr) socket_->notify();
  });
}

void RemoteStream::send_generated(std::uint64_t total, Fill fill) {
  internet_.after(latency_, [this, total, fill = std::move(fill)]() mutable {
    if (!has_host()) return;
    fill_ = std::move(fill);
    generated_total_ = total;
    generated_offset_ = 0;
    if (socket_ != nullptr) socket_->notify();
  });
}

void RemoteStream::finish() {
  if (std::exchange(finished_, true)) return;
  internet_.after(latency_, [this] {
    finish_at_host_ = true;
    if (socket_ != nullptr) socket_->notify();
  });
}

void RemoteStream::reset() {
  internet_.after(latency_, [this] {
    reset_at_host_ = true;
    if (socket_ != nullptr) socket_->notify();
  });
}

void RemoteStream::resume_reading() {
  is_paused_ = false;
  take_unread();
}

void RemoteStream::take_unread() {
  if (!unread_.empty()) {
    const std::vector<std::uint8_t> bytes = std::exchange(unread_, {});
    in_flight_ -= bytes.size();
    bytes_received_ += bytes.size();
    if (keep_received) received_.insert(received_.end(), bytes.begin(), bytes.end());
    if (on_data) on_data(*this, bytes);
    if (socket_ != nullptr) socket_->notify();
  }
  if (finish_arrived_ && !peer_finished_) {
    peer_finished_ = true;
    if (on_finish) on_finish(*this);
  }
}

std::size_t RemoteStream::readable_bytes() const {
  if (!to_host_.empty()) return to_host_.front().size() - front_read_;
  return static_cast<std::size_t>(std::min<std::uint64_t>(generated_total_ - generated_offset_, SIZE_MAX));
}

bool RemoteStream::may_read() const { return readable_bytes() > 0 || finish_at_host_ || reset_at_host_; }

}  // namespace wgr::sim
