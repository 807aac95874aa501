// Runs a shard on its worker: UDP ports and WebSocket sessions in and out, host sockets, mailbox, one timer.
// The only clock reads of the packet path are here, one per batch.
//
// Thread: built on the main thread before the worker starts; afterwards everything but mailbox(),
// post() and the counters belongs to the worker.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "boost/asio/steady_timer.hpp"

#include "cmd/dial_port.h"
#include "cmd/session_port.h"
#include "cmd/shard.h"
#include "core/egress/host_sockets.h"
#include "core/io/mailbox.h"
#include "core/io/udp_socket.h"
#include "core/io/worker.h"
#include "metrics/health.h"
#include "wireguard/udp_port.h"

namespace wgr {

class ShardRunner {
 public:
  using Post = io::Mailbox<Mail>;

  // One socket per outer listen address.
  ShardRunner(WorkerIndex index, const Shard::Settings& settings, std::size_t mailbox_capacity,
              std::vector<std::unique_ptr<io::UdpSocket>> sockets);
  // Opens the WebSocket listeners; throws like SessionPort. Before start(). The limits outlive this object.
  void listen(const SessionPort::Settings& settings, ws::SourceLimits& limits);
  ~ShardRunner();  // stops the worker first
  ShardRunner(const ShardRunner&) = delete;
  ShardRunner& operator=(const ShardRunner&) = delete;

  Post& mailbox() noexcept { return mailbox_; }
  // `posts`: the mailboxes of all workers, by index.
  void start(std::vector<Post*> posts);
  void stop();

  // Runs `task(shard)` on the worker.
  template <typename Task>
  void post(Task task) {
    worker_.post([this, task = std::move(task)]() mutable { task(shard_); });
  }

  // Counters only, once started.
  const Shard& shard() const noexcept { return shard_; }
  std::span<const std::unique_ptr<wireguard::UdpPort>> ports() const noexcept { return ports_; }
  template <typename Task>
  void post_to_port(Task task) {
    worker_.post([this, task = std::move(task)]() mutable {
      if (session_port_) task(*session_port_);
    });
  }

  // Calls `answer(ports)` on the worker.
  template <typename Answer>
  void ask_unbound_ports(Answer answer) {
    worker_.post([this, answer = std::move(answer)] { answer(unbound_ports()); });
  }

  void post_dials(DialPort::Dials dials, ws::wireguard::Dialer::Settings settings) {
    worker_.post([this, dials = std::move(dials), settings = std::move(settings)] {
      dial_port_.set_dials(dials, settings, Clock::now());
    });
  }

  void post_dial_check() {
    worker_.post([this] { dial_port_.restore_endpoints(Clock::now()); });
  }

  // Counters only, once started; null without listeners.
  const SessionPort* session_port() const noexcept { return session_port_.get(); }
  SessionPort* session_port() noexcept { return session_port_.get(); }
  const DialPort& dial_port() const noexcept { return dial_port_; }
  const io::Worker& worker() const noexcept { return worker_; }
  egress::HostSockets& sockets() noexcept { return sockets_; }

 private:
  metrics::UnboundPorts unbound_ports() const;
  void receive(std::uint16_t socket, std::span<const io::UdpSocket::Received> batch);
  void take_mail(std::vector<Mail>& mail);
  void end_turn();
  void send_datagrams(Instant now);
  void send_frames(Instant now);
  void send_to_session(SessionId session, Bytes message, Instant now);
  void close_sessions(std::vector<Mail::Closing>& closings, Instant now);
  wireguard::UdpPort* port_for(const Endpoint& to) const;
  void send_mail();
  void post_initiations(std::size_t worker, Mail& mail, std::size_t reserve);
  void post_mail(std::size_t worker, Mail&& mail);
  void send_events(std::size_t worker, Mail& refused);
  void arm_timer();

  io::Worker worker_;
  Rng rng_;
  egress::HostSockets sockets_;
  Shard shard_;
  std::unique_ptr<SessionPort> session_port_;
  DialPort dial_port_;
  Post mailbox_;
  std::vector<std::unique_ptr<wireguard::UdpPort>> ports_;
  std::vector<Post*> posts_;
  boost::asio::steady_timer timer_;
  Instant armed_for_ = kNever;  // the deadline
  Instant armed_ = kNever;      // when the timer fires
};

}  // namespace wgr
