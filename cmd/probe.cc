#include "cmd/probe.h"

#include <system_error>
#include <utility>

#include "core/bytes.h"
#include "core/wire/dns.h"

namespace wgr {
namespace {

constexpr std::size_t kReceiveLimit = 8;
constexpr unsigned kFirstGood = 200;
constexpr unsigned kFirstBad = 400;

std::string text_of_error(int error) { return std::generic_category().message(error); }

std::string refusal_text(const SocketAddress& to, const egress::Verdict& verdict) {
  return "the policy refuses " + to.to_string() + ": " + std::string{verdict.reason};
}

std::optional<ProbeOutcome> judge(const std::optional<HttpClient::Outcome>& outcome) {
  if (!outcome) return std::nullopt;
  if (outcome->status == 0) return ProbeOutcome{false, outcome->problem};
  return ProbeOutcome{outcome->status >= kFirstGood && outcome->status < kFirstBad,
                      "answered " + std::to_string(outcome->status)};
}

}  // namespace

// --- HTTP ---

std::optional<ProbeOutcome> HttpProbe::start(std::span<const IpAddress> addresses,
                                             const egress::Policy& policy) {
  std::vector<IpAddress> allowed;
  std::string refusal;
  for (const IpAddress& ip : addresses) {
    const SocketAddress to{ip, url().port};
    const egress::Verdict verdict = policy.check({}, egress::Protocol::kTcp, to);
    if (verdict) {
      allowed.push_back(ip);
    } else {
      refusal = refusal_text(to, verdict);
    }
  }
  if (!allowed.empty() || refusal.empty()) return judge(client_.start(allowed));
  stop();
  return ProbeOutcome{false, std::move(refusal)};
}

std::optional<ProbeOutcome> HttpProbe::socket_ready(egress::Ready ready) {
  return judge(client_.socket_ready(ready));
}

std::optional<ProbeOutcome> HttpProbe::try_next_address() { return judge(client_.try_next_address()); }

// --- DNS ---

DnsProbe::DnsProbe(const std::string& name, egress::Sockets& sockets, egress::SocketToken token)
    : sockets_(sockets),
      token_(token),
      query_(wire::write_dns_query(0, wire::DnsName::parse(name).value(), wire::DnsType::kA)) {}

std::optional<ProbeOutcome> DnsProbe::start(const SocketAddress& server, const egress::Policy* policy,
                                            Rng& rng) {
  stop();
  server_ = server;
  if (policy != nullptr) {
    const egress::Verdict verdict = policy->check({}, egress::Protocol::kUdp, server);
    if (!verdict) return finish(false, refusal_text(server, verdict));
  }
  auto [socket, error] = sockets_.open_udp(server.ip.family(), token_, 0);
  if (!socket) return finish(false, text_of_error(error));
  socket_ = std::move(socket);
  store_be<std::uint16_t>(query_.data(), static_cast<std::uint16_t>(rng.next()));
  const egress::DatagramOut datagram{
      .to = server_, .payload = query_, .ttl = 64, .tos = 0, .dont_fragment = false};
  const egress::IoResult sent = socket_->send({&datagram, 1});
  if (sent.bytes != 1) return finish(false, "sending: " + text_of_error(sent.error));
  socket_->watch_readable();
  return std::nullopt;
}

std::optional<ProbeOutcome> DnsProbe::socket_ready() {
  if (!socket_) return std::nullopt;
  std::vector<egress::SocketError> errors;
  socket_->receive_errors(errors);
  for (const egress::SocketError& error : errors) {
    if (error.destination == server_) return finish(false, text_of_error(error.error));
  }
  std::vector<egress::DatagramIn> datagrams;
  socket_->receive(datagrams, kReceiveLimit);
  const auto query = wire::DnsView::parse(query_);
  for (const egress::DatagramIn& datagram : datagrams) {
    if (datagram.from != server_) continue;
    const auto reply = wire::DnsView::parse(datagram.payload);
    if (!reply || !reply->answers(*query)) continue;
    if (reply->rcode() != wire::DnsRcode::kNoError) {
      return finish(false, "answered with code " + std::to_string(static_cast<unsigned>(reply->rcode())));
    }
    if (reply->answer_count() == 0) return finish(false, "answered without an address");
    return finish(true, "answered");
  }
  socket_->watch_readable();
  return std::nullopt;
}

ProbeOutcome DnsProbe::finish(bool is_good, std::string detail) {
  stop();
  return {is_good, std::move(detail)};
}

}  // namespace wgr
