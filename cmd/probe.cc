#include "cmd/probe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/bytes.h"
#include "core/text.h"
#include "core/wire/dns.h"

namespace wgr {
namespace {

constexpr std::size_t kMaxRead = 4096;
constexpr std::size_t kReceiveLimit = 8;
constexpr unsigned kFirstGood = 200;
constexpr unsigned kFirstBad = 400;

std::string text_of(int error) { return std::generic_category().message(error); }

std::string refusal_text(const SocketAddress& to, const egress::Verdict& verdict) {
  return "the policy refuses " + to.to_string() + ": " + std::string{verdict.reason};
}

// RFC 1035 4.1: header, one question for an A record, recursion desired.
std::vector<std::uint8_t> make_query(std::string_view name) {
  std::vector<std::uint8_t> query{0, 0, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('.'), name.size());
    query.push_back(static_cast<std::uint8_t>(end));
    query.insert(query.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  query.insert(query.end(), {0, 0, static_cast<std::uint8_t>(wire::DnsType::kA), 0, 1});
  return query;
}

}  // namespace

// --- HTTP ---

HttpProbe::HttpProbe(HttpUrl url, egress::Sockets& sockets, egress::SocketToken token,
                     std::shared_ptr<const ws::TlsContext> tls)
    : url_(std::move(url)),
      request_(http_get(url_)),
      sockets_(sockets),
      token_(token),
      tls_(url_.is_tls ? std::move(tls) : nullptr) {}

std::optional<ProbeOutcome> HttpProbe::start(std::span<const IpAddress> addresses,
                                             const egress::Policy& policy) {
  stop();
  addresses_.clear();
  last_failure_ = "no address";
  for (const IpAddress& ip : addresses) {
    const SocketAddress to{ip, url_.port};
    const egress::Verdict verdict = policy.check({}, egress::Protocol::kTcp, to);
    if (verdict) {
      addresses_.push_back(ip);
    } else {
      last_failure_ = refusal_text(to, verdict);
    }
  }
  std::ranges::reverse(addresses_);
  return connect_next();
}

void HttpProbe::stop() {
  socket_.reset();
  channel_.reset();
  is_connected_ = false;
  is_request_sent_ = false;
  pending_.clear();
  reply_.clear();
}

std::optional<ProbeOutcome> HttpProbe::connect_next() {
  stop();
  while (!addresses_.empty()) {
    const SocketAddress to{addresses_.back(), url_.port};
    addresses_.pop_back();
    auto [socket, error] = sockets_.connect(to, token_, {});
    if (socket) {
      socket_ = std::move(socket);
      socket_->watch({.readable = false, .writable = true});
      return std::nullopt;
    }
    last_failure_ = to.to_string() + ": " + text_of(error);
  }
  return finish(false, last_failure_);
}

std::optional<ProbeOutcome> HttpProbe::try_next_address() {
  last_failure_ = "connecting: " + text_of(ETIMEDOUT);
  return connect_next();
}

std::optional<ProbeOutcome> HttpProbe::socket_ready(egress::Ready ready) {
  if (!socket_) return std::nullopt;
  if (!is_connected_) {
    const int error = socket_->connect_result();
    if (error == EINPROGRESS) {
      socket_->watch({.readable = false, .writable = true});
      return std::nullopt;
    }
    if (error != 0) {
      last_failure_ = "connecting: " + text_of(error);
      return connect_next();
    }
    return socket_connected();
  }
  if (!pending_.empty()) {
    if (auto outcome = send_pending()) return outcome;
  }
  return ready.readable ? read_reply() : std::nullopt;
}

std::optional<ProbeOutcome> HttpProbe::socket_connected() {
  is_connected_ = true;
  if (url_.is_tls) {
    channel_ = ws::TlsChannel::connect(tls_, url_.host);
    channel_->start(pending_);
  } else {
    pending_.assign(request_.begin(), request_.end());
    is_request_sent_ = true;
  }
  return send_pending();
}

std::optional<ProbeOutcome> HttpProbe::send_pending() {
  while (!pending_.empty()) {
    const iovec rest{pending_.data(), pending_.size()};
    const egress::IoResult result = socket_->write({&rest, 1});
    if (result.would_block()) {
      socket_->watch({.readable = true, .writable = true});
      return std::nullopt;
    }
    if (result.error != 0) return finish(false, "sending: " + text_of(result.error));
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(result.bytes));
  }
  socket_->watch({.readable = true, .writable = false});
  return std::nullopt;
}

// One read per turn, so that an endless reply costs no more than its first line.
std::optional<ProbeOutcome> HttpProbe::read_reply() {
  std::array<std::uint8_t, kMaxRead> room;
  const iovec into{room.data(), room.size()};
  const egress::IoResult result = socket_->read({&into, 1});
  if (result.would_block()) {
    socket_->watch({.readable = true, .writable = false});
    return std::nullopt;
  }
  if (result.error != 0) return finish(false, "reading: " + text_of(result.error));
  const Bytes received = Bytes{room}.first(result.bytes);
  if (channel_) {
    if (auto outcome = unseal(received)) return outcome;
  } else {
    reply_.insert(reply_.end(), received.begin(), received.end());
  }
  if (const auto outcome = judge()) return finish(outcome->is_good, outcome->detail);
  if (result.is_end || result.bytes == 0) return finish(false, "closed without an answer");
  socket_->watch({.readable = true, .writable = false});
  return std::nullopt;
}

std::optional<ProbeOutcome> HttpProbe::unseal(Bytes sealed) {
  using State = ws::TlsChannel::State;
  const State state = channel_->receive(sealed, reply_, pending_);
  if (state == State::kFailed) return finish(false, "TLS: " + std::string{channel_->failure()});
  if (state == State::kOpen && !is_request_sent_) {
    channel_->send({reinterpret_cast<const std::uint8_t*>(request_.data()), request_.size()}, pending_);
    is_request_sent_ = true;
  }
  return pending_.empty() ? std::nullopt : send_pending();
}

std::optional<ProbeOutcome> HttpProbe::judge() const {
  const std::string_view text{reinterpret_cast<const char*>(reply_.data()), reply_.size()};
  const HttpStatus status = read_http_status(text);
  if (status.line == ReplyLine::kIncomplete) return std::nullopt;
  if (status.line == ReplyLine::kMalformed) return ProbeOutcome{false, "the reply is not HTTP"};
  return ProbeOutcome{status.code >= kFirstGood && status.code < kFirstBad,
                      "answered " + std::to_string(status.code)};
}

ProbeOutcome HttpProbe::finish(bool is_good, std::string detail) {
  stop();
  return {is_good, std::move(detail)};
}

// --- DNS ---

DnsProbe::DnsProbe(const std::string& name, egress::Sockets& sockets, egress::SocketToken token)
    : sockets_(sockets), token_(token), query_(make_query(name)) {}

std::optional<ProbeOutcome> DnsProbe::start(const SocketAddress& server, const egress::Policy& policy,
                                            Rng& rng) {
  stop();
  server_ = server;
  const egress::Verdict verdict = policy.check({}, egress::Protocol::kUdp, server);
  if (!verdict) return finish(false, refusal_text(server, verdict));
  auto [socket, error] = sockets_.open_udp(server.ip.family(), token_, 0);
  if (!socket) return finish(false, text_of(error));
  socket_ = std::move(socket);
  store_be<std::uint16_t>(query_.data(), static_cast<std::uint16_t>(rng.next()));
  const egress::DatagramOut datagram{
      .to = server_, .payload = query_, .ttl = 64, .tos = 0, .dont_fragment = false};
  const egress::IoResult sent = socket_->send({&datagram, 1});
  if (sent.bytes != 1) return finish(false, "sending: " + text_of(sent.error));
  socket_->watch_readable();
  return std::nullopt;
}

std::optional<ProbeOutcome> DnsProbe::socket_ready() {
  if (!socket_) return std::nullopt;
  std::vector<egress::SocketError> errors;
  socket_->receive_errors(errors);
  for (const egress::SocketError& error : errors) {
    if (error.destination == server_) return finish(false, text_of(error.error));
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
