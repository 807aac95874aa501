#include "ws/http_message.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "boost/asio/buffer.hpp"
#include "boost/beast/http/empty_body.hpp"
#include "boost/beast/http/parser.hpp"
#include "boost/beast/http/rfc7230.hpp"
#include "boost/beast/http/status.hpp"

#include "core/text.h"

namespace wgr::ws {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr unsigned kMaxInterimAnswers = 8;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// Appends to `head` up to its end; returns how many of `bytes` that took, and whether the end was there.
struct HeadTaken {
  std::size_t size;
  bool is_whole;
};
HeadTaken take_head(std::string& head, Bytes bytes, std::size_t max_bytes) {
  const std::size_t before = head.size();
  const Bytes taken = bytes.first(std::min(bytes.size(), max_bytes - std::min(max_bytes, before)));
  head.append(taken.begin(), taken.end());
  const std::size_t from = before - std::min(before, kEndOfHead.size() - 1);
  const std::size_t end = head.find(kEndOfHead, from);
  if (end == std::string::npos) return {taken.size(), false};
  head.resize(end + kEndOfHead.size());
  return {head.size() - before, true};
}

// RFC 9112 4: whether it is how an answer begins, as far as it goes.
bool may_be_answer(std::string_view head) {
  constexpr std::string_view kVersion = "HTTP/1.";
  const std::size_t known = std::min(head.size(), kVersion.size());
  return head.substr(0, known) == kVersion.substr(0, known);
}

// RFC 9112 5.2: a line that continues the one before means different things to different parsers.
bool has_folded_line(std::string_view head) {
  return head.find("\r\n ") != std::string_view::npos || head.find("\r\n\t") != std::string_view::npos;
}

template <typename Parser>
bool parse_whole_head(Parser& parser, std::string_view head) {
  boost::beast::error_code ec;
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());  // the caller's bound holds
  parser.body_limit(boost::none);
  const std::size_t size = parser.put(boost::asio::buffer(head.data(), head.size()), ec);
  return !ec && size == head.size() && parser.is_header_done();
}

template <typename Fields>
std::vector<std::pair<std::string, std::string>> headers_of(const Fields& fields) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& field : fields) {
    headers.emplace_back(to_lower(view(field.name_string())), view(field.value()));
  }
  return headers;
}

std::string_view find_header(const std::vector<std::pair<std::string, std::string>>& headers,
                             std::string_view name) noexcept {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::size_t count_headers(const HttpRequest& request, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(request.headers.begin(), request.headers.end(),
                                                [&](const auto& header) { return header.first == name; }));
}

void set_header(HttpRequest& request, std::string_view name, std::string_view value) {
  for (auto& [key, old] : request.headers) {
    if (key == name) {
      old = value;
      return;
    }
  }
  request.headers.emplace_back(name, value);
}

// RFC 9112 3.2. False: no form that a server of ours takes.
bool set_target(HttpRequest& request, std::string_view target) {
  if (target.find('#') != std::string_view::npos) return false;
  if (target == "*") {
    if (request.method != "OPTIONS") return false;
    request.path = target;
    return true;
  }
  const std::string scheme = to_lower(target.substr(0, 8));
  for (const std::string_view prefix : {std::string_view{"http://"}, std::string_view{"https://"}}) {
    if (!scheme.starts_with(prefix)) continue;
    target.remove_prefix(prefix.size());
    const std::string_view authority = target.substr(0, target.find_first_of("/?"));
    if (authority.empty() || authority.find('@') != std::string_view::npos) return false;
    set_header(request, "host", authority);
    target.remove_prefix(authority.size());
    if (!target.starts_with('/')) {  // "http://host?query"
      request.path = "/";
      request.query = target.substr(std::min<std::size_t>(1, target.size()));
      return true;
    }
    break;
  }
  if (!target.starts_with('/')) return false;
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  return true;
}

bool may_be_header(std::string_view name, std::string_view value) {
  const auto is_token_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  const auto is_text = [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char) &&
         std::all_of(value.begin(), value.end(), is_text);
}

void append_header(std::string& text, std::string_view name, std::string_view value) {
  if (!may_be_header(name, value)) return;
  text.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const noexcept {
  return find_header(headers, name);
}
std::string_view HttpAnswer::header(std::string_view name) const noexcept {
  return find_header(headers, name);
}

unsigned status_of(HttpFault fault) noexcept {
  switch (fault) {
    case HttpFault::kHeaderTooLong:
      return 431;
    case HttpFault::kBodyTooLong:
      return 413;
    case HttpFault::kEncoding:
      return 501;
    case HttpFault::kNone:
    case HttpFault::kMalformed:
      return 400;
  }
  return 400;
}

// ---- requests

std::size_t HttpRequestParser::receive(Bytes bytes) {
  std::size_t taken = 0;
  if (state_ == State::kReading && !has_header_) taken = receive_head(bytes);
  if (state_ == State::kReading && has_header_) {
    const Bytes body = bytes.subspan(taken, std::min(bytes.size() - taken, body_left_));
    request_.body.append(body.begin(), body.end());
    body_left_ -= body.size();
    taken += body.size();
    if (body_left_ == 0) state_ = State::kComplete;
  }
  return taken;
}

std::size_t HttpRequestParser::receive_head(Bytes bytes) {
  const auto [size, is_whole] = take_head(head_, bytes, max_header_bytes_);
  if (!head_.empty() && (head_[0] < 'A' || head_[0] > 'Z')) {
    fail(HttpFault::kMalformed);  // TLS on a plain port, say: no need to wait for more
  } else if (is_whole) {
    parse_head();
  } else if (head_.size() >= max_header_bytes_) {
    fail(HttpFault::kHeaderTooLong);
  }
  return size;
}

void HttpRequestParser::parse_head() {
  const std::string head = std::exchange(head_, {});
  http::request_parser<http::empty_body> parser;
  if (has_folded_line(head) || !parse_whole_head(parser, head)) return fail(HttpFault::kMalformed);
  const auto& message = parser.get();
  request_ = {};
  request_.method = view(message.method_string());
  request_.headers = headers_of(message);
  const bool is_http10 = message.version() < 11;
  const std::size_t lengths = count_headers(request_, "content-length");
  if (count_headers(request_, "transfer-encoding") > 0) {
    return fail(lengths > 0 ? HttpFault::kMalformed : HttpFault::kEncoding);
  }
  const bool length_is_clear =
      lengths == 0 || (lengths == 1 && parse_number(request_.header("content-length")));
  const std::size_t hosts = count_headers(request_, "host");
  const bool upgrades = count_headers(request_, "upgrade") > 0;
  if (!length_is_clear || hosts > 1 || (hosts == 0 && !is_http10) || (upgrades && is_http10) ||
      !set_target(request_, view(message.target()))) {
    return fail(HttpFault::kMalformed);
  }
  const std::uint64_t length = lengths == 0 ? 0 : *parse_number(request_.header("content-length"));
  if (length > max_body_bytes_) return fail(HttpFault::kBodyTooLong);
  body_left_ = static_cast<std::size_t>(length);
  keep_alive_ = message.keep_alive();
  has_header_ = true;
}

void HttpRequestParser::fail(HttpFault fault) {
  state_ = State::kFailed;
  fault_ = fault;
  head_ = {};
  request_ = {};
}

HttpRequest HttpRequestParser::take() {
  assert(state_ == State::kComplete);
  state_ = State::kReading;
  has_header_ = false;
  return std::exchange(request_, {});
}

// ---- answers

std::size_t HttpAnswerParser::receive(Bytes bytes) {
  std::size_t taken = 0;
  for (unsigned i = 0; i < kMaxInterimAnswers && state_ == State::kReading && taken < bytes.size(); ++i) {
    const auto [size, is_whole] = take_head(head_, bytes.subspan(taken), max_header_bytes_);
    taken += size;
    if (!may_be_answer(head_)) {
      state_ = State::kFailed;  // SSH, say, which waits for us to speak
    } else if (is_whole) {
      parse_head();
    } else if (head_.size() >= max_header_bytes_) {
      state_ = State::kFailed;
    }
  }
  return taken;
}

void HttpAnswerParser::parse_head() {
  const std::string head = std::exchange(head_, {});
  http::response_parser<http::empty_body> parser;
  parser.skip(true);  // whatever it says of a body is read by somebody else
  if (has_folded_line(head) || !parse_whole_head(parser, head)) {
    state_ = State::kFailed;
    return;
  }
  const auto& message = parser.get();
  if (message.result_int() / 100 == 1 && message.result_int() != 101) return;
  answer_.status = message.result_int();
  answer_.headers = headers_of(message);
  state_ = State::kComplete;
}

// ---- text

std::string to_text(const HttpResponse& response, KeepAlive keep_alive, Body body) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text.append(view(http::obsolete_reason(static_cast<http::status>(response.status)))).append("\r\n");
  const bool may_have_body = response.status >= 200 && response.status != 204 && response.status != 304;
  if (may_have_body) {
    if (!response.content_type.empty() && !response.body.empty()) {
      append_header(text, "Content-Type", response.content_type);
    }
    append_header(text, "Content-Length", std::to_string(response.body.size()));
  }
  // RFC 9110 7.8: Upgrade is for the next hop only, and said so.
  const bool has_upgrade = std::any_of(response.headers.begin(), response.headers.end(),
                                       [](const auto& header) { return header.first == "Upgrade"; });
  append_header(
      text, "Connection",
      std::string{keep_alive == KeepAlive::kYes ? "keep-alive" : "close"} + (has_upgrade ? ", Upgrade" : ""));
  for (const auto& [name, value] : response.headers) append_header(text, name, value);
  text.append("\r\n");
  if (may_have_body && body == Body::kSent) text.append(response.body);
  return text;
}

bool has_token(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view item = trim(list.substr(0, comma));
    if (boost::beast::iequals({item.data(), item.size()}, {token.data(), token.size()})) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace wgr::ws
