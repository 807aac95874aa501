#include "ws/handshake.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "core/base64.h"
#include "core/text.h"

namespace wgr::ws {
namespace {

constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kMaxSubprotocols = 16;

template <typename Headers>
bool any_has_token(const Headers& headers, std::string_view name, std::string_view token) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return header.first == name && has_token(header.second, token);
  });
}

template <typename Headers>
std::size_t count(const Headers& headers, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(),
                                                [&](const auto& header) { return header.first == name; }));
}

// RFC 9110 5.6.2
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_key(std::string_view text) {
  const auto bytes = from_base64(text);
  return bytes && bytes->size() == kKeyBytes;
}

}  // namespace

bool asks_for_upgrade(const HttpRequest& request) noexcept {
  return any_has_token(request.headers, "upgrade", "websocket");
}

UpgradeFault check_upgrade(const HttpRequest& request) noexcept {
  if (request.method != "GET") return UpgradeFault::kMethod;
  if (!asks_for_upgrade(request) || !any_has_token(request.headers, "connection", "upgrade")) {
    return UpgradeFault::kMalformed;
  }
  if (request.header("host").empty() || !request.body.empty()) return UpgradeFault::kMalformed;
  if (request.header("sec-websocket-version") != kWebSocketVersion) return UpgradeFault::kVersion;
  if (count(request.headers, "sec-websocket-key") != 1 ||
      count(request.headers, "sec-websocket-version") != 1) {
    return UpgradeFault::kMalformed;
  }
  return is_key(request.header("sec-websocket-key")) ? UpgradeFault::kNone : UpgradeFault::kMalformed;
}

HttpResponse refusal_of(UpgradeFault fault) {
  assert(fault != UpgradeFault::kNone);
  HttpResponse response;
  switch (fault) {
    case UpgradeFault::kMethod:
      response.status = 405;
      response.headers = {{"Allow", "GET"}};
      response.body = "A WebSocket begins with GET.\n";
      break;
    case UpgradeFault::kVersion:
      response.status = 426;
      response.headers = {{"Upgrade", "websocket"},  // RFC 9110 15.5.22
                          {"Sec-WebSocket-Version", std::string{kWebSocketVersion}}};
      response.body = "This server speaks version 13 of the WebSocket protocol.\n";
      break;
    case UpgradeFault::kNone:
    case UpgradeFault::kMalformed:
      response.status = 400;
      response.body = "This is no valid WebSocket handshake.\n";
      break;
  }
  return response;
}

std::vector<std::string> offered_subprotocols(const HttpRequest& request) {
  std::vector<std::string> offered;
  for (const auto& [name, value] : request.headers) {
    if (name != "sec-websocket-protocol") continue;
    for (std::string& item : split_list(value)) {
      if (!is_token(item) || offered.size() == kMaxSubprotocols) return {};
      offered.push_back(std::move(item));
    }
  }
  return offered;
}

std::string upgrade_response(const HttpRequest& request, std::string_view subprotocol) {
  assert(check_upgrade(request) == UpgradeFault::kNone);
  std::string text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  text.append("Sec-WebSocket-Accept: ")
      .append(accept_key(request.header("sec-websocket-key")))
      .append("\r\n");
  if (!subprotocol.empty()) text.append("Sec-WebSocket-Protocol: ").append(subprotocol).append("\r\n");
  return text.append("\r\n");
}

std::string make_key(Rng& rng) {
  std::array<std::uint8_t, kKeyBytes> bytes;
  store_le(bytes.data(), rng.next());
  store_le(bytes.data() + 8, rng.next());
  return to_base64(bytes);
}

std::string to_text(const UpgradeRequest& request) {
  std::string text = "GET " + request.target + " HTTP/1.1\r\nHost: " + request.host +
                     "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + request.key +
                     "\r\nSec-WebSocket-Version: ";
  text.append(kWebSocketVersion).append("\r\n");
  if (!request.subprotocols.empty()) {
    text.append("Sec-WebSocket-Protocol: ");
    for (std::size_t i = 0; i < request.subprotocols.size(); ++i) {
      text.append(i == 0 ? "" : ", ").append(request.subprotocols[i]);
    }
    text.append("\r\n");
  }
  for (const auto& [name, value] : request.headers)
    text.append(name).append(": ").append(value).append("\r\n");
  return text.append("\r\n");
}

// RFC 6455 4.1, the client's checks in their order.
std::optional<std::string> find_fault(const UpgradeRequest& request, const HttpAnswer& answer) {
  if (answer.status != 101) return "it answers " + std::to_string(answer.status);
  if (!has_token(answer.header("upgrade"), "websocket")) return "its answer upgrades to something else";
  if (!any_has_token(answer.headers, "connection", "upgrade")) return "its answer does not upgrade";
  if (answer.header("sec-websocket-accept") != accept_key(request.key)) return "its answer is to another key";
  if (count(answer.headers, "sec-websocket-extensions") > 0) return "it wants an extension nobody offered";
  const std::string_view chosen = answer.header("sec-websocket-protocol");
  const auto& offered = request.subprotocols;
  if (offered.empty() ? !chosen.empty()
                      : std::find(offered.begin(), offered.end(), chosen) == offered.end()) {
    return "it chooses no subprotocol that was offered";
  }
  return std::nullopt;
}

}  // namespace wgr::ws
