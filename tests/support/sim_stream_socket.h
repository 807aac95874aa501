// The host's end of a TCP connection on the simulated internet: connecting, then bytes to and from a
// RemoteStream.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/egress/sockets.h"
#include "tests/support/sim_sockets.h"

namespace wgr::sim {

class SimStreamSocket : public egress::StreamSocket {
 public:
  SimStreamSocket(SimSockets& owner, egress::SocketToken token, std::shared_ptr<RemoteStream> stream)
      : owner_(owner), token_(token), stream_(std::move(stream)) {
    ++owner_.open_sockets;
    if (stream_) stream_->socket_ = this;
    if (stream_ && stream_->is_in_backlog_) result_ = 0;
  }
  ~SimStreamSocket() override {
    --owner_.open_sockets;
    *is_alive_ = false;
    if (!stream_ || stream_->socket_ != this) return;
    stream_->socket_ = nullptr;
    const bool unread = stream_->readable_bytes() > 0;
    const bool reset = reset_on_close_ || unread;
    stream_->internet_.after(stream_->latency_, [stream = stream_, reset, finished = is_shut_down_] {
      stream->peer_closed_ = true;
      if (reset) {
        stream->peer_reset_ = true;
      } else if (!finished) {
        stream->finish_arrived_ = true;
        stream->take_unread();
      }
    });
  }

  void connected(int result) {
    result_ = result;
    notify();
  }

  int connect_result() override { return result_; }

  egress::IoResult read(std::span<const iovec> into) override {
    ++owner_.reads;
    if (result_ == EINPROGRESS) return {.error = EAGAIN};
    if (result_ != 0) return {.error = ENOTCONN};
    RemoteStream& stream = *stream_;
    std::size_t allowed = owner_.max_bytes_per_call;
    std::size_t moved = 0;
    for (const iovec& piece : into) {
      auto* at = static_cast<std::uint8_t*>(piece.iov_base);
      std::size_t room = std::min(piece.iov_len, allowed - moved);
      while (room > 0 && stream.readable_bytes() > 0) {
        const std::size_t size = take(stream, {at, room});
        at += size;
        room -= size;
        moved += size;
      }
    }
    if (moved > 0) return {.bytes = moved};
    if (stream.reset_at_host_) return {.error = ECONNRESET};
    if (stream.finish_at_host_) return {.is_end = true};
    return {.error = EAGAIN};
  }

  egress::IoResult write(std::span<const iovec> from) override {
    ++owner_.writes;
    if (result_ == EINPROGRESS) return {.error = EAGAIN};
    if (result_ != 0 || is_shut_down_) return {.error = EPIPE};
    RemoteStream& stream = *stream_;
    if (stream.reset_at_host_) return {.error = EPIPE};
    std::size_t room = stream.send_buffer_ - std::min(stream.send_buffer_, stream.in_flight_);
    room = std::min(room, owner_.max_bytes_per_call);
    if (room == 0) return {.error = EAGAIN};
    std::vector<std::uint8_t> bytes;
    for (const iovec& piece : from) {
      const auto* at = static_cast<const std::uint8_t*>(piece.iov_base);
      const std::size_t size = std::min(piece.iov_len, room - bytes.size());
      bytes.insert(bytes.end(), at, at + size);
    }
    const std::size_t moved = bytes.size();
    stream.in_flight_ += moved;
    stream.internet_.after(stream.latency_, [stream = stream_, bytes = std::move(bytes)] {
      stream->unread_.insert(stream->unread_.end(), bytes.begin(), bytes.end());
      if (!stream->is_paused_) stream->take_unread();
    });
    return {.bytes = moved};
  }

  void shutdown_send() override {
    if (is_shut_down_ || result_ != 0) return;
    is_shut_down_ = true;
    stream_->internet_.after(stream_->latency_, [stream = stream_] {
      stream->finish_arrived_ = true;
      if (!stream->is_paused_) stream->take_unread();
    });
  }
  void reset_on_close() override { reset_on_close_ = true; }

  void watch(egress::Ready interest) override {
    watched_.readable |= interest.readable;
    watched_.writable |= interest.writable;
    notify();
  }

  // Tells what is watched and true.
  void notify() {
    const bool failed = result_ != 0 && result_ != EINPROGRESS;
    egress::Ready ready;
    if (result_ != EINPROGRESS) {
      const bool reset = stream_ && stream_->reset_at_host_;
      ready.readable = watched_.readable && (failed || reset || stream_->may_read());
      ready.writable = watched_.writable && (failed || reset || stream_->in_flight_ < stream_->send_buffer_);
    }
    if (!ready.readable && !ready.writable) return;
    if (ready.readable) watched_.readable = false;
    if (ready.writable) watched_.writable = false;
    owner_.tell(token_, ready);
  }

  std::shared_ptr<bool> is_alive() const { return is_alive_; }

 private:
  static std::size_t take(RemoteStream& stream, MutableBytes into) {
    if (!stream.to_host_.empty()) {
      auto& front = stream.to_host_.front();
      const std::size_t size = std::min(into.size(), front.size() - stream.front_read_);
      std::memcpy(into.data(), front.data() + stream.front_read_, size);
      stream.front_read_ += size;
      if (stream.front_read_ == front.size()) {
        stream.to_host_.pop_front();
        stream.front_read_ = 0;
      }
      return size;
    }
    const std::size_t size = static_cast<std::size_t>(
        std::min<std::uint64_t>(into.size(), stream.generated_total_ - stream.generated_offset_));
    stream.fill_(stream.generated_offset_, into.first(size));
    stream.generated_offset_ += size;
    return size;
  }

  SimSockets& owner_;
  const egress::SocketToken token_;
  std::shared_ptr<RemoteStream> stream_;
  int result_ = EINPROGRESS;
  egress::Ready watched_;
  bool is_shut_down_ = false;
  bool reset_on_close_ = false;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace wgr::sim
