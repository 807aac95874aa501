// The part of a connection before its upgrade.
#include <array>
#include <utility>

#include "ws/connection.h"
#include "ws/handshake.h"
#include "ws/page.h"

namespace wgr::ws {
namespace {

HttpResponse text_response(unsigned status, std::string_view text) {
  HttpResponse response;
  response.status = status;
  response.body = std::string{text} + "\n";
  return response;
}

std::string_view text_of(unsigned status) {
  switch (status) {
    case 400:
      return "this is no valid request";
    case 408:
      return "the request took too long";
    case 413:
      return "the request is too large";
    case 431:
      return "the header of the request is too large";
    case 501:
      return "this transfer encoding is not accepted";
    case 503:
      return "the router stops";
    default:
      return "the request failed";
  }
}

}  // namespace

void Connection::receive_request(MutableBytes bytes, Instant now, Out& out) {
  if (bytes.empty()) return;
  if (has_output()) {  // it did not wait for its answer
    begin_ending(now);
    return;
  }
  const Limits& limits = profile_->config->limits;
  if (parser_ == nullptr)
    parser_ = std::make_unique<HttpRequestParser>(limits.header_bytes, limits.body_bytes);
  if (counted_as_ != Counted::kHalfOpen && parser_->is_idle()) state_deadline_ = now + limits.header_timeout;
  const std::size_t taken = parser_->receive(bytes);
  switch (parser_->state()) {
    case HttpRequestParser::State::kReading:
      return;
    case HttpRequestParser::State::kFailed:
      return fail_request(status_of(parser_->fault()), now);
    case HttpRequestParser::State::kComplete:
      return serve(bytes.subspan(taken), now, out);
  }
}

// `rest`: what came behind the request.
void Connection::serve(MutableBytes rest, Instant now, Out& out) {
  keeps_alive_ = parser_->wants_keep_alive() && rest.empty() && !is_draining_;
  HttpRequest request = parser_->take();
  parser_.reset();
  leaves_body_out_ = request.method == "HEAD";
  ++request_number_;
  if (asks_for_upgrade(request)) {
    if (const UpgradeFault fault = check_upgrade(request); fault != UpgradeFault::kNone) {
      shared_.counters.refused_handshake.add();
      keeps_alive_ = false;
      return answer(refusal_of(fault), now);
    }
  }
  const Config& config = *profile_->config;
  const Decision decision = decide(request, identity_.arrival, config.listeners[identity_.listener], config);
  info_.source = decision.source;
  info_.token = decision.token;
  if (std::holds_alternative<Upgrade>(decision.verdict) ||
      std::holds_alternative<Refusal>(decision.verdict)) {
    upgrade(decision, request, now, out);
    if (state_ == State::kWebSocket && !rest.empty()) receive_messages(rest, now, out);
    return;
  }
  serve_plain(decision, std::move(request), now, out);
}

void Connection::serve_plain(const Decision& decision, HttpRequest request, Instant now, Out& out) {
  if (const auto* const handle = std::get_if<Handle>(&decision.verdict)) {
    info_.service = handle->service;
    state_ = State::kHandling;
    state_deadline_ = now + profile_->config->limits.handshake_timeout;
    request.path = decision.path;
    out.request = std::move(request);
    return;
  }
  if (const auto* const forbidden = std::get_if<Forbidden>(&decision.verdict)) {
    shared_.counters.refused_origin.add();
    out.refused = forbidden->reason;
    return answer(text_response(403, forbidden->reason), now);
  }
  answer(response_to(std::get<Answer>(decision.verdict), decision, request), now);
}

HttpResponse Connection::response_to(Answer verdict, const Decision& decision,
                                     const HttpRequest& request) const {
  const std::vector<Route>& routes = profile_->config->listeners[identity_.listener].routes;
  const Visit visit{.source = decision.source,
                    .is_secure = decision.is_secure,
                    .host = std::string{request.header("host")},
                    .routes = routes,
                    .sessions = shared_.limits.sessions_of(decision.source.ip)};
  switch (verdict) {
    case Answer::kPage:
      return make_page(visit);
    case Answer::kUpgradeRequired:
      return make_upgrade_page(visit);
    case Answer::kUnauthorized: {
      HttpResponse response = text_response(401, "a valid token is required");
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      return response;
    }
    case Answer::kMethodNotAllowed: {
      HttpResponse response = text_response(405, "this method is not allowed here");
      response.headers.emplace_back("Allow", allowed_methods(decision.handler));
      return response;
    }
    case Answer::kNotFound:
      break;
  }
  return text_response(404, "not found");
}

void Connection::respond(std::uint32_t number, const HttpResponse& response, Instant now) {
  if (state_ != State::kHandling || number != request_number_) return;
  answer(response, now);
}

// REQUIRES: nothing of an earlier answer is pending.
void Connection::answer(const HttpResponse& response, Instant now) {
  keeps_alive_ = keeps_alive_ && may_keep_alive();
  shared_.counters.requests.add();
  answer_ = to_text(response, keeps_alive_ ? KeepAlive::kYes : KeepAlive::kNo,
                    leaves_body_out_ ? Body::kLeftOut : Body::kSent);
  answer_position_ = 0;
  if (!keeps_alive_) return begin_ending(now);
  state_ = State::kRequest;
  state_deadline_ = now + profile_->config->limits.keep_alive_timeout;
}

void Connection::met_plain_http(Instant now) {
  if (state_ != State::kTls) return lost();
  shared_.counters.refused_plain_http.add();
  answer(text_response(400, "this port speaks TLS: use https:// (a WebSocket: wss://)"), now);
}

void Connection::fail_request(unsigned status, Instant now) {
  shared_.counters.refused_handshake.add();
  keeps_alive_ = leaves_body_out_ = false;
  parser_.reset();
  answer(text_response(status, text_of(status)), now);
}

}  // namespace wgr::ws
