#include "cmd/http_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/bytes.h"
#include "core/text.h"

namespace wgr {
namespace {

constexpr std::size_t kMaxRead = 4096;

std::string text_of_error(int error) { return std::generic_category().message(error); }

}  // namespace

HttpClient::HttpClient(HttpUrl url, Wanted wanted, egress::Sockets& sockets, egress::SocketToken token,
                       std::shared_ptr<const ws::TlsContext> tls)
    : url_(std::move(url)),
      wanted_(wanted),
      request_(http_get(url_)),
      sockets_(sockets),
      token_(token),
      tls_(url_.is_tls ? std::move(tls) : nullptr) {}

std::optional<HttpClient::Outcome> HttpClient::start(std::span<const IpAddress> addresses) {
  addresses_.assign(addresses.rbegin(), addresses.rend());
  last_failure_ = "no address";
  return connect_next();
}

void HttpClient::stop() {
  socket_.reset();
  channel_.reset();
  is_connected_ = false;
  is_request_sent_ = false;
  pending_.clear();
  head_.reset();
  body_.clear();
}

std::optional<HttpClient::Outcome> HttpClient::connect_next() {
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
    last_failure_ = to.to_string() + ": " + text_of_error(error);
  }
  return failed(last_failure_);
}

std::optional<HttpClient::Outcome> HttpClient::try_next_address() {
  last_failure_ = "connecting: " + text_of_error(ETIMEDOUT);
  return connect_next();
}

std::optional<HttpClient::Outcome> HttpClient::socket_ready(egress::Ready ready) {
  if (!socket_) return std::nullopt;
  if (!is_connected_) {
    const int error = socket_->connect_result();
    if (error == EINPROGRESS) {
      socket_->watch({.readable = false, .writable = true});
      return std::nullopt;
    }
    if (error != 0) {
      last_failure_ = "connecting: " + text_of_error(error);
      return connect_next();
    }
    return socket_connected();
  }
  if (!pending_.empty()) {
    if (auto outcome = send_pending()) return outcome;
  }
  return ready.readable ? read_answer() : std::nullopt;
}

std::optional<HttpClient::Outcome> HttpClient::socket_connected() {
  is_connected_ = true;
  head_.emplace(kMaxHead);
  if (url_.is_tls) {
    channel_ = ws::TlsChannel::connect(tls_, url_.host);
    channel_->start(pending_);
  } else {
    pending_.assign(request_.begin(), request_.end());
    is_request_sent_ = true;
  }
  return send_pending();
}

std::optional<HttpClient::Outcome> HttpClient::send_pending() {
  while (!pending_.empty()) {
    const iovec rest{pending_.data(), pending_.size()};
    const egress::IoResult result = socket_->write({&rest, 1});
    if (result.would_block()) {
      socket_->watch({.readable = true, .writable = true});
      return std::nullopt;
    }
    if (result.error != 0) return failed("sending: " + text_of_error(result.error));
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(result.bytes));
  }
  socket_->watch({.readable = true, .writable = false});
  return std::nullopt;
}

// One read per turn, so that an endless answer costs no more than what is wanted of it.
std::optional<HttpClient::Outcome> HttpClient::read_answer() {
  std::array<std::uint8_t, kMaxRead> room;
  const iovec into{room.data(), room.size()};
  const egress::IoResult result = socket_->read({&into, 1});
  if (result.error != 0 && !result.would_block()) return failed("reading: " + text_of_error(result.error));
  if (!result.would_block()) {
    const Bytes received = Bytes{room}.first(result.bytes);
    const bool is_end = result.is_end || received.empty();
    std::vector<std::uint8_t> plain;
    if (channel_ && !received.empty()) {
      if (auto outcome = unseal(received, plain)) return outcome;
    }
    take(channel_ ? Bytes{plain} : received);
    if (auto outcome = judge(is_end)) return outcome;
  }
  socket_->watch({.readable = true, .writable = false});
  return std::nullopt;
}

std::optional<HttpClient::Outcome> HttpClient::unseal(Bytes sealed, std::vector<std::uint8_t>& plain) {
  using State = ws::TlsChannel::State;
  const State state = channel_->receive(sealed, plain, pending_);
  if (state == State::kFailed) return failed("TLS: " + std::string{channel_->failure()});
  if (state == State::kOpen && !is_request_sent_) {
    channel_->send(bytes_of(request_), pending_);
    is_request_sent_ = true;
  }
  return pending_.empty() ? std::nullopt : send_pending();
}

void HttpClient::take(Bytes plain) {
  const Bytes of_body = plain.subspan(head_->receive(plain));
  if (head_->state() != ws::HttpAnswerParser::State::kComplete) return;
  body_.append(text_of(of_body.first(std::min(of_body.size(), kMaxBody - body_.size()))));
}

bool HttpClient::is_body_whole() const {
  const auto length = parse_number(head_->answer().header("content-length"));
  return body_.size() == kMaxBody || (length && body_.size() >= *length);
}

std::optional<HttpClient::Outcome> HttpClient::judge(bool is_end) {
  using State = ws::HttpAnswerParser::State;
  if (head_->state() == State::kFailed) return failed("the answer is not HTTP");
  if (head_->state() == State::kReading) {
    return is_end ? std::optional{failed("closed without an answer")} : std::nullopt;
  }
  if (wanted_ == Wanted::kBody && !is_end && !is_body_whole()) return std::nullopt;
  Outcome outcome{.status = head_->answer().status, .body = std::move(body_), .problem = {}};
  stop();
  return outcome;
}

HttpClient::Outcome HttpClient::failed(std::string problem) {
  stop();
  return {.status = 0, .body = {}, .problem = std::move(problem)};
}

}  // namespace wgr
