// Where a token may be, what it opens, and where one is needed.
#include <string>

#include "tests/ws/http_gate_fixture.h"

namespace wgr::ws {
namespace {

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
      {"/wg", with("authorization", "Basic dXNlcjpTRUNSRVQ"), "refuse token", ""},  // unpadded
      {"/wg?token&token=SECRET", page, "refuse token", ""},
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

}  // namespace
}  // namespace wgr::ws
