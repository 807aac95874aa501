#include "cmd/health_monitor.h"

#include <chrono>
#include <exception>
#include <utility>

#include "boost/asio/post.hpp"

#include "core/log.h"

namespace wgr {
namespace {

// Only a probe that says https needs the authorities, and a host without them can do without.
std::shared_ptr<const ws::TlsContext> client_tls(const metrics::ProbeConfig& probes) {
  std::string problem;
  const auto url = parse_http_url(probes.http_url, problem);
  if (!probes.enabled || !url || !url->is_tls) return nullptr;
  try {
    return ws::TlsContext::for_client({}, /*verify=*/true);
  } catch (const std::exception& error) {
    log::warn("health probe over https is off", {{"reason", error.what()}});
    return nullptr;
  }
}

}  // namespace

HealthMonitor::HealthMonitor(boost::asio::io_context& context, const metrics::ProbeConfig& probes,
                             metrics::Health& health, egress::Resolver& resolver, AskWorker ask)
    : context_(context),
      health_(health),
      resolver_(resolver),
      ask_(std::move(ask)),
      rng_(Rng::from_kernel()),
      sockets_(context, [this](auto token, auto ready) { probes_.socket_ready(token, ready, Clock::now()); }),
      probes_(probes, sockets_, health, rng_, client_tls(probes)),
      timer_(context) {}

void HealthMonitor::tick() {
  const Instant now = Clock::now();
  send_heartbeats(now);
  if (probes_.next_deadline() <= now) probes_.on_deadline(now);
  look_up();
  timer_.expires_after(kInterval);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) tick();
  });
}

// A worker that has one to answer gets no other: it would find them all when it wakes.
void HealthMonitor::send_heartbeats(Instant now) {
  metrics::Watchdog& watchdog = health_.watchdog();
  for (std::size_t i = 0; i < watchdog.workers(); ++i) {
    const auto worker = static_cast<WorkerIndex>(i);
    if (watchdog.is_waiting(worker)) continue;
    watchdog.heartbeat_sent(worker, now);
    ask_(worker, [this, worker](metrics::UnboundPorts unbound) {
      boost::asio::post(context_, [this, worker, unbound = std::move(unbound)]() mutable {
        health_.watchdog().heartbeat_answered(worker, Clock::now());
        health_.ports_told(worker, std::move(unbound));
      });
    });
  }
}

void HealthMonitor::look_up() {
  const auto lookup = probes_.take_lookup();
  if (!lookup) return;
  resolver_.resolve(lookup->host, context_,
                    [this, run = lookup->run](const egress::Resolver::Answer& answer) {
                      probes_.resolved(run, answer, Clock::now());
                    });
}

}  // namespace wgr
