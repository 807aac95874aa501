#include "cmd/shard_runner.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace wgr {
namespace {

WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

// Both are CLOCK_MONOTONIC.
std::chrono::steady_clock::time_point to_steady(Instant instant) {
  return std::chrono::steady_clock::time_point{instant.time_since_epoch()};
}

}  // namespace

ShardRunner::ShardRunner(WorkerIndex index, const Shard::Settings& settings, std::size_t mailbox_capacity,
                         std::vector<std::unique_ptr<io::UdpSocket>> sockets)
    : worker_(index),
      rng_(Rng::from_kernel()),
      sockets_(worker_.context(),
               [this](auto token, auto ready) { shard_.socket_ready(token, ready, Clock::now()); }),
      shard_(index, settings, sockets_, rng_, wall_now(), Clock::now()),
      mailbox_(worker_, mailbox_capacity, [this](std::vector<Mail>& mail) { take_mail(mail); }),
      timer_(worker_.context()) {
  for (auto& socket : sockets) {
    ports_.push_back(std::make_unique<wireguard::UdpPort>(worker_.context(), std::move(socket),
                                                          [this](auto batch) { receive(batch); }));
  }
}

ShardRunner::~ShardRunner() { stop(); }

void ShardRunner::start(std::vector<Post*> posts) {
  posts_ = std::move(posts);
  for (const auto& port : ports_) port->start();
  arm_timer();
  worker_.start([this] { end_turn(); });
}

void ShardRunner::stop() {
  worker_.stop();
  worker_.join();
}

void ShardRunner::receive(std::span<const io::UdpSocket::Received> batch) {
  const Instant now = Clock::now();
  for (const auto& received : batch) {
    shard_.receive(received.from, received.bytes, received.segment_size, now);
  }
  shard_.end_batch(now);
}

void ShardRunner::take_mail(std::vector<Mail>& mail) {
  const Instant now = Clock::now();
  for (Mail& item : mail) shard_.take_mail(item, now);
}

void ShardRunner::end_turn() {
  const Instant now = Clock::now();
  if (armed_ <= now) {
    armed_ = kNever;
    shard_.on_deadline(now);
  }
  for (bool more = true; more;) {
    more = shard_.seal(now);
    send_datagrams();
  }
  send_mail();
  arm_timer();
}

void ShardRunner::send_datagrams() {
  DatagramBatch& datagrams = shard_.outbox().datagrams;
  for (const DatagramBatch::Run& run : datagrams.runs()) {
    if (wireguard::UdpPort* const port = port_for(run.to)) {
      port->send({&run, 1});
    } else {
      shard_.count_unsent(run.count);
    }
  }
  datagrams.clear();
}

// The port that listens on the address the endpoint has hit; else any of its family.
wireguard::UdpPort* ShardRunner::port_for(const Endpoint& to) const {
  if (to.kind != Endpoint::Kind::kUdp) return nullptr;
  wireguard::UdpPort* of_family = nullptr;
  for (const auto& port : ports_) {
    if (port->address().family() != to.remote.ip.family()) continue;
    if (port->address() == to.local) return port.get();
    if (of_family == nullptr) of_family = port.get();
  }
  return of_family;
}

void ShardRunner::send_mail() {
  std::vector<Mail>& outgoing = shard_.outbox().mail;
  for (std::size_t worker = 0; worker < outgoing.size(); ++worker) {
    if (outgoing[worker].is_empty()) continue;
    Mail mail = std::exchange(outgoing[worker], Mail{});
    const std::size_t weight = mail.weight();
    shard_.count_mail(posts_[worker]->push(std::move(mail), weight), weight);
  }
}

void ShardRunner::arm_timer() {
  const Instant next = shard_.next_deadline();
  if (next >= armed_) return;  // waking early is harmless, arming costs a system call
  armed_ = next;
  timer_.expires_at(to_steady(next));
  timer_.async_wait([](boost::system::error_code) {});  // the end of the turn looks at the clock
}

}  // namespace wgr
