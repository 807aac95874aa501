#include "cmd/wgrouter/healthcheck.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <ostream>

#include "boost/asio/connect.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/read.hpp"
#include "boost/asio/write.hpp"

#include "core/egress/resolver.h"

namespace wgr {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kMaxReply = 64 * 1024;
constexpr std::size_t kMaxLine = 400;

// One question, step by step; gone when the context stops running.
class Question {
 public:
  Question(asio::io_context& context, std::vector<tcp::endpoint> endpoints, std::string request)
      : socket_(context), endpoints_(std::move(endpoints)), request_(std::move(request)) {
    asio::async_connect(socket_, endpoints_, [this](error_code error, const tcp::endpoint&) {
      if (error) return fail("cannot connect", error);
      send();
    });
  }

  bool is_done() const noexcept { return is_done_; }
  const std::string& problem() const noexcept { return problem_; }
  const std::string& reply() const noexcept { return reply_; }

 private:
  void send() {
    asio::async_write(socket_, asio::buffer(request_), [this](error_code error, std::size_t) {
      if (error) return fail("cannot ask", error);
      receive();
    });
  }

  // Until the other side closes, as the request asks it to.
  void receive() {
    asio::async_read(socket_, asio::dynamic_buffer(reply_, kMaxReply), [this](error_code error, std::size_t) {
      if (error && error != asio::error::eof) return fail("no answer", error);
      is_done_ = true;
    });
  }

  void fail(const std::string& what, error_code error) {
    problem_ = what + ": " + error.message();
    is_done_ = true;
  }

  tcp::socket socket_;
  const std::vector<tcp::endpoint> endpoints_;
  const std::string request_;
  std::string reply_;
  std::string problem_;
  bool is_done_ = false;
};

tcp::endpoint endpoint_of(const IpAddress& ip, std::uint16_t port) {
  return {asio::ip::make_address(ip.to_string()), port};
}

// The body as one line that no terminal minds.
std::string line_of(std::string_view reply) {
  const std::size_t head = reply.find("\r\n\r\n");
  std::string_view body = head == std::string_view::npos ? std::string_view{} : reply.substr(head + 4);
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
  std::string line;
  for (const char c : body.substr(0, kMaxLine)) {
    if (c == '\n') {
      line += "; ";
    } else {
      line += c >= ' ' && c < '\x7f' ? c : '?';
    }
  }
  return line;
}

struct Verdict {
  bool is_good = false;
  std::string text;
};

Verdict ask(const HttpUrl& url, Duration timeout) {
  const egress::Resolver::Answer found = egress::look_up(url.host);
  if (found.addresses.empty()) return {false, url.host + ": " + found.error};
  std::vector<tcp::endpoint> endpoints;
  endpoints.reserve(found.addresses.size());
  for (const IpAddress& ip : found.addresses) endpoints.push_back(endpoint_of(ip, url.port));

  asio::io_context context{1};
  const Question question{context, std::move(endpoints), http_get(url)};
  context.run_for(timeout);
  if (!question.is_done()) return {false, "no answer in time"};
  if (!question.problem().empty()) return {false, question.problem()};
  const HttpStatus status = read_http_status(question.reply());
  if (status.line != ReplyLine::kComplete) return {false, "the answer is not HTTP"};
  std::string text = line_of(question.reply());
  if (text.empty()) text = "answered " + std::to_string(status.code);
  return {status.code >= 200 && status.code < 300, std::move(text)};
}

// A configuration that does not load is no failure of a router that serves on with the former one: such a
// router is asked where it listens unless told otherwise.
std::optional<HttpUrl> configured_url(const ConfigSource& source, std::string& problem) {
  metrics::ListenerConfig listener;
  try {
    listener = source.check().metrics.listener;
  } catch (const ConfigError&) {
    problem = "the configuration has problems, see check-config; asked the default listener";
  }
  if (listener.enabled && listener.port != 0) return readiness_url(listener);
  problem = "metrics.listen: there is no listener with a known port to ask; use --url URL";
  return std::nullopt;
}

std::optional<HttpUrl> given_url(const std::string& text, std::string& problem) {
  std::string clause;
  std::optional<HttpUrl> url = parse_http_url(text, clause);
  if (url && url->is_tls) {
    clause = "https is not asked; use http://";
    url.reset();
  }
  if (!url) problem = "--url: " + clause;
  return url;
}

}  // namespace

int run_healthcheck(const std::string& url, const ConfigSource& source, std::ostream& out, Duration timeout) {
  std::string problem;
  const std::optional<HttpUrl> asked =
      url.empty() ? configured_url(source, problem) : given_url(url, problem);
  Verdict verdict{.is_good = false, .text = problem};
  if (asked) {
    verdict = ask(*asked, timeout);
    if (!problem.empty()) verdict.text += " (" + problem + ")";
  }
  out << verdict.text << '\n' << std::flush;
  return verdict.is_good && out ? 0 : 1;
}

HttpUrl readiness_url(const metrics::ListenerConfig& listener) {
  HttpUrl url{.host = "127.0.0.1", .port = listener.port, .target = "/readyz"};
  if (listener.addresses.empty()) return url;
  const IpAddress& ip = listener.addresses.front();
  if (!ip.is_unspecified()) {
    url.host = ip.to_string();
  } else if (!ip.is_v4()) {
    url.host = "::1";
  }
  return url;
}

}  // namespace wgr
