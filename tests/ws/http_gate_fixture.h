// A listener with every kind of route, asked by a page that its own host served.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"

#include "ws/http_gate.h"

namespace wgr::ws {

using Headers = std::vector<std::pair<std::string, std::string>>;

inline SocketAddress at(const char* text) { return SocketAddress::parse(text).value(); }

// What a decision comes down to, as one line: "ethernet lab qemu echo=binary".
inline std::string describe(const Decision& decision) {
  static constexpr const char* kServices[] = {"ethernet", "wireguard", "dns", "metrics", "health"};
  static constexpr const char* kAnswers[] = {"page", "426", "404", "405", "401"};
  if (const auto* answer = std::get_if<Answer>(&decision.verdict)) {
    return kAnswers[static_cast<std::size_t>(*answer)];
  }
  if (const auto* handle = std::get_if<Handle>(&decision.verdict)) {
    return std::string{"handle "} + kServices[static_cast<std::size_t>(handle->service)];
  }
  if (const auto* refusal = std::get_if<Refusal>(&decision.verdict)) {
    static constexpr const char* kWhys[] = {"origin", "token", "tunnel"};
    const std::string text = std::string{"refuse "} + kWhys[static_cast<std::size_t>(refusal->why)];
    return refusal->subprotocol.empty() ? text : text + " echo=" + refusal->subprotocol;
  }
  if (std::holds_alternative<Forbidden>(decision.verdict)) return "403";
  const auto& upgrade = std::get<Upgrade>(decision.verdict);
  std::string text = kServices[static_cast<std::size_t>(upgrade.service)];
  if (!upgrade.network.empty()) text += " " + upgrade.network;
  if (upgrade.wire == Wire::kQemu) text += " qemu";
  return upgrade.subprotocol.empty() ? text : text + " echo=" + upgrade.subprotocol;
}

class HttpGateTest : public testing::Test {
 protected:
  HttpGateTest() {
    listener_.routes = {{"/", Service::kEthernet, "lan"},
                        {"/ethernet", Service::kEthernet, "lan"},
                        {"/ethernet/lab", Service::kEthernet, "lab"},
                        {"/wg", Service::kWireGuard, ""},
                        {"/v1/events", Service::kWireGuard, ""},
                        {"/dns-query", Service::kDns, ""},
                        {"/metrics", Service::kMetrics, ""},
                        {"/livez", Service::kHealth, ""}};
  }

  Decision decide(std::string method, std::string target, Headers headers) const {
    HttpRequest request{
        .method = std::move(method), .path = {}, .query = {}, .headers = std::move(headers), .body = {}};
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    return ws::decide(request, arrival_, listener_, config_);
  }
  std::string plain(std::string method, std::string target,
                    Headers headers = {{"host", "vm.example"}}) const {
    return describe(decide(std::move(method), std::move(target), std::move(headers)));
  }
  // A WebSocket of a page that our own host served.
  std::string upgrade(std::string target, const std::string& subprotocols = "") const {
    Headers headers{{"host", "vm.example"}, {"origin", "https://vm.example"}};
    if (!subprotocols.empty()) headers.emplace_back("sec-websocket-protocol", subprotocols);
    return upgrade_with(std::move(target), std::move(headers));
  }
  std::string upgrade_with(std::string target, Headers headers) const {
    headers.emplace_back("upgrade", "websocket");
    return describe(decide("GET", std::move(target), std::move(headers)));
  }

  ListenerConfig listener_;
  Config config_;
  Arrival arrival_{.peer = at("203.0.113.7:50000"), .local = at("198.51.100.1:8087"), .is_tls = true};
};

}  // namespace wgr::ws
