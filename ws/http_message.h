// HTTP/1 messages as bytes (RFC 9112), parsed by Beast without its IO: requests of clients, the answers of
// servers we dial, and responses as text.
//
// Strict where leniency is how requests get smuggled: no Transfer-Encoding, one Content-Length, no folded
// header lines, one Host, no upgrade over HTTP/1.0. An absolute target is reduced to its path, and its
// authority takes the place of Host (RFC 9112 3.2.2).
//
// Thread: confined to its connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "ws/http_handler.h"

namespace wgr::ws {

enum class HttpFault : std::uint8_t {
  kNone,
  kMalformed,      // answer 400
  kHeaderTooLong,  // 431
  kBodyTooLong,    // 413
  kEncoding,       // 501: a Transfer-Encoding
};

// The status to answer a fault with. REQUIRES: fault != kNone.
unsigned status_of(HttpFault fault) noexcept;

// Requests of one connection, one after another.
class HttpRequestParser {
 public:
  enum class State : std::uint8_t { kReading, kComplete, kFailed };

  HttpRequestParser(std::size_t max_header_bytes, std::size_t max_body_bytes)
      : max_header_bytes_(max_header_bytes), max_body_bytes_(max_body_bytes) {}

  // Takes from the front of `bytes` what belongs to the request; returns how much that was. What follows a
  // complete request (WebSocket data, another request) is left alone.
  std::size_t receive(Bytes bytes);

  State state() const noexcept { return state_; }
  HttpFault fault() const noexcept { return fault_; }  // kNone unless kFailed
  // No byte of a request has come.
  bool is_idle() const noexcept { return state_ == State::kReading && head_.empty() && !has_header_; }

  // REQUIRES for all below: state() == kComplete.
  const HttpRequest& request() const noexcept { return request_; }
  bool wants_keep_alive() const noexcept { return keep_alive_; }
  // Ready for the next one.
  HttpRequest take();

 private:
  std::size_t receive_head(Bytes bytes);
  void parse_head();
  void fail(HttpFault fault);

  const std::size_t max_header_bytes_;
  const std::size_t max_body_bytes_;
  State state_ = State::kReading;
  HttpFault fault_ = HttpFault::kNone;
  std::string head_;
  bool has_header_ = false;
  bool keep_alive_ = false;
  std::size_t body_left_ = 0;
  HttpRequest request_;
};

// The head of a server's answer: for an upgrade or a CONNECT, after which other bytes follow.
struct HttpAnswer {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case

  // The first of that name; empty: absent. `name` in lower case.
  std::string_view header(std::string_view name) const noexcept;
};

class HttpAnswerParser {
 public:
  using State = HttpRequestParser::State;

  explicit HttpAnswerParser(std::size_t max_header_bytes) : max_header_bytes_(max_header_bytes) {}

  // Takes the head and nothing after it; interim answers (1xx but 101) are skipped.
  std::size_t receive(Bytes bytes);
  State state() const noexcept { return state_; }
  const HttpAnswer& answer() const noexcept { return answer_; }  // REQUIRES: kComplete

 private:
  void parse_head();

  const std::size_t max_header_bytes_;
  State state_ = State::kReading;
  std::string head_;
  HttpAnswer answer_;
};

enum class KeepAlive : bool { kNo, kYes };
enum class Body : bool { kLeftOut, kSent };  // left out: the answer to HEAD

// With Content-Length and Connection. A header whose name or value cannot be one is left out.
std::string to_text(const HttpResponse& response, KeepAlive keep_alive, Body body = Body::kSent);

// Whether one of the comma-separated tokens of `list` is `token`, in any case (RFC 9110 5.6.1).
bool has_token(std::string_view list, std::string_view token) noexcept;

}  // namespace wgr::ws
