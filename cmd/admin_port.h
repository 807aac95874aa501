// What the main thread serves: metrics and health over HTTP, on a listener that guests cannot reach, and
// the heartbeats and probes behind them.
//
// Thread: the main thread's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "boost/asio/io_context.hpp"

#include "cmd/admin.h"
#include "cmd/health_monitor.h"
#include "core/egress/resolver.h"
#include "metrics/config.h"
#include "metrics/health.h"
#include "ws/server.h"
#include "ws/session_sink.h"
#include "ws/source_limits.h"

namespace wgr {

class AdminPort {
 public:
  // Opens the listener unless it is turned off; throws std::exception with a sentence for the operator.
  // `context` and `resolver` outlive this object, and so does what the functions use.
  AdminPort(boost::asio::io_context& context, const metrics::Config& config, std::size_t workers,
            egress::Resolver& resolver, HealthMonitor::AskWorker ask, Admin::TakeSnapshot take_snapshot);

  void start();
  // Where it listens; nowhere when it is turned off.
  std::vector<SocketAddress> addresses() const;
  // From now on asked for /metrics; empty: none.
  void set_token(const std::string& token) { admin_.set_token(token); }
  metrics::Health& health() noexcept { return health_; }
  HealthMonitor& monitor() noexcept { return monitor_; }

 private:
  void respond(ws::RequestId id, const ws::HttpResponse& response);

  metrics::Health health_;
  HealthMonitor monitor_;
  Admin admin_;
  ws::SessionSink no_sessions_;  // the listener has no WebSocket route
  ws::SourceLimits limits_{ws::Limits{}};
  std::unique_ptr<ws::Server> server_;  // null: turned off
};

}  // namespace wgr
