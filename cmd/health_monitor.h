// Keeps metrics::Health up to date while the router runs: heartbeats to the workers, and the health probes.
//
//   every second: main --ask--> worker --post--> main     unanswered: the worker is stuck
//                                                         the answer: which of its ports are not open
//
// Thread: the main thread's. Destroy it after the workers have stopped.
#pragma once

#include <functional>
#include <memory>

#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"

#include "cmd/probes.h"
#include "core/egress/host_sockets.h"
#include "core/egress/resolver.h"
#include "metrics/config.h"
#include "metrics/health.h"

namespace wgr {

class HealthMonitor {
 public:
  static constexpr Duration kInterval = std::chrono::seconds{1};

  using Answer = std::function<void(metrics::UnboundPorts)>;
  // Calls `answer` on the thread of the worker, soon, with what that says of its ports.
  using AskWorker = std::function<void(WorkerIndex worker, Answer answer)>;

  // `context` is the main thread's; it, `health` and `resolver` outlive this object.
  HealthMonitor(boost::asio::io_context& context, const metrics::ProbeConfig& probes, metrics::Health& health,
                egress::Resolver& resolver, AskWorker ask);
  HealthMonitor(const HealthMonitor&) = delete;
  HealthMonitor& operator=(const HealthMonitor&) = delete;

  // Until the context stops.
  void start() { tick(); }
  // Probes ask it; none runs before it is known.
  void set_policy(std::shared_ptr<const egress::Policy> policy) { probes_.set_policy(std::move(policy)); }
  void set_dns_upstreams(std::vector<SocketAddress> upstreams) {
    probes_.set_dns_upstreams(std::move(upstreams));
  }

 private:
  void tick();
  void send_heartbeats(Instant now);
  void look_up();

  boost::asio::io_context& context_;
  metrics::Health& health_;
  egress::Resolver& resolver_;
  const AskWorker ask_;
  Rng rng_;
  egress::HostSockets sockets_;
  Probes probes_;
  boost::asio::steady_timer timer_;
};

}  // namespace wgr
