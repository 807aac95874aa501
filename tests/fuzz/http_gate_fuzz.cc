// Any request at a listener with tokens: whatever it says, nobody enters without the token, no refusal names
// it, and one offered subprotocol comes back or none.
//
// Input: lines. The first is method, path and query by spaces; the others are headers, "name:value".
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "ws/http_gate.h"

namespace wgr::ws {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t size = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return taken;
}

HttpRequest request_from(std::string_view text) {
  HttpRequest request;
  std::string_view line = take_until(text, '\n');
  request.method = take_until(line, ' ');
  request.path = take_until(line, ' ');
  request.query = line;
  while (!text.empty() && request.headers.size() < 64) {
    line = take_until(text, '\n');
    const std::string_view name = take_until(line, ':');
    request.headers.emplace_back(name, line);
  }
  return request;
}

ListenerConfig listener() {
  ListenerConfig listener;
  listener.routes = {{"/", Service::kEthernet, "lan"},
                     {"/wg", Service::kWireGuard, ""},
                     {"/dns-query", Service::kDns, ""},
                     {"/metrics", Service::kMetrics, ""}};
  listener.origins = {"https://copy.sh"};
  listener.tokens = {{"name", "SECRET", {}}};
  return listener;
}

Config config() {
  Config config;
  config.trusted_proxies = {Prefix{IpAddress::v4(10, 0, 0, 0), 8}};
  config.tunnels = {.port = 51820, .others = {{"wg.example", 0}}};
  return config;
}

void fuzz_gate(std::string_view text) {
  static const ListenerConfig kListener = listener();
  static const Config kConfig = config();
  const HttpRequest request = request_from(text);
  const Arrival arrival{
      .peer = {IpAddress::v4(10, 0, 0, 1), 1}, .local = {IpAddress::v4(10, 0, 0, 2), 8087}, .is_tls = true};
  const Decision decision = decide(request, arrival, kListener, kConfig);

  require(decision.token.empty() || decision.token == "name");
  std::string subprotocol;
  if (const auto* upgrade = std::get_if<Upgrade>(&decision.verdict)) {
    require(decision.token == "name");
    subprotocol = upgrade->subprotocol;
  }
  if (const auto* handle = std::get_if<Handle>(&decision.verdict)) {
    require(decision.token == "name" || request.method == "OPTIONS");
    require(handle->service != Service::kEthernet && handle->service != Service::kWireGuard);
  }
  if (const auto* refusal = std::get_if<Refusal>(&decision.verdict)) {
    // The client's own Origin and Host come back, whatever they say.
    const bool is_told = refusal->why == Refusal::Why::kOrigin;
    require(is_told || refusal->reason.find("SECRET") == std::string::npos);
    require(refusal->reason.size() <= 123);
    require(std::ranges::all_of(refusal->reason, [](char c) { return c >= ' ' && c <= '~'; }));
    subprotocol = refusal->subprotocol;
  }
  require(subprotocol.empty() || std::ranges::any_of(request.headers, [&](const auto& header) {
            return header.first == "sec-websocket-protocol" &&
                   header.second.find(subprotocol) != std::string::npos;
          }));
}

}  // namespace
}  // namespace wgr::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::ws::fuzz_gate({reinterpret_cast<const char*>(data), size});
  return 0;
}
