// A port of the host that outside clients of the simulated internet connect to.
#pragma once

#include <cerrno>
#include <deque>
#include <memory>
#include <utility>

#include "core/egress/sockets.h"
#include "tests/support/sim_sockets.h"
#include "tests/support/sim_stream_socket.h"

namespace wgr::sim {

class SimListenSocket : public egress::ListenSocket {
 public:
  SimListenSocket(SimSockets& owner, egress::SocketToken token, const SocketAddress& local)
      : owner_(owner), token_(token), local_(local) {
    ++owner_.open_sockets;
    owner_.internet_.listeners_[local_] = this;
  }
  ~SimListenSocket() override {
    --owner_.open_sockets;
    owner_.internet_.listeners_.erase(local_);
    for (const auto& [stream, local] : backlog_) {
      stream->is_in_backlog_ = false;
      stream->peer_reset_ = stream->peer_closed_ = true;
    }
  }

  egress::Accepted accept(egress::SocketToken token, const egress::StreamOptions& options) override {
    egress::Accepted accepted;
    accepted.error = backlog_.empty() ? EAGAIN : 0;
    if (accepted.error == 0 && !owner_.may_open()) accepted.error = EMFILE;
    if (owner_.accept_error != 0) accepted.error = owner_.accept_error;
    if (accepted.error != 0) return accepted;
    auto [stream, local] = std::move(backlog_.front());
    backlog_.pop_front();
    stream->options_ = options;
    accepted.client = stream->server_address_;
    accepted.local = local;
    accepted.socket = std::make_unique<SimStreamSocket>(owner_, token, stream);
    stream->is_in_backlog_ = false;
    return accepted;
  }
  void watch_readable() override {
    is_watched_ = true;
    notify();
  }
  SocketAddress local_address() const override { return local_; }

  void arrived(std::shared_ptr<RemoteStream> stream, const SocketAddress& local) {
    backlog_.emplace_back(std::move(stream), local);
    notify();
  }

 private:
  void notify() {
    if (!is_watched_ || backlog_.empty()) return;
    is_watched_ = false;
    owner_.tell(token_, {.readable = true});
  }

  SimSockets& owner_;
  const egress::SocketToken token_;
  const SocketAddress local_;
  bool is_watched_ = false;
  std::deque<std::pair<std::shared_ptr<RemoteStream>, SocketAddress>> backlog_;  // and where it has connected
};

}  // namespace wgr::sim
