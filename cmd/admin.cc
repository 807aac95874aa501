#include "cmd/admin.h"

#include <utility>

#include "core/bytes.h"
#include "core/secret.h"
#include "core/text.h"
#include "metrics/process_stats.h"

namespace wgr {
namespace {

constexpr unsigned kUnauthorized = 401;
constexpr unsigned kNotFound = 404;
constexpr unsigned kMethodNotAllowed = 405;

// What changes from one moment to the next is not to be kept by anybody on the way.
ws::HttpResponse response_of(unsigned status, std::string_view type, std::string body) {
  return {.status = status,
          .content_type = std::string{type},
          .headers = {{"Cache-Control", "no-store"}},
          .body = std::move(body)};
}

ws::HttpResponse refusal(unsigned status, std::string body) {
  return response_of(status, "text/plain; charset=utf-8", std::move(body));
}

}  // namespace

Admin::Admin(const metrics::Config& config, TakeSnapshot take_snapshot, metrics::Health& health,
             Respond respond)
    : token_(config.listener.token),
      take_snapshot_(std::move(take_snapshot)),
      health_(health),
      respond_(std::move(respond)),
      registry_(config.exporter) {}

void Admin::request_received(ws::RequestId id, ws::Service service, const SocketAddress& /*source*/,
                             const ws::HttpRequest& request, Instant now) {
  if (request.method != "GET" && request.method != "HEAD") {
    ws::HttpResponse refused = refusal(kMethodNotAllowed, "GET or HEAD only\n");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    respond_(id, refused);
  } else if (service == ws::Service::kMetrics) {
    answer_metrics(id, request);
  } else if (service == ws::Service::kHealth) {
    respond_(id, health_response(request, now));
  } else {
    respond_(id, refusal(kNotFound, "not found\n"));
  }
}

void Admin::answer_metrics(ws::RequestId id, const ws::HttpRequest& request) {
  if (!has_token(request)) {
    ws::HttpResponse refused = refusal(kUnauthorized, "a bearer token is required\n");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer");
    respond_(id, refused);
    return;
  }
  take_snapshot_([this, id](const metrics::Snapshot& snapshot) {
    respond_(id, response_of(200, metrics::kExpositionType, registry_.exposition(snapshot)));
  });
}

ws::HttpResponse Admin::health_response(const ws::HttpRequest& request, Instant now) const {
  const metrics::DescriptorUse descriptors = metrics::read_descriptor_use();
  health_.facts().open_descriptors = descriptors.open;
  health_.facts().descriptor_limit = descriptors.limit;
  // A route may end in a slash.
  std::string_view path = request.path;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  auto answer = health_.answer(path, request.query, request.header("accept"), now);
  if (!answer) return refusal(kNotFound, "not found\n");
  return response_of(answer->status, answer->content_type, std::move(answer->body));
}

// RFC 6750 2.1; the scheme's case does not count.
bool Admin::has_token(const ws::HttpRequest& request) const {
  if (token_.empty()) return true;
  const std::string_view given = request.header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (to_lower(given.substr(0, kScheme.size())) != kScheme) return false;
  return equal_secret(bytes_of(trim(given.substr(kScheme.size()))), bytes_of(token_));
}

ws::ListenerConfig admin_listener(const metrics::ListenerConfig& config) {
  ws::ListenerConfig listener;
  listener.addresses = config.addresses;
  listener.port = config.port;
  listener.names = config.hosts;
  const auto serve = [&listener](std::string path, ws::Service service) {
    listener.routes.push_back({.path = std::move(path), .service = service, .network = {}});
  };
  serve("/metrics", ws::Service::kMetrics);
  for (const char* path : {"/livez", "/readyz", "/healthz"}) serve(path, ws::Service::kHealth);
  listener.origin = "metrics.port";
  return listener;
}

}  // namespace wgr
