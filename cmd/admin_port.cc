#include "cmd/admin_port.h"

#include <utility>

#include "ws/tls.h"

namespace wgr {
namespace {

// The first on its port, and the only one: who has the port already is a stranger.
constexpr WorkerIndex kFirst = 0;

}  // namespace

AdminPort::AdminPort(boost::asio::io_context& context, const metrics::Config& config, std::size_t workers,
                     egress::Resolver& resolver, HealthMonitor::AskWorker ask,
                     Admin::TakeSnapshot take_snapshot)
    : health_(config.health, workers),
      monitor_(context, config.health.probe, health_, resolver, std::move(ask)),
      admin_(config, std::move(take_snapshot), health_,
             [this](ws::RequestId id, const ws::HttpResponse& response) { respond(id, response); }) {
  if (!config.listener.enabled) return;
  ws::Config server;
  server.listeners.push_back(admin_listener(config.listener));
  server_ = std::make_unique<ws::Server>(context, kFirst, std::make_shared<const ws::Config>(server),
                                         std::make_shared<const ws::TlsContexts>(server), limits_,
                                         no_sessions_, admin_);
  server_->flush_by_itself();
}

void AdminPort::start() {
  monitor_.start();
  if (server_) server_->start();
}

std::vector<SocketAddress> AdminPort::addresses() const {
  return server_ ? server_->addresses() : std::vector<SocketAddress>{};
}

void AdminPort::respond(ws::RequestId id, const ws::HttpResponse& response) {
  server_->respond(id, response, Clock::now());
}

}  // namespace wgr
