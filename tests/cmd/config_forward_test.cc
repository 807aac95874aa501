#include "cmd/config_forward.h"

#include "cmd/config_yaml.h"
#include "tests/cmd/config_fixture.h"

namespace wgr {
namespace {

using slirp::ForwardProtocol;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class ConfigForwardTest : public ConfigTest {};

TEST_F(ConfigForwardTest, ForwardsAreReadInEveryForm) {
  yaml(R"(
forwards:
  - {listen: 8080, to: "web:80"}
  - {listen: "192.0.2.1:8000-8010", to: "10.86.0.2:9000", sources: [198.51.100.0/24], proxy_protocol: true}
  - {listen: "[::1]:53", protocol: udp, to: "[fd86::2]"}
)");
  ASSERT_THAT(problems(), IsEmpty());
  const std::vector<ForwardEntry> forwards = load().forwards;
  ASSERT_EQ(forwards.size(), 3u);
  EXPECT_EQ(forwards[0].target, "web");
  EXPECT_EQ(forwards[0].first_port, 8080);
  EXPECT_EQ(forwards[0].last_port, 8080);
  EXPECT_EQ(forwards[0].first_guest_port, 80);
  EXPECT_THAT(forwards[0].listen_addresses, IsEmpty());
  EXPECT_EQ(forwards[1].last_port, 8010);
  EXPECT_EQ(forwards[1].listen_addresses.at(0).to_string(), "192.0.2.1");
  EXPECT_TRUE(forwards[1].proxy_protocol);
  EXPECT_EQ(forwards[1].allowed_sources.size(), 1u);
  EXPECT_EQ(forwards[2].protocol, ForwardProtocol::kUdp);
  EXPECT_EQ(forwards[2].target, "fd86::2");
  EXPECT_EQ(forwards[2].first_guest_port, 53);  // the same as the host's
}

// Containers are configured without a file.
TEST_F(ConfigForwardTest, VariableAndFlagNameForwardsInOneLine) {
  yaml("forwards: [{listen: 70, to: a}]");
  env("FORWARDS", "tcp:8080=box:80, udp:[::1]:53=[fd86::2], 192.0.2.1:8000-8010=10.86.0.2:9000");
  ASSERT_THAT(problems(), IsEmpty());
  const std::vector<ForwardEntry> forwards = load().forwards;
  ASSERT_EQ(forwards.size(), 3u);
  EXPECT_EQ(forwards[0].protocol, ForwardProtocol::kTcp);
  EXPECT_EQ(forwards[0].first_port, 8080);
  EXPECT_EQ(forwards[0].target, "box");
  EXPECT_EQ(forwards[0].first_guest_port, 80);
  EXPECT_EQ(forwards[1].protocol, ForwardProtocol::kUdp);
  EXPECT_EQ(forwards[1].listen_addresses.at(0).to_string(), "::1");
  EXPECT_EQ(forwards[1].target, "fd86::2");
  EXPECT_EQ(forwards[1].first_guest_port, 53);
  EXPECT_EQ(forwards[2].last_port, 8010);
  EXPECT_EQ(forwards[2].protocol, ForwardProtocol::kTcp);
  EXPECT_THAT(notices(), ElementsAre("environment: FORWARDS replaces the 1 forwards configured before it"));

  flag("forwards", "udp:5353=box:53");
  ASSERT_EQ(load().forwards.size(), 1u);
  EXPECT_EQ(load().forwards[0].first_guest_port, 53);
  env("WGROUTER_FORWARDS", "80=a");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("FORWARDS: the same key is also set by")));
}

TEST_F(ConfigForwardTest, BadTextsOfForwardsAreNamed) {
  const std::pair<const char*, const char*> rows[] = {
      {"8080", "environment: FORWARDS: \"8080\" is not one; expected [tcp:|udp:]LISTEN=TO"},
      {"sctp:80=a", "environment: FORWARDS: \"sctp:80=a\": listen: \"sctp:80\" is not one"},
      {"80=a:0", "environment: FORWARDS: \"80=a:0\": to: \"a:0\" is not one"},
      {"80=", "environment: FORWARDS: \"80=\": to: no value; expected HOST or HOST:PORT"},
      {"udp:51820=a", "environment: FORWARDS: \"udp:51820=a\": UDP port 51820 is taken by wireguard"},
      {"80=a,80=b",
       "environment: FORWARDS: \"80=b\": TCP port 80 is taken by environment: FORWARDS: \"80=a\""},
  };
  for (const auto& [value, message] : rows) {
    env("FORWARDS", value);
    EXPECT_THAT(problems(), ElementsAre(StartsWith(message))) << value;
  }
}

TEST_F(ConfigForwardTest, PrintedForwardsReadBackToTheSame) {
  yaml("forwards: [{listen: \"[::1]:80-90\", to: \"[fd86::2]:8000\"}, {listen: 70, to: my laptop}]");
  const std::vector<ForwardEntry> before = load().forwards;
  yaml(print_yaml_config(load()));
  ASSERT_THAT(problems(), IsEmpty());
  std::vector<ForwardEntry> after = load().forwards;
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    after[i].origin = before[i].origin;
    EXPECT_EQ(after[i], before[i]);
  }
}

TEST_F(ConfigForwardTest, BadFormsAreNamedWithTheirLine) {
  const std::pair<const char*, const char*> rows[] = {
      {"{listen: 0, to: a}", "listen: \"0\" is not one"},
      {"{listen: 20-10, to: a}", "listen: \"20-10\" is not one"},
      {"{listen: \"host:80\", to: a}", "listen: \"host:80\" is not one"},
      {"{listen: \"[::1\", to: a}", "listen: \"[::1\" is not one"},
      {"{listen: 80, to: \"a:0\"}", "to: \"a:0\" is not one"},
      {"{listen: 80, to: \"a:99999\"}", "to: \"a:99999\" is not one"},
      {"{listen: 80, to: \":80\"}", "to: \":80\" is not one"},
      {"{listen: 80, to: a, protocol: sctp}", "protocol: \"sctp\" is not one; expected tcp or udp"},
      {"{listen: 80, to: a, protocol: udp, proxy_protocol: on}", "proxy_protocol: is for tcp only"},
      {"{listen: 80-90, to: \"a:65530\"}", "to: the range goes beyond port 65535"},
      {"{listen: 8000-13000, to: a}", "the forwards have too many ports; expected 4096 in all"},
      {"{to: a}", "the forward has no listen"},
      {"{listen: 80}", "the forward has no to"},
      {"{listen: 80, to: a, too: b}", "too: unknown key; did you mean to?"},
  };
  for (const auto& [entry, message] : rows) {
    yaml(std::string{"forwards:\n  - "} + entry);
    EXPECT_THAT(problems(), ElementsAre(StartsWith(std::string{"wgrouter.yaml:2: "} + message))) << entry;
  }
}

TEST_F(ConfigForwardTest, PortsBelongToOneListener) {
  yaml(R"(
forwards:
  - {listen: 8000-8010, to: a}
  - {listen: "192.0.2.1:8010", to: b}
  - {listen: 8010, to: c, protocol: udp}
  - {listen: "127.0.0.1:8086", to: d}
  - {listen: "192.0.2.1:8086", to: e}
  - {listen: 9586, to: f}
  - {listen: 51820, to: g, protocol: udp}
)");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr(":4: TCP port 8010 is taken by wgrouter.yaml:3"),
                                      HasSubstr(":6: TCP port 8086 is taken by ws.port"),
                                      HasSubstr(":8: TCP port 9586 is taken by metrics.port"),
                                      HasSubstr(":9: UDP port 51820 is taken by wireguard.listen_port")));
}

}  // namespace
}  // namespace wgr
