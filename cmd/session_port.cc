#include "cmd/session_port.h"

#include <utility>

namespace wgr {
namespace {

std::map<std::string, NetworkIndex, std::less<>> by_name(const std::vector<std::string>& names) {
  std::map<std::string, NetworkIndex, std::less<>> networks;
  for (std::size_t i = 0; i < names.size(); ++i) networks.emplace(names[i], static_cast<NetworkIndex>(i));
  return networks;
}

constexpr std::uint16_t kPolicyViolation = 1008;

}  // namespace

SessionPort::SessionPort(boost::asio::io_context& context, WorkerIndex worker, const Settings& settings,
                         ws::SourceLimits& limits, Shard& shard)
    : shard_(shard),
      networks_(by_name(settings.networks)),
      server_(context, worker, settings.config, settings.tls, limits, *this, *this) {}

NetworkIndex SessionPort::network_of(const std::string& name) const {
  const auto found = networks_.find(name);
  return found == networks_.end() ? kNoNetwork : found->second;
}

// --- sessions ---

void SessionPort::session_opened(const ws::SessionInfo& session, Instant now) {
  if (session.service != ws::Service::kEthernet) return;
  const NetworkIndex network = network_of(session.network);
  if (network == kNoNetwork) {  // a route to a network that a reload has taken away
    server_.close(session.id, kPolicyViolation, "no such network", now);
    return;
  }
  ethernet_sessions_.emplace(session.id, network);
  shard_.session_opened(session.id, network, {session.source.ip, session.token}, now);
}

void SessionPort::frames_received(const ws::SessionInfo& session, std::span<const MutableBytes> frames,
                                  Instant now) {
  const auto known = ethernet_sessions_.find(session.id);
  if (known != ethernet_sessions_.end()) shard_.frames_received(session.id, known->second, frames, now);
}

void SessionPort::datagrams_received(const ws::SessionInfo& session, std::span<const MutableBytes> datagrams,
                                     Instant now) {
  shard_.datagrams_received(Endpoint::of_session(session.id, session.source), datagrams, now);
}

void SessionPort::session_heard(SessionId session, Instant now) {
  const auto known = ethernet_sessions_.find(session);
  if (known != ethernet_sessions_.end()) shard_.session_heard(session, known->second, now);
}

void SessionPort::session_closed(SessionId session, Instant now) {
  const auto known = ethernet_sessions_.find(session);
  if (known == ethernet_sessions_.end()) return;
  shard_.session_closed(session, known->second, now);
  ethernet_sessions_.erase(known);
}

void SessionPort::send(SessionId session, Bytes message, Instant now) {
  if (!server_.send(session, message, now)) shard_.count_unsent(1);
}

void SessionPort::flush(Instant now) {
  for (const slirp::DnsAnswer& answer : shard_.stack().take_dns_answers()) {
    server_.respond(answer.question, dns_response(answer.message), now);
  }
  server_.flush(now);
}

// --- DNS over HTTPS ---

void SessionPort::request_received(ws::RequestId id, ws::Service service, const SocketAddress& source,
                                   const ws::HttpRequest& request, Instant now) {
  if (service != ws::Service::kDns) {
    server_.respond(id, ws::HttpResponse{.status = 404, .headers = {}, .body = "not found\n"}, now);
    return;
  }
  const auto question = read_dns_request(request);
  if (const auto* const answer = std::get_if<ws::HttpResponse>(&question)) {
    server_.respond(id, *answer, now);
  } else {
    shard_.stack().ask_dns(id, std::get<DnsQuestion>(question).message, now, source.ip);
  }
}

}  // namespace wgr
