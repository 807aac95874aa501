// Where a request leads: subprotocol, then path; tunnels; plain requests.
#include <string>

#include "core/base64.h"
#include "tests/ws/http_gate_fixture.h"

namespace wgr::ws {
namespace {

// browser-facing paths and subprotocols of every known client.
TEST_F(HttpGateTest, RoutesUpgradesBySubprotocolThenPath) {
  const struct {
    const char* target;
    const char* subprotocols;
    const char* expected;
  } kCases[] = {
      {"/", "", "ethernet lan"},  // v86
      {"/?relay=1", "", "ethernet lan"},
      {"/ethernet", "", "ethernet lan"},
      {"/ethernet/", "", "ethernet lan"},
      {"/ethernet/lab", "", "ethernet lab"},
      {"/ethernet/lab/", "", "ethernet lab"},
      {"/ethernet/other", "", "404"},
      {"/ETHERNET", "", "404"},
      {"/", "binary", "ethernet lan qemu echo=binary"},  // container2wasm
      {"/ethernet/lab", "base64, binary", "ethernet lab qemu echo=binary"},
      {"/ethernet", "chat", "ethernet lan echo=chat"},
      {"/ethernet", "chat, superchat", "ethernet lan echo=chat"},
      {"/wg", "", "wireguard"},
      {"/wg", "wireguard", "wireguard echo=wireguard"},
      {"/wg", "binary", "wireguard echo=binary"},
      {"/v1/events", "v1, authorization.bearer.e30.e30.e30", "wireguard echo=v1"},  // wstunnel
      {"/prefix/events", "v1, authorization.bearer.e30.e30.e30", "wireguard echo=v1"},
      {"/v1/events",
       "v1, authorization.bearer.e30.eyJpZCI6IjEiLCJwIjp7IlRjcCI6e319LCJyIjoieCIsInJwIjoxfQ.e30",
       "refuse tunnel echo=v1"},
      {"/prefix/events", "v1", "404"},
      {"/prefix/events", "authorization.bearer.e30.e30.e30", "404"},
      {"/dns-query", "", "404"},
      {"/metrics", "", "404"},
      {"/nowhere", "", "404"},
      {"", "", "404"},
  };
  for (const auto& c : kCases) EXPECT_EQ(upgrade(c.target, c.subprotocols), c.expected) << c.target;
}

// wstunnel's client sends where its tunnel shall end; -L udp://51820:localhost:51820 is the usual one.
TEST_F(HttpGateTest, ATunnelMustLeadToThisRouter) {
  config_.tunnels.port = 51820;
  const auto ask = [this](const char* host, const char* port) {
    const std::string claims =
        std::string{R"({"id":"1","p":{"Udp":{"timeout":null}},"r":")"} + host + R"(","rp":)" + port + "}";
    return upgrade("/v1/events", "v1, authorization.bearer.e30." + to_base64url(bytes_of(claims)) + ".e30");
  };
  const struct {
    const char* host;
    const char* port;
    bool is_served;
  } kCases[] = {
      {"localhost", "51820", true},    {"LOCALHOST", "51820", true},    {"127.0.0.1", "51820", true},
      {"[::1]", "51820", true},        {"0.0.0.0", "51820", true},      {"vm.example", "51820", true},
      {"VM.example.", "51820", true},  {"198.51.100.1", "51820", true}, {"localhost", "51821", false},
      {"vm.example", "53", false},     {"10.0.0.5", "51820", false},    {"other.example", "51820", false},
      {"198.51.100.2", "51820", false}};
  for (const auto& c : kCases) {
    EXPECT_EQ(ask(c.host, c.port), c.is_served ? "wireguard echo=v1" : "refuse tunnel echo=v1")
        << c.host << ":" << c.port;
  }

  config_.tunnels.others = {{"other.example", 0}, {"10.0.0.5", 53}};
  EXPECT_EQ(ask("Other.example", "51820"), "wireguard echo=v1");
  EXPECT_EQ(ask("other.example", "53"), "refuse tunnel echo=v1");
  EXPECT_EQ(ask("10.0.0.5", "53"), "wireguard echo=v1");
  config_.tunnels.others = {{"*", 0}};
  EXPECT_EQ(ask("anywhere", "51820"), "wireguard echo=v1");
  EXPECT_EQ(ask("anywhere", "1"), "wireguard echo=v1");
  config_.tunnels = {};  // the kernel chose the port
  EXPECT_EQ(ask("localhost", "1"), "wireguard echo=v1");
}

TEST_F(HttpGateTest, AnswersPlainRequests) {
  const struct {
    const char* method;
    const char* target;
    const char* expected;
  } kCases[] = {
      {"GET", "/", "page"},
      {"HEAD", "/", "page"},
      {"POST", "/", "405"},
      {"GET", "/ethernet/lab", "426"},
      {"GET", "/wg", "426"},
      {"PUT", "/wg", "405"},
      {"GET", "/metrics", "handle metrics"},
      {"GET", "/metrics/", "handle metrics"},
      {"DELETE", "/metrics", "405"},
      {"GET", "/livez?verbose", "handle health"},
      {"GET", "/favicon.ico", "404"},
      {"POST", "/favicon.ico", "404"},
      {"GET", "/../etc/passwd", "404"},
      {"GET", "*", "404"},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(plain(c.method, c.target), c.expected) << c.method << " " << c.target;
}

TEST_F(HttpGateTest, AListenerWithoutWebSocketsHasNoPage) {
  listener_.routes = {{"/metrics", Service::kMetrics, ""}};
  EXPECT_EQ(plain("GET", "/"), "404");
  EXPECT_EQ(plain("GET", "/metrics", {}), "handle metrics");
}

}  // namespace
}  // namespace wgr::ws
