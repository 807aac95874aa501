#include "ws/http_gate.h"

#include <string>

#include "gtest/gtest.h"

#include "ws/base64.h"

namespace wgr::ws {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

SocketAddress at(const char* text) { return SocketAddress::parse(text).value(); }

// What a decision comes down to, as one line: "ethernet lab qemu echo=binary".
std::string describe(const Decision& decision) {
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
    std::string encoded = to_base64({reinterpret_cast<const std::uint8_t*>(claims.data()), claims.size()});
    for (char& c : encoded) c = c == '+' ? '-' : c == '/' ? '_' : c;
    encoded.resize(std::min(encoded.find('='), encoded.size()));
    return upgrade("/v1/events", "v1, authorization.bearer.e30." + encoded + ".e30");
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

TEST_F(HttpGateTest, ATokenMayBeInThePathTheQueryASubprotocolOrAHeader) {
  listener_.tokens = {{"alice", "SECRET", {}}, {"bob", "pa ss/w%", {}}};
  const Headers page{{"host", "vm.example"}, {"origin", "https://vm.example"}};
  const auto with = [&](const char* name, const char* value) {
    Headers headers = page;
    headers.emplace_back(name, value);
    return headers;
  };
  const struct {
    const char* target;
    Headers headers;
    const char* expected;
    const char* token;
  } kCases[] = {
      {"/SECRET", page, "ethernet lan", "alice"},
      {"/SECRET/", page, "ethernet lan", "alice"},
      {"/SECRET/ethernet/lab", page, "ethernet lab", "alice"},
      {"/SECRET/events", with("sec-websocket-protocol", "v1, authorization.bearer.e30.e30.e30"),
       "wireguard echo=v1", "alice"},
      {"/pa%20ss%2fw%25/wg", page, "wireguard", "bob"},
      {"/wg?x=1&token=SECRET", page, "wireguard", "alice"},
      {"/wg?token=pa%20ss/w%25&x", page, "wireguard", "bob"},
      {"/wg", with("sec-websocket-protocol", "bearer.SECRET"), "wireguard echo=bearer.SECRET", "alice"},
      {"/wg", with("sec-websocket-protocol", "bearer.SECRET, wireguard"), "wireguard echo=wireguard",
       "alice"},
      {"/", with("sec-websocket-protocol", "bearer.SECRET, binary"), "ethernet lan qemu echo=binary",
       "alice"},
      {"/wg", with("authorization", "Bearer SECRET"), "wireguard", "alice"},
      {"/wg", with("authorization", "bearer   SECRET"), "wireguard", "alice"},
      {"/wg", with("authorization", "Basic dXNlcjpTRUNSRVQ="), "wireguard", "alice"},
      {"/wg", page, "refuse token", ""},
      {"/wg?token=SECRE", page, "refuse token", ""},
      {"/wg?token=SECRETS", page, "refuse token", ""},
      {"/wg?token=", page, "refuse token", ""},
      {"/wg?atoken=SECRET", page, "refuse token", ""},
      {"/wg", with("sec-websocket-protocol", "bearer.WRONG"), "refuse token echo=bearer.WRONG", ""},
      {"/wg", with("authorization", "Basic SECRET"), "refuse token", ""},
      {"/wg", with("authorization", "Digest SECRET"), "refuse token", ""},
      {"/wg/SECRET", page, "404", ""},
  };
  for (const auto& c : kCases) {
    Headers headers = c.headers;
    headers.emplace_back("upgrade", "websocket");
    const Decision decision = decide("GET", c.target, headers);
    EXPECT_EQ(describe(decision), c.expected) << c.target;
    EXPECT_EQ(decision.token, c.token) << c.target;
    EXPECT_EQ(decision.path.find("SECRET"), decision.path.starts_with("/wg/") ? 4 : std::string::npos);
  }
}

TEST_F(HttpGateTest, ATokenOpensItsNetworksOnly) {
  listener_.tokens = {{"lab", "SECRET", {"lab"}}};
  EXPECT_EQ(upgrade("/SECRET/ethernet/lab"), "ethernet lab");
  EXPECT_EQ(upgrade("/SECRET/"), "refuse token");
  EXPECT_EQ(upgrade("/SECRET/wg"), "refuse token");
}

TEST_F(HttpGateTest, HandlersWantATokenWhereThereAreTokens) {
  listener_.tokens = {{"alice", "SECRET", {}}};
  const Headers page{{"host", "vm.example"}, {"origin", "https://vm.example"}};
  EXPECT_EQ(plain("GET", "/metrics"), "401");
  EXPECT_EQ(plain("GET", "/SECRET/metrics"), "handle metrics");
  EXPECT_EQ(plain("POST", "/dns-query", page), "401");
  EXPECT_EQ(plain("OPTIONS", "/dns-query", page), "handle dns");
  EXPECT_EQ(plain("POST", "/SECRET/dns-query", page), "handle dns");
  EXPECT_EQ(plain("GET", "/"), "page");
}

TEST_F(HttpGateTest, DnsOverHttpsIsForPagesThatMayEnter) {
  EXPECT_EQ(plain("POST", "/dns-query", {{"host", "vm.example"}, {"origin", "https://vm.example"}}),
            "handle dns");
  EXPECT_EQ(plain("POST", "/dns-query", {{"host", "vm.example"}, {"origin", "https://evil"}}), "403");
  EXPECT_EQ(plain("POST", "/dns-query", {{"host", "vm.example"}}), "403");  // an open resolver otherwise
  EXPECT_EQ(plain("PUT", "/dns-query"), "405");
}

TEST_F(HttpGateTest, ForwardedAddressesAreBelievedFromTrustedProxiesOnly) {
  const auto source = [&](Headers headers) {
    headers.emplace_back("host", "vm.example");
    return decide("GET", "/", std::move(headers)).source.to_string();
  };
  const Headers x_forwarded{{"x-forwarded-for", "192.0.2.9"}};
  EXPECT_EQ(source(x_forwarded), "203.0.113.7:50000");

  config_.trusted_proxies = {Prefix::parse("203.0.113.0/24").value(), Prefix::parse("fd00::/8").value()};
  const struct {
    Headers headers;
    const char* expected;
  } kCases[] = {
      {{}, "203.0.113.7:50000"},
      {x_forwarded, "192.0.2.9:0"},
      {{{"x-forwarded-for", "1.1.1.1, 192.0.2.9"}}, "192.0.2.9:0"},  // the left one is the client's claim
      {{{"x-forwarded-for", "1.1.1.1, 192.0.2.9, 203.0.113.8"}}, "192.0.2.9:0"},
      {{{"x-forwarded-for", "1.1.1.1"}, {"x-forwarded-for", "192.0.2.9"}}, "192.0.2.9:0"},
      {{{"x-forwarded-for", "203.0.113.9, 203.0.113.8"}}, "203.0.113.9:0"},
      {{{"x-forwarded-for", "unknown"}}, "203.0.113.7:50000"},
      {{{"x-forwarded-for", "1.1.1.1, nonsense, 203.0.113.8"}}, "203.0.113.8:0"},
      {{{"x-forwarded-for", "2001:db8::1"}}, "[2001:db8::1]:0"},
      {{{"forwarded", "for=192.0.2.9;proto=https"}}, "192.0.2.9:0"},
      {{{"forwarded", "for=1.1.1.1, by=203.0.113.8; For=\"[2001:db8::1]:4711\""}}, "[2001:db8::1]:4711"},
      {{{"forwarded", "for=1.1.1.1, for=_hidden"}}, "203.0.113.7:50000"},
      {{{"forwarded", "for=192.0.2.9"}, {"x-forwarded-for", "192.0.2.9"}}, "192.0.2.9:0"},
      {{{"forwarded", "for=1.1.1.1"}, {"x-forwarded-for", "192.0.2.9"}}, "203.0.113.7:50000"},
  };
  for (const auto& c : kCases) EXPECT_EQ(source(c.headers), c.expected);
}

TEST_F(HttpGateTest, TheSchemeOfATrustedProxyCounts) {
  arrival_.is_tls = false;
  const Headers headers{
      {"host", "vm.example"}, {"origin", "https://vm.example"}, {"x-forwarded-proto", "https"}};
  EXPECT_EQ(upgrade_with("/", headers), "refuse origin");
  config_.trusted_proxies = {Prefix::parse("203.0.113.0/24").value()};
  EXPECT_EQ(upgrade_with("/", headers), "ethernet lan");
}

// A reverse proxy on this machine speaks for clients of everywhere: they are not local.
TEST_F(HttpGateTest, AClientBehindALocalProxyIsNotLocal) {
  arrival_ = {.peer = at("127.0.0.1:50000"), .local = at("127.0.0.1:8086"), .is_tls = false};
  config_.trusted_proxies = {Prefix::parse("127.0.0.0/8").value()};
  EXPECT_EQ(upgrade_with("/", {{"host", "vm.example"}, {"x-forwarded-for", "192.0.2.9"}}), "refuse origin");
  EXPECT_EQ(
      upgrade_with(
          "/", {{"host", "vm.example"}, {"origin", "http://vm.example"}, {"x-forwarded-for", "192.0.2.9"}}),
      "ethernet lan");
  // What it says of itself beside the proxy makes the source uncertain, not local; nor does silence.
  EXPECT_EQ(
      upgrade_with(
          "/", {{"host", "vm.example"}, {"x-forwarded-for", "192.0.2.9"}, {"forwarded", "for=198.51.100.9"}}),
      "refuse origin");
  EXPECT_EQ(upgrade_with("/", {{"host", "127.0.0.1:8086"}}), "refuse origin");
}

}  // namespace
}  // namespace wgr::ws
