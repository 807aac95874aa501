// What is believed of the headers that proxies add: RFC 7239, X-Forwarded-*.
#include "tests/ws/http_gate_fixture.h"

namespace wgr::ws {
namespace {

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
