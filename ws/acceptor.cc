#include "ws/acceptor.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

namespace wgr::ws {
namespace {

constexpr Duration kPause = std::chrono::milliseconds{100};  // when descriptors or memory ran out

}  // namespace

Acceptor::Acceptor(const Config& config, WorkerIndex worker, Counters& counters)
    : counters_(counters), listeners_(config.listeners.size()) {
  for (std::size_t i = 0; i < listeners_; ++i) {
    for (ListeningSocket& socket : open_listener(config.listeners[i], worker)) {
      sockets_.push_back({.socket = std::move(socket), .listener = i, .watch = std::nullopt});
    }
  }
}

std::vector<SocketAddress> Acceptor::addresses() const {
  std::vector<SocketAddress> addresses(listeners_);
  for (auto each = sockets_.rbegin(); each != sockets_.rend(); ++each) {
    addresses[each->listener] = each->socket.address();
  }
  return addresses;
}

std::vector<SocketAddress> Acceptor::unbound() const {
  std::vector<SocketAddress> unbound;
  for (const Listening& each : sockets_) {
    if (!each.socket.is_listening()) unbound.push_back(each.socket.address());
  }
  return unbound;
}

void Acceptor::start(egress::Watcher& watcher, egress::SocketToken first) {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    auto added =
        watcher.add(sockets_[i].socket.descriptor(), first + i, egress::Watcher::Interest::kReadable);
    if (!added) throw std::system_error(errno, std::generic_category(), "cannot watch a listening socket");
    sockets_[i].watch.emplace(std::move(*added));
    wait(i);
  }
}

std::optional<Accepted> Acceptor::accept(std::size_t index, int descriptor_limit, Instant now) {
  if (index >= sockets_.size()) return std::nullopt;
  Listening& from = sockets_[index];
  std::optional<Accepted> accepted = from.socket.accept(descriptor_limit);
  if (accepted) return accepted;
  if (errno == EAGAIN) {
    from.watch->found_no_more_to_read();
  } else {
    counters_.accept_errors.add();
    if (egress::is_shortage(errno)) return pause(now), std::nullopt;
    if (!from.socket.is_listening()) return give_up(from), std::nullopt;
  }
  wait(index);
  return std::nullopt;
}

void Acceptor::wait(std::size_t index) { sockets_[index].watch->ask({.readable = true, .writable = false}); }

// Who waits in the backlog waits on; trying at once would only spin.
void Acceptor::pause(Instant now) {
  std::uint64_t suppressed = 0;
  if (log_.allow(now, suppressed)) {
    log::warn("cannot accept connections", {{"reason", std::strerror(errno)}, {"suppressed", suppressed}});
  }
  if (paused_until_ == kNever) paused_until_ = now + kPause;
}

// Readiness tells of it (unbound()); a new start opens it again.
void Acceptor::give_up(Listening& listening) {
  log::error("this port is lost: nobody can connect to it",
             {{"address", listening.socket.address().to_string()}});
  listening.watch.reset();
}

void Acceptor::on_deadline(Instant now) {
  if (paused_until_ > now) return;
  paused_until_ = kNever;
  for (Listening& each : sockets_) {
    if (each.watch) each.watch->ask({.readable = true, .writable = false});
  }
}

}  // namespace wgr::ws
