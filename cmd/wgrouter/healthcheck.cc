#include "cmd/wgrouter/healthcheck.h"

#include <chrono>
#include <optional>
#include <ostream>

#include "boost/asio/io_context.hpp"

#include "cmd/http_client.h"
#include "core/egress/host_sockets.h"
#include "core/egress/resolver.h"

namespace wgr {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxLine = 400;

// One question, gone when the context stops running; it stops it with the answer.
class Question {
 public:
  Question(asio::io_context& context, const HttpUrl& url, std::span<const IpAddress> addresses)
      : context_(context),
        sockets_(context, [this](auto /*token*/, auto ready) { note(client_.socket_ready(ready)); }),
        client_(url, HttpClient::Wanted::kBody, sockets_, /*token=*/1, /*tls=*/nullptr) {
    note(client_.start(addresses));
  }

  const std::optional<HttpClient::Outcome>& outcome() const noexcept { return outcome_; }

 private:
  void note(std::optional<HttpClient::Outcome> outcome) {
    if (!outcome) return;
    outcome_ = std::move(outcome);
    context_.stop();
  }

  asio::io_context& context_;
  egress::HostSockets sockets_;
  HttpClient client_;
  std::optional<HttpClient::Outcome> outcome_;
};

// As one line that no terminal minds.
std::string line_of(std::string_view body) {
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
  asio::io_context context{1};
  Question question{context, url, found.addresses};
  context.run_for(timeout);
  const auto& outcome = question.outcome();
  if (!outcome) return {false, "no answer in time"};
  if (outcome->status == 0) return {false, outcome->problem};
  std::string text = line_of(outcome->body);
  if (text.empty()) text = "answered " + std::to_string(outcome->status);
  return {outcome->status >= 200 && outcome->status < 300, std::move(text)};
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
  problem = "metrics.port: there is no listener with a known port to ask; use --url URL";
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
