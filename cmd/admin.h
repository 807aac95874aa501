// Answers what is asked of the router over HTTP: /metrics for Prometheus, /livez, /readyz and /healthz for
// whoever watches it. GET and HEAD only; metrics take a bearer token when one is configured.
//
//   server --request_received()--> Admin --> snapshot, soon --> exposition --> respond()
//                                       \--> health ----------------------------^
//
// Thread: the main thread's. A server of another thread hands its requests over and takes the answer back.
#pragma once

#include <functional>
#include <string>

#include "metrics/config.h"
#include "metrics/health.h"
#include "metrics/registry.h"
#include "ws/http_handler.h"

namespace wgr {

class Admin final : public ws::HttpHandler {
 public:
  // Takes a snapshot and hands it to `taken`, once, at once or later, on this thread.
  using SnapshotTaken = std::function<void(const metrics::Snapshot&)>;
  using TakeSnapshot = std::function<void(SnapshotTaken taken)>;
  // What Server::respond() is given.
  using Respond = std::function<void(ws::RequestId, const ws::HttpResponse&)>;

  // `health` outlives this object, and so does what the functions use.
  Admin(const metrics::Config& config, TakeSnapshot take_snapshot, metrics::Health& health, Respond respond);

  // From now on asked for /metrics; empty: none.
  void set_token(const std::string& token) { token_ = token; }
  void request_received(ws::RequestId id, ws::Service service, const SocketAddress& source,
                        const ws::HttpRequest& request, Instant now) override;

 private:
  void answer_metrics(ws::RequestId id, const ws::HttpRequest& request);
  ws::HttpResponse health_response(const ws::HttpRequest& request, Instant now) const;
  bool has_token(const ws::HttpRequest& request) const;

  std::string token_;
  const TakeSnapshot take_snapshot_;
  metrics::Health& health_;
  const Respond respond_;
  metrics::Registry registry_;
};

// The listener of its own that the answers are served on, as the HTTP server takes it. The token of
// /metrics is asked for by Admin: health needs none.
ws::ListenerConfig admin_listener(const metrics::ListenerConfig& config);

}  // namespace wgr
