#include "cmd/dns_over_https.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

int base64url_value(char digit) noexcept {
  if (digit >= 'A' && digit <= 'Z') return digit - 'A';
  if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26;
  if (digit >= '0' && digit <= '9') return digit - '0' + 52;
  if (digit == '-') return 62;
  return digit == '_' ? 63 : -1;
}

// RFC 4648 5, without padding (RFC 8484 6).
std::optional<std::vector<std::uint8_t>> read_base64url(std::string_view text) {
  if (text.size() % 4 == 1 || text.size() > kMaxMessage * 4 / 3 + 4) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char digit : text) {
    const int value = base64url_value(digit);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> held));
  }
  return bytes;
}

std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

std::variant<DnsQuestion, ws::HttpResponse> checked(std::vector<std::uint8_t> message) {
  if (message.size() < kMinMessage || message.size() > kMaxMessage) {
    return refusal(400, "not a DNS message\n");
  }
  return DnsQuestion{std::move(message)};
}

// "application/dns-message; charset=x" counts too.
bool is_dns_message(std::string_view content_type) {
  std::string type{content_type.substr(0, content_type.find(';'))};
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  return type == kDnsMessage;
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
  auto message = read_base64url(*text);
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
