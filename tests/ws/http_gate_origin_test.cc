// Which pages and hosts may enter: RFC 6454, DNS rebinding.
#include <string>
#include <string_view>

#include "tests/ws/http_gate_fixture.h"

namespace wgr::ws {
namespace {

// RFC 6454: scheme, host and port, all of them.
TEST_F(HttpGateTest, APageMayEnterFromOurHostOrFromTheList) {
  listener_.origins = {"https://copy.sh", "http://localhost:3000"};
  const struct {
    const char* origin;
    const char* expected;
  } kCases[] = {
      {"https://vm.example", "ethernet lan"},
      {"https://VM.example:443", "ethernet lan"},
      {"http://vm.example", "refuse origin"},
      {"https://vm.example:8443", "refuse origin"},
      {"https://vm.example.evil", "refuse origin"},
      {"https://evil/vm.example", "refuse origin"},
      {"https://vm.example/", "refuse origin"},
      {"https://copy.sh", "ethernet lan"},
      {"http://copy.sh", "refuse origin"},
      {"https://www.copy.sh", "refuse origin"},
      {"http://localhost:3000", "ethernet lan"},
      {"http://localhost", "refuse origin"},
      {"null", "refuse origin"},
      {"", "refuse origin"},
      {"file://", "refuse origin"},
      {"https://vm.example:0443x", "refuse origin"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(upgrade_with("/", {{"host", "vm.example"}, {"origin", c.origin}}), c.expected) << c.origin;
  }
}

TEST_F(HttpGateTest, TheHostIsComparedWithItsPort) {
  const Headers headers{{"host", "vm.example:8087"}, {"origin", "https://vm.example:8087"}};
  EXPECT_EQ(upgrade_with("/", headers), "ethernet lan");
  EXPECT_EQ(upgrade_with("/", {{"host", "[2001:db8::1]:8087"}, {"origin", "https://[2001:db8::1]:8087"}}),
            "ethernet lan");
  EXPECT_EQ(upgrade_with("/", {{"origin", "https://vm.example"}}), "refuse origin");
  arrival_.is_tls = false;
  EXPECT_EQ(upgrade_with("/", headers), "refuse origin");
}

TEST_F(HttpGateTest, ARepeatedHeaderIsNotBelieved) {
  EXPECT_EQ(upgrade_with(
                "/", {{"host", "vm.example"}, {"origin", "https://vm.example"}, {"origin", "https://evil"}}),
            "refuse origin");
  EXPECT_EQ(upgrade_with("/", {{"host", "vm.example"}, {"host", "evil"}, {"origin", "https://vm.example"}}),
            "refuse origin");
}

TEST_F(HttpGateTest, AnyOriginByConfiguration) {
  listener_.origins = {"*"};
  EXPECT_EQ(upgrade_with("/", {{"host", "vm.example"}, {"origin", "null"}}), "ethernet lan");
}

TEST_F(HttpGateTest, WithoutAnOriginOneNeedsATokenOrTheLoopback) {
  EXPECT_EQ(upgrade_with("/", {{"host", "vm.example"}}), "refuse origin");

  listener_.tokens = {{"alice", "SECRET", {}}};
  EXPECT_EQ(upgrade_with("/?token=SECRET", {{"host", "vm.example"}}), "ethernet lan");

  listener_.tokens.clear();
  arrival_ = {.peer = at("127.0.0.1:50000"), .local = at("127.0.0.1:8086"), .is_tls = false};
  EXPECT_EQ(upgrade_with("/", {{"host", "localhost:8086"}}), "ethernet lan");
}

// DNS rebinding: the attacker's page is of the same host as its request, at our address.
TEST_F(HttpGateTest, WithoutTlsAHostMustBeAnAddressOrKnown) {
  listener_.origins = {"http://vm.test:1234"};
  const struct {
    const char* host;
    const char* expected;
  } kCases[] = {{"localhost:8086", "ethernet lan"},     {"127.0.0.1:8086", "ethernet lan"},
                {"[::1]:8086", "ethernet lan"},         {"vm.test:8086", "ethernet lan"},
                {"evil.example:8086", "refuse origin"}, {"localhost.evil.example:8086", "refuse origin"}};
  for (const char* const peer : {"127.0.0.1:50000", "192.168.1.9:50000"}) {
    arrival_ = {.peer = at(peer), .local = at("192.168.1.5:8086"), .is_tls = false};
    for (const auto& c : kCases) {
      const Headers page{{"host", c.host}, {"origin", std::string{"http://"} + c.host}};
      EXPECT_EQ(upgrade_with("/", page), c.expected) << peer << " " << c.host;
      const bool may_enter = std::string_view{c.expected} == "ethernet lan";
      EXPECT_EQ(plain("POST", "/dns-query", page), may_enter ? "handle dns" : "403") << peer << " " << c.host;
      EXPECT_EQ(plain("GET", "/metrics", page), may_enter ? "handle metrics" : "403") << c.host;
      EXPECT_EQ(plain("GET", "/livez", page), may_enter ? "handle health" : "403") << c.host;
    }
  }
}

TEST_F(HttpGateTest, AnyHostWillDoWhereAPageOfIsCannotBeAnAttackers) {
  const Headers page{{"host", "vm.example:8086"}, {"origin", "http://vm.example:8086"}};
  arrival_ = {.peer = at("127.0.0.1:50000"), .local = at("127.0.0.1:8086"), .is_tls = false};
  EXPECT_EQ(upgrade_with("/", page), "refuse origin");

  listener_.origins = {"*"};
  EXPECT_EQ(upgrade_with("/", page), "ethernet lan");
  listener_.origins.clear();
  listener_.tokens = {{"alice", "SECRET", {}}};
  EXPECT_EQ(upgrade_with("/?token=SECRET", page), "ethernet lan");
  EXPECT_EQ(upgrade_with("/?token=WRONG", page), "refuse origin");
}

TEST_F(HttpGateTest, MetricsMayBeCalledByConfiguredNamesOnly) {
  arrival_ = {.peer = at("172.17.0.3:50000"), .local = at("172.17.0.2:9586"), .is_tls = false};
  EXPECT_EQ(plain("GET", "/metrics", {{"host", "172.17.0.2:9586"}}), "handle metrics");
  EXPECT_EQ(plain("GET", "/metrics", {}), "handle metrics");  // HTTP/1.0: no browser
  EXPECT_EQ(plain("GET", "/metrics", {{"host", "wgrouter:9586"}}), "403");
  listener_.names = {"wgrouter"};
  EXPECT_EQ(plain("GET", "/metrics", {{"host", "WGrouter:9586"}}), "handle metrics");
  EXPECT_EQ(plain("GET", "/livez", {{"host", "wgrouter"}}), "handle health");
  EXPECT_EQ(plain("GET", "/metrics", {{"host", "evil.example"}}), "403");
  EXPECT_EQ(plain("GET", "/metrics", {{"host", "wgrouter"}, {"host", "wgrouter"}}), "403");
}

// What the page's author and the operator read.
TEST_F(HttpGateTest, ARefusalNamesWhoWasRefusedAndWhatAllowsIt) {
  const auto reason = [&](Headers headers) {
    headers.emplace_back("upgrade", "websocket");
    const Decision decision = decide("GET", "/", std::move(headers));
    return std::get<Refusal>(decision.verdict).reason;
  };
  EXPECT_EQ(reason({{"host", "vm.example"}, {"origin", "http://LOCALHOST:8000"}}),
            "origin http://localhost:8000 is not allowed; see --ws-origin or ws.origins");
  EXPECT_EQ(reason({{"host", "vm.example"}, {"origin", "null"}}),
            "origin null is not allowed; see --ws-origin or ws.origins");
  EXPECT_EQ(reason({{"host", "vm.example"}, {"origin", "https://\xff\n"}}),
            "origin (unreadable) is not allowed; see --ws-origin or ws.origins");
  EXPECT_EQ(reason({{"host", "vm.example"}}),
            "a client without an Origin header needs a token; see --ws-token-file or ws.token_file");
  EXPECT_LE(reason({{"host", "vm.example"}, {"origin", "https://" + std::string(250, 'x')}}).size(), 123u);

  arrival_.is_tls = false;
  EXPECT_EQ(reason({{"host", "evil.example"}, {"origin", "http://evil.example"}}),
            "host evil.example is not known; see --ws-origin or ws.origins");
  EXPECT_LE(reason({{"host", std::string(250, 'x')}}).size(), 123u);
}

TEST_F(HttpGateTest, DnsOverHttpsIsForPagesThatMayEnter) {
  EXPECT_EQ(plain("POST", "/dns-query", {{"host", "vm.example"}, {"origin", "https://vm.example"}}),
            "handle dns");
  EXPECT_EQ(plain("POST", "/dns-query", {{"host", "vm.example"}, {"origin", "https://evil"}}), "403");
  EXPECT_EQ(plain("POST", "/dns-query", {{"host", "vm.example"}}), "403");  // an open resolver otherwise
  EXPECT_EQ(plain("PUT", "/dns-query"), "405");
}

}  // namespace
}  // namespace wgr::ws
