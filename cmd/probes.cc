#include "cmd/probes.h"

#include <algorithm>
#include <utility>

#include "core/egress/host_name.h"
#include "core/log.h"
#include "core/wire/dns.h"

namespace wgr {

Probes::Probes(metrics::ProbeConfig config, egress::Sockets& sockets, metrics::Health& health, Rng& rng,
               std::shared_ptr<const ws::TlsContext> tls)
    : config_(std::move(config)), health_(health), rng_(rng) {
  if (!config_.enabled) return;
  std::string problem;
  if (const auto url = parse_http_url(config_.http_url, problem)) {
    if (url->is_tls && tls == nullptr) {
      problem = "https needs the certificate authorities of the system";
    } else {
      http_ = std::make_unique<HttpProbe>(*url, sockets, kHttpToken, std::move(tls));
    }
  }
  if (egress::is_host_name(config_.dns_name)) {
    dns_ = std::make_unique<DnsProbe>(config_.dns_name, sockets, kDnsToken);
  }
  for (Schedule* schedule : {&http_schedule_, &dns_schedule_}) {
    const bool is_http = schedule == &http_schedule_;
    if ((is_http ? config_.http_url : config_.dns_name).empty()) continue;
    health_.add_probe(schedule->name);
    const bool is_known = is_http ? http_ != nullptr : dns_ != nullptr;
    if (is_known) {
      schedule->next_run = Instant::min();
    } else {
      health_.probe_ran(schedule->name, false, is_http ? problem : "no host name", Duration{0});
    }
  }
}

Instant Probes::next_deadline() const {
  Instant next = address_ends_;
  for (const Schedule* schedule : {&http_schedule_, &dns_schedule_}) {
    next = std::min(next, schedule->is_running() ? schedule->began + config_.timeout : schedule->next_run);
  }
  return next;
}

void Probes::on_deadline(Instant now) {
  if (!policy_) return;
  for (Schedule* schedule : {&http_schedule_, &dns_schedule_}) {
    if (!is_overdue(*schedule, now)) continue;
    if (schedule == &http_schedule_) {
      http_->stop();
      lookup_.reset();
      ++run_;
    } else {
      dns_->stop();
    }
    end(*schedule, ProbeOutcome{false, "timed out"}, now);
  }
  if (http_ && address_ends_ <= now && http_->other_addresses() > 0) {
    end(http_schedule_, http_->try_next_address(), now);
  }
  note_address(now);
  if (!http_schedule_.is_running() && http_schedule_.next_run <= now) {
    begin(http_schedule_, now);
    lookup_ = Lookup{http_->url().host, ++run_};
  }
  if (!dns_schedule_.is_running() && dns_schedule_.next_run <= now) run_dns(now);
}

void Probes::run_dns(Instant now) {
  begin(dns_schedule_, now);
  SocketAddress server = config_.dns_server;
  if (server.ip.is_unspecified() && !dns_upstreams_.empty()) server = dns_upstreams_.front();
  const bool is_own = std::ranges::find(dns_upstreams_, server) != dns_upstreams_.end();
  if (server.port == 0) server.port = wire::kDnsPort;
  if (server.ip.is_unspecified()) {
    end(dns_schedule_, ProbeOutcome{false, "no name server to ask"}, now);
  } else {
    end(dns_schedule_, dns_->start(server, is_own ? nullptr : policy_.get(), rng_), now);
  }
}

std::optional<Probes::Lookup> Probes::take_lookup() { return std::exchange(lookup_, std::nullopt); }

void Probes::resolved(std::uint64_t run, const egress::Resolver::Answer& answer, Instant now) {
  if (run != run_ || !http_schedule_.is_running() || !policy_) return;
  if (answer.addresses.empty()) {
    const std::string& error = answer.error.empty() ? std::string{"no address"} : answer.error;
    end(http_schedule_, ProbeOutcome{false, http_->url().host + ": " + error}, now);
  } else {
    end(http_schedule_, http_->start(answer.addresses, *policy_), now);
    note_address(now);
  }
}

void Probes::socket_ready(egress::SocketToken token, egress::Ready ready, Instant now) {
  if (token == kHttpToken && http_) end(http_schedule_, http_->socket_ready(ready), now);
  note_address(now);
  if (token == kDnsToken && dns_) end(dns_schedule_, dns_->socket_ready(), now);
}

// An address that is silent has its share of the time, as long as there are others.
void Probes::note_address(Instant now) {
  const std::size_t others = http_ ? http_->other_addresses() : 0;
  if (others == other_addresses_) return;
  other_addresses_ = others;
  address_ends_ = kNever;
  if (others == 0) return;
  const Duration left = http_schedule_.began + config_.timeout - now;
  address_ends_ = now + left / static_cast<Duration::rep>(others + 1);
}

void Probes::begin(Schedule& schedule, Instant now) {
  schedule.began = now;
  schedule.next_run = now + config_.interval;
}

// Nothing happens while there is no outcome.
void Probes::end(Schedule& schedule, const std::optional<ProbeOutcome>& outcome, Instant now) {
  if (!outcome || !schedule.is_running()) return;
  const Duration took = now - std::exchange(schedule.began, kNever);
  log::debug("health probe",
             {{"probe", schedule.name}, {"good", outcome->is_good}, {"detail", outcome->detail}});
  health_.probe_ran(schedule.name, outcome->is_good, outcome->detail, took);
}

bool Probes::is_overdue(const Schedule& schedule, Instant now) const {
  return schedule.is_running() && now >= schedule.began + config_.timeout;
}

}  // namespace wgr
