#include "cmd/dns_over_https.h"

#include <string>
#include <string_view>
#include <utility>

#include "core/base64.h"
#include "core/query.h"
#include "core/text.h"

namespace wgr {
namespace {

constexpr std::string_view kDnsMessage = "application/dns-message";
constexpr std::size_t kMinMessage = 12;    // the header
constexpr std::size_t kMaxMessage = 4096;  // questions are short

using Headers = std::vector<std::pair<std::string, std::string>>;

Headers cross_origin() { return {{"Access-Control-Allow-Origin", "*"}}; }

ws::HttpResponse refusal(unsigned status, std::string text) {
  return {.status = status, .headers = cross_origin(), .body = std::move(text)};
}

ws::HttpResponse preflight() {
  Headers headers = cross_origin();
  headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS");
  headers.emplace_back("Access-Control-Allow-Headers", "content-type, accept, authorization");
  headers.emplace_back("Access-Control-Max-Age", "86400");
  return {.status = 204, .content_type = "", .headers = std::move(headers), .body = ""};
}

std::variant<DnsQuestion, ws::HttpResponse> checked(std::vector<std::uint8_t> message) {
  if (message.size() < kMinMessage || message.size() > kMaxMessage) {
    return refusal(400, "not a DNS message\n");
  }
  return DnsQuestion{std::move(message)};
}

// "application/dns-message; charset=x" counts too.
bool is_dns_message(std::string_view content_type) {
  return to_lower(trim(content_type.substr(0, content_type.find(';')))) == kDnsMessage;
}

}  // namespace

std::variant<DnsQuestion, ws::HttpResponse> read_dns_request(const ws::HttpRequest& request) {
  if (request.method == "OPTIONS") return preflight();
  if (request.method == "POST") {
    if (!is_dns_message(request.header("content-type"))) {
      return refusal(415, "the body must be application/dns-message\n");
    }
    return checked({request.body.begin(), request.body.end()});
  }
  if (request.method != "GET" && request.method != "HEAD") {
    ws::HttpResponse response = refusal(405, "GET or POST\n");
    response.headers.emplace_back("Allow", "GET, HEAD, POST, OPTIONS");
    return response;
  }
  const auto text = query_value(request.query, "dns");
  if (!text) return refusal(400, "the question is missing: ?dns=...\n");
  auto message = from_base64url(*text);  // RFC 8484 6
  if (!message) return refusal(400, "?dns= is not base64url\n");
  return checked(std::move(*message));
}

ws::HttpResponse dns_response(Bytes message) {
  if (message.empty()) return refusal(400, "not a DNS query\n");
  return {.status = 200,
          .content_type = std::string{kDnsMessage},
          .headers = cross_origin(),
          .body = std::string{message.begin(), message.end()}};
}

}  // namespace wgr
