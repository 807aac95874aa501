#include "cmd/config_yaml.h"

#include "cmd/config_setting.h"
#include "tests/cmd/config_fixture.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class ConfigYamlTest : public ConfigTest {};

TEST_F(ConfigYamlTest, EmptyFileGivesTheDefaults) {
  yaml("");
  const Config config = load();
  EXPECT_EQ(config.wireguard.listen_port, 51820);
  EXPECT_EQ(config.slirp.mtu, 1420);
  EXPECT_EQ(config.wireguard.device.mtu, 1420);
  EXPECT_GE(config.processor.workers, 1u);
  EXPECT_FALSE(config.overlay.enabled);
  EXPECT_THAT(config.egress.rules.allow, IsEmpty());
  EXPECT_EQ(config.slirp.own_addresses,
            (std::vector{*IpAddress::parse("10.86.0.1"), *IpAddress::parse("fd86::1")}));
  EXPECT_EQ(config.slirp.dns.upstreams, std::vector{*SocketAddress::parse("192.0.2.53:53")});
}

TEST_F(ConfigYamlTest, EverySectionIsRead) {
  yaml(std::string(R"(
wireguard:
  private_key: )") +
       kPrivateKey + R"(
  listen_port: 4500
  listen_addresses: [192.0.2.1, "2001:db8::1"]
  peers:
    - name: laptop
      public_key: )" +
       kPeerA + R"(
      preshared_key: )" +
       kPreshared + R"(
      allowed_ips:
        - 10.86.0.2
        - fd86::2/128
      endpoint: vpn.example.com:51820
      persistent_keepalive: 25
      egress: {allow: [private], deny: ["10.0.0.0/8:25"]}
    - public_key: )" +
       kPeerB + R"(
      enabled: no
network: {mtu: 1380, addresses: 10.9.0.1/24, ttl: 63, copy_tos: yes}
processor: {workers: 3, mailbox_capacity: 128}
tcp: {ack_delay: 5ms, congestion: newreno, error_signal: icmp, max_receive_window: 1MiB}
udp: {filtering: endpoint-independent}
icmp: {query_timeout: 90s}
limits: {tcp_flows: 100, icmp_flows: 50, forward_flows: 500, forward_flows_per_source: 7}
dns: {upstreams: [9.9.9.9, "[2620:fe::fe]:5353"]}
egress: {allow: ["10.0.0.0/8:443", private], deny: [192.168.1.1], allow_metadata: true}
overlay: {enabled: true, exclude: [172.16.0.0/12]}
log: {level: debug, format: json}
metrics: {report: on, interval: 15s, format: json}
pcap: {path: /tmp/x.pcap, max_bytes: 1GiB}
state: {folder: /srv/state}
shutdown: {grace: 3s}
)");
  const Config config = load();
  EXPECT_EQ(config.wireguard.listen_port, 4500);
  EXPECT_EQ(config.wireguard.listen_addresses.size(), 2u);
  ASSERT_EQ(config.wireguard.peers.size(), 2u);
  const PeerEntry& laptop = config.wireguard.peers[0];
  EXPECT_EQ(laptop.peer.name, "laptop");
  EXPECT_EQ(laptop.peer.public_key, wireguard::parse_public_key(kPeerA));
  ASSERT_TRUE(laptop.peer.preshared_key);
  EXPECT_EQ(wireguard::secret_to_base64(*laptop.peer.preshared_key), kPreshared);
  EXPECT_EQ(laptop.peer.allowed_ips,
            (std::vector{*Prefix::parse("10.86.0.2/32"), *Prefix::parse("fd86::2/128")}));
  EXPECT_EQ(laptop.peer.endpoint, (wireguard::EndpointName{"vpn.example.com", 51820}));
  EXPECT_EQ(laptop.peer.persistent_keepalive, 25s);
  EXPECT_EQ(laptop.egress.allow.size(), 1u);
  EXPECT_EQ(laptop.egress.deny.size(), 1u);
  EXPECT_THAT(laptop.origin, HasSubstr("wgrouter.yaml:7"));
  EXPECT_FALSE(config.wireguard.peers[1].is_enabled);
  EXPECT_EQ(config.slirp.mtu, 1380);
  EXPECT_EQ(config.network.addresses, std::vector{*InterfaceAddress::parse("10.9.0.1/24")});
  EXPECT_EQ(config.slirp.ttl, 63);
  EXPECT_TRUE(config.slirp.copy_tos);
  EXPECT_EQ(config.processor.workers, 3u);
  EXPECT_EQ(config.slirp.tcp.ack_delay, 5ms);
  EXPECT_EQ(config.slirp.tcp.congestion, slirp::CongestionAlgorithm::kNewReno);
  EXPECT_EQ(config.slirp.tcp.error_signal, slirp::TcpErrorSignal::kIcmp);
  EXPECT_EQ(config.slirp.tcp.max_receive_window, 1u << 20);
  EXPECT_EQ(config.slirp.udp.filtering, slirp::UdpFiltering::kEndpointIndependent);
  EXPECT_EQ(config.slirp.icmp.query_timeout, 90s);
  EXPECT_EQ(config.slirp.limits.tcp_flows, 100u);
  EXPECT_EQ(config.slirp.limits.tcp_flows_per_guest, 100u);  // a part is never above its total
  EXPECT_EQ(config.slirp.limits.icmp_flows, 50u);
  EXPECT_EQ(config.slirp.limits.icmp_flows_per_guest, 50u);
  EXPECT_EQ(config.slirp.limits.forward_flows, 500u);
  EXPECT_EQ(config.slirp.limits.forward_flows_per_source, 7u);
  EXPECT_EQ(config.slirp.limits.forward_flows_per_forward, 500u);
  EXPECT_EQ(config.slirp.limits.forward_flows_per_guest, 500u);
  EXPECT_EQ(config.slirp.dns.upstreams.size(), 2u);
  EXPECT_EQ(config.egress.rules.allow.size(), 2u);
  EXPECT_TRUE(config.egress.allow_metadata);
  EXPECT_TRUE(config.overlay.enabled);
  EXPECT_EQ(config.log.level, log::Level::kDebug);
  EXPECT_EQ(config.report.interval, 15s);
  EXPECT_EQ(config.pcap.max_bytes, 1u << 30);
  EXPECT_EQ(config.state_folder, "/srv/state");
  EXPECT_EQ(config.shutdown_grace, 3s);
}

TEST_F(ConfigYamlTest, AllProblemsAreToldTogetherWithLineAndKey) {
  yaml(R"(wireguard:
  listen_prot: 51820
  private_key: short
  peers:
    - name: nobody
    - public_key: x
      allowed_ips: [10.0.0.0/33, 10.0.0.0/8]
network:
  mtu: 100
tcp:
  ack_delay: 10
egress:
  allow:
    - private
    - nonsense
metrics: {interval: 0s}
metric: {}
)");
  EXPECT_THAT(
      problems(),
      UnorderedElementsAre(
          "wgrouter.yaml:2: wireguard.listen_prot: unknown key; did you mean wireguard.listen_port?",
          StartsWith(
              "wgrouter.yaml:3: wireguard.private_key: the value is not one (5 characters); expected a key"),
          StartsWith("wgrouter.yaml:5: the peer has no public_key; expected a key"),
          StartsWith("wgrouter.yaml:6: public_key: the value is not one (1 characters); expected a key"),
          StartsWith("wgrouter.yaml:7: allowed_ips: \"10.0.0.0/33\" is not one; expected a list of prefixes"),
          "wgrouter.yaml:9: network.mtu: \"100\" is out of range; expected a whole number, 576 to 65535",
          "wgrouter.yaml:11: tcp.ack_delay: \"10\" is not one; expected a duration like 30s or 250ms, 0s to "
          "499ms",
          StartsWith("wgrouter.yaml:15: egress.allow: \"nonsense\" is not an egress rule"),
          StartsWith("wgrouter.yaml:16: metrics.interval: \"0s\" is out of range"),
          "wgrouter.yaml:17: metric: unknown key; did you mean metrics?"));
}

TEST_F(ConfigYamlTest, ShapesThatAreNotTheSchemasAreProblems) {
  const std::pair<const char*, const char*> rows[] = {
      {"- a\n", "wgrouter.yaml:1: the file: is not a map"},
      {"just text\n", "wgrouter.yaml:1: the file: is not a map"},
      {"tcp: 5\n", "wgrouter.yaml:1: tcp: is not a map"},
      {"tcp: {sack: [true]}\n", "wgrouter.yaml:1: tcp.sack: is not a single value"},
      {"tcp:\n  sack:\n", "wgrouter.yaml:2: tcp.sack: no value"},
      {"tcp: {sack: {a: b}}\n", "wgrouter.yaml:1: tcp.sack: is not a single value"},
      {"egress: {allow: [[private]]}\n", "wgrouter.yaml:1: egress.allow: an item is not a single value"},
      {"egress: {allow: {a: b}}\n", "wgrouter.yaml:1: egress.allow: is not a single value"},
      {"wireguard: {peers: 3}\n", "wgrouter.yaml:1: wireguard.peers: is not a list"},
      {"wireguard: {peers: [3]}\n", "wgrouter.yaml:1: the file: is not a map"},
      {"? [a, b]\n: c\n", "wgrouter.yaml:1: a key is not a plain word"},
      {"tcp: {sack: true, sack: false}\n", "wgrouter.yaml:1: tcp.sack: is given twice"},
      {"tcp: {sack: true}\ntcp: {sack: false}\n", "wgrouter.yaml:2: tcp: is given twice"},
      {"log: {level: info}\n---\nlog: {level: debug}\n", "wgrouter.yaml:2: text after the first document"},
      {"tcp: {sack: true\n", "wgrouter.yaml:2: not YAML"},
      {"a: *unknown\n", "wgrouter.yaml:1: not YAML"},
      {"\tlog: x\n", "wgrouter.yaml:1: not YAML"},
  };
  for (const auto& [text, problem] : rows) {
    yaml(text);
    EXPECT_THAT(problems(), testing::Contains(HasSubstr(problem))) << text;
  }
}

TEST_F(ConfigYamlTest, DeepNestingIsRefusedNotFollowed) {
  yaml(std::string(100'000, '['));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("not YAML")));
  yaml(std::string(100'000, '{'));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("not YAML")));
}

// yaml-cpp would make empty documents of this without end.
TEST_F(ConfigYamlTest, TokenThatBelongsToNoDocumentIsRefused) {
  for (const char* text : {",a: 1\n", "]", "}", ", ,", "a: 1\n]\n"}) {
    yaml(text);
    EXPECT_THAT(problems(), testing::Not(IsEmpty())) << text;
  }
}

TEST_F(ConfigYamlTest, SelfReferenceIsRefused) {
  yaml("tcp: &a\n  sack: *a\n");
  EXPECT_THAT(problems(), testing::Not(IsEmpty()));
}

TEST_F(ConfigYamlTest, EmptySectionsAndListsAreAllowed) {
  yaml("tcp:\negress:\n  allow:\nwireguard:\n  peers:\ndns:\n  upstreams: []\nnetwork: {addresses: []}\n");
  const Config config = load();
  EXPECT_THAT(config.egress.rules.allow, IsEmpty());
  EXPECT_THAT(config.slirp.dns.upstreams, IsEmpty());
  EXPECT_THAT(config.slirp.own_addresses, IsEmpty());
}

TEST_F(ConfigYamlTest, UnreadableFileIsOneProblem) {
  places_.config_file = path("missing.yaml");
  EXPECT_THAT(problems(), ElementsAre("missing.yaml: cannot be opened: No such file or directory"));
}

bool is_file_to_read(const Setting& setting) {
  return setting.path == "ws.certificate" || setting.path == "ws.private_key" ||
         setting.path == "wireguard.dial_authorities";
}

// Every key is set to a value that is not its default; print-config's output must give it back.
std::string other_value(const Setting& setting) {
  const Texts now = setting.get(Config{});
  const std::string candidates[] = {"false",
                                    "true",
                                    "7",
                                    "12345",
                                    "64KiB",
                                    "2MiB",
                                    "128MiB",
                                    "77s",
                                    "123ms",
                                    "json",
                                    "debug",
                                    "rst",
                                    "newreno",
                                    "9.9.9.9",
                                    "10.7.0.1/16",
                                    "endpoint-independent",
                                    "example.com:4500",
                                    "tcp://10.0.0.0/8:443",
                                    "/x=wireguard",
                                    "https://vm.example",
                                    "http://host.example/up",
                                    "http://proxy.example:3128",
                                    "mdlayher"};
  for (const std::string& candidate : candidates) {
    Config scratch;
    if (Texts{candidate} != now && !setting.set(scratch, {candidate}) && setting.get(scratch) != now)
      return candidate;
  }
  return {};
}

TEST_F(ConfigYamlTest, PrintConfigReadsBackToTheSameConfiguration) {
  std::string text;
  std::string section;
  Config expected;
  for (const Setting& setting : settings()) {
    if (setting.is_secret || setting.path.ends_with("_file") || setting.path == "network.ipv6") continue;
    if (is_file_to_read(setting)) continue;
    const std::string value = other_value(setting);
    ASSERT_FALSE(value.empty()) << setting.path;
    flag(setting.path, value);
  }
  const std::string key_file = write("key", std::string(kPrivateKey) + "\n");
  yaml(std::string("wireguard:\n  private_key_file: ") + key_file +
       "\n  peers:\n    - public_key: " + kPeerA +
       "\n      name: \"#odd: name\"\n      allowed_ips: [10.1.0.0/16, fd00::/8]\n      endpoint: "
       "\"[2001:db8::1]:5\"\n"
       "      persistent_keepalive: off\n      preshared_key_file: " +
       write("psk", kPreshared) +
       "\n      egress:\n        allow: [\"[fd00::/8]:53/udp\"]\n    - {public_key: " + kPeerB +
       ", enabled: false}\n");
  const std::string printed = print_yaml_config(load());

  ConfigTest::places_.overrides.clear();
  yaml(printed);
  ASSERT_THAT(problems(), IsEmpty()) << printed;
  EXPECT_EQ(print_yaml_config(load()), printed);
  for (const Setting& setting : settings()) {
    if (is_file_to_read(setting)) continue;
    if (setting.is_secret || setting.path.ends_with("_file") || setting.path == "network.ipv6") continue;
    Config wanted;
    setting.set(wanted, {other_value(setting)});
    EXPECT_EQ(setting.get(load()), setting.get(wanted)) << setting.path;
  }
  EXPECT_EQ(load().wireguard.peers[0].peer.name, "#odd: name");
  EXPECT_TRUE(load().wireguard.peers[0].peer.preshared_key);
}

TEST_F(ConfigYamlTest, PrintConfigRedactsSecretsAndTheRedactedFormIsNotTakenForAKey) {
  yaml(std::string("wireguard:\n  private_key: ") + kPrivateKey + "\n  peers:\n    - public_key: " + kPeerA +
       "\n      preshared_key: " + kPreshared + "\n      allowed_ips: 10.86.0.2\n");
  std::string printed = print_yaml_config(load());
  EXPECT_THAT(printed, testing::Not(HasSubstr(kPrivateKey)));
  EXPECT_THAT(printed, testing::Not(HasSubstr(kPreshared)));
  EXPECT_THAT(printed, HasSubstr("private_key: (redacted)"));
  EXPECT_THAT(printed, HasSubstr("preshared_key: (redacted)"));

  yaml(printed);
  EXPECT_THAT(problems(),
              ElementsAre(HasSubstr("wireguard.private_key: is the placeholder that print-config writes"),
                          HasSubstr("preshared_key: is the placeholder that print-config writes")));
}

TEST_F(ConfigYamlTest, NoProblemEverShowsAKey) {
  const std::string almost = std::string(kPrivateKey).substr(0, 42) + "==";
  yaml("wireguard:\n  private_key: " + almost + "\n  peers:\n    - public_key: " + kPeerA +
       "\n      preshared_key: " + almost + "\n");
  EXPECT_THAT(problems(), testing::SizeIs(2));
  EXPECT_THAT(problems(), testing::Each(testing::Not(HasSubstr(almost.substr(0, 8)))));
}

}  // namespace
}  // namespace wgr
