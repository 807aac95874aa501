// What is left when file, .conf, environment and flags have spoken: precedence, secrets, cross checks.
#include "cmd/config_source.h"

#include "cmd/config_check.h"
#include "cmd/config_setting.h"
#include "tests/cmd/config_fixture.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class ConfigSourceTest : public ConfigTest {};

TEST_F(ConfigSourceTest, FlagsWinOverEnvironmentOverConfOverFileOverDefaults) {
  EXPECT_EQ(load().wireguard.listen_port, 51820);
  yaml("wireguard: {listen_port: 1}\nnetwork: {mtu: 1301}\ntcp: {ack_delay: 1ms}\n");
  EXPECT_EQ(load().wireguard.listen_port, 1);
  conf("[Interface]\nListenPort = 2\nMTU = 1302\n");
  EXPECT_EQ(load().wireguard.listen_port, 2);
  env("WG_LISTEN_PORT", "3");
  EXPECT_EQ(load().wireguard.listen_port, 3);
  flag("wireguard.listen_port", "4");
  const Config config = load();
  EXPECT_EQ(config.wireguard.listen_port, 4);
  EXPECT_EQ(config.slirp.mtu, 1302);           // set by the .conf last
  EXPECT_EQ(config.slirp.tcp.ack_delay, 1ms);  // by the file alone
}

TEST_F(ConfigSourceTest, ListsAreReplacedNotJoined) {
  yaml("egress: {allow: [private]}\n");
  env("EGRESS_ALLOW", "10.0.0.0/8,cgnat");
  EXPECT_EQ(load().egress.rules.allow.size(), 2u);
  flag("egress.allow", "loopback");
  EXPECT_EQ(load().egress.rules.allow.size(), 1u);
}

TEST_F(ConfigSourceTest, ProblemsOfAllSourcesAreToldTogether) {
  yaml("network: {mtu: 1}\n");
  conf("[Interface]\nListenPort = x\n");
  env("IP_TTL", "0");
  flag("log.level", "loud");
  flag("no.such", "1");
  EXPECT_THAT(problems(),
              ElementsAre(StartsWith("wgrouter.yaml:1: network.mtu: "),
                          StartsWith("wg0.conf:2: ListenPort: "), StartsWith("environment: IP_TTL: "),
                          StartsWith("command line: --set log.level: \"loud\" is not one; expected trace"),
                          StartsWith("command line: --set no.such: unknown key")));
}

TEST_F(ConfigSourceTest, ConfFileStandsInForTheWireguardPart) {
  yaml(with_peers(peer(kPeerA)));
  conf(std::string("[Interface]\nPrivateKey = ") + kPreshared +
       "\nAddress = 10.0.0.1/24\nDNS = 9.9.9.9\nPostUp = x\n"
       "[Peer]\n# friendly_name = bob\nPublicKey = " +
       kPeerB + "\nAllowedIPs = 10.0.0.2/32\n");
  const Config config = load();
  EXPECT_EQ(wireguard::secret_to_base64(config.wireguard.device.private_key), kPreshared);
  EXPECT_EQ(config.network.addresses, std::vector{*InterfaceAddress::parse("10.0.0.1/24")});
  EXPECT_EQ(config.slirp.dns.upstreams, std::vector{*SocketAddress::parse("9.9.9.9:53")});
  ASSERT_EQ(config.wireguard.peers.size(), 1u);
  EXPECT_EQ(config.wireguard.peers[0].peer.name, "bob");
  EXPECT_THAT(notices(), Contains(HasSubstr("wg0.conf:5: PostUp: is not executed")));
}

// --- secrets ---

TEST_F(ConfigSourceTest, KeyFilesAreReadAndTrimmed) {
  yaml("wireguard:\n  private_key_file: " + write("key", std::string("\n ") + kPrivateKey + " \r\n\n") +
       "\n  peers:\n    - public_key: " + kPeerA + "\n      preshared_key_file: " + write("psk", kPreshared) +
       "\n");
  const Config config = load();
  EXPECT_EQ(wireguard::secret_to_base64(config.wireguard.device.private_key), kPrivateKey);
  ASSERT_TRUE(config.wireguard.peers[0].peer.preshared_key);
  EXPECT_EQ(wireguard::secret_to_base64(*config.wireguard.peers[0].peer.preshared_key), kPreshared);
}

TEST_F(ConfigSourceTest, KeyFileThatOthersMayReadIsRefused) {
  for (const mode_t mode : {0640, 0604, 0620, 0601, 0660, 0644}) {
    env("WG_PRIVATE_KEY_FILE", write("key", kPrivateKey, mode));
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("others could read the key; expected 0600")))
        << std::oct << mode;
  }
  env("WG_PRIVATE_KEY_FILE", write("key", kPrivateKey, 0400));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ConfigSourceTest, InsecureKeyPermissionsAcceptsIt) {
  env("WG_PRIVATE_KEY_FILE", write("key", kPrivateKey, 0644));
  flag("wireguard.insecure_key_permissions", "true");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ConfigSourceTest, KeyFileProblemsAreSentencesWithoutContent) {
  env("WG_PRIVATE_KEY_FILE", path("missing"));
  EXPECT_THAT(problems(),
              ElementsAre("environment: WG_PRIVATE_KEY_FILE: missing cannot be opened: No such file or "
                          "directory"));
  env("WG_PRIVATE_KEY_FILE", write("bad", "not-a-key"));
  EXPECT_THAT(problems(),
              ElementsAre(StartsWith("environment: WG_PRIVATE_KEY_FILE: bad holds no key; expected a key")));
  EXPECT_THAT(problems()[0], testing::Not(HasSubstr("not-a-key")));
  env("WG_PRIVATE_KEY_FILE", folder_);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("is not a regular file")));
  env("WG_PRIVATE_KEY_FILE", write("big", std::string(1 << 20, 'A')));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("holds no key")));
}

TEST_F(ConfigSourceTest, KeyAndKeyFileInOneSourceExcludeEachOther) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  env("WG_PRIVATE_KEY_FILE", write("key", kPrivateKey));
  EXPECT_THAT(problems(),
              ElementsAre("environment: WG_PRIVATE_KEY_FILE: the key is also given by environment: "
                          "WG_PRIVATE_KEY; expected only one of the two"));
}

TEST_F(ConfigSourceTest, KeyOfALaterSourceReplacesTheKeyFileOfAnEarlierAndViceVersa) {
  yaml("wireguard: {private_key_file: " + path("missing") + "}\n");
  env("WG_PRIVATE_KEY", kPrivateKey);
  EXPECT_THAT(problems(), IsEmpty());

  yaml(std::string("wireguard: {private_key: ") + kPreshared + "}\n");
  places_.environment = {{"WG_PRIVATE_KEY_FILE", write("key", kPrivateKey)}};
  EXPECT_EQ(wireguard::secret_to_base64(load().wireguard.device.private_key), kPrivateKey);
}

TEST_F(ConfigSourceTest, SystemdCredentialServesWhereNoKeyIsConfigured) {
  write("WG_PRIVATE_KEY", kPrivateKey, 0440);
  env("CREDENTIALS_DIRECTORY", folder_);
  EXPECT_EQ(wireguard::secret_to_base64(load().wireguard.device.private_key), kPrivateKey);
  env("WG_PRIVATE_KEY", kPreshared);
  EXPECT_EQ(wireguard::secret_to_base64(load().wireguard.device.private_key), kPreshared);
}

TEST_F(ConfigSourceTest, WorldReadableFileWithAKeyIsToldNotRefused) {
  places_.config_file =
      write("open.yaml", std::string("wireguard: {private_key: ") + kPrivateKey + "}", 0644);
  EXPECT_THAT(notices(),
              Contains(HasSubstr("holds secrets (wireguard.private_key) and everyone may read it")));
}

TEST_F(ConfigSourceTest, EverySecretInAWorldReadableFileIsTold) {
  const std::string peers = with_peers(peer(kPeerA, std::string(", preshared_key: ") + kPreshared));
  places_.config_file = write("open.yaml", peers + "ws: {token: abc}\nmetrics: {token: def}\n", 0644);
  EXPECT_THAT(
      notices(),
      Contains(HasSubstr("holds secrets (wireguard.private_key, ws.token, metrics.token, preshared_key) ")));
  ::chmod(places_.config_file.c_str(), 0640);
  EXPECT_THAT(notices(), testing::Not(Contains(HasSubstr("holds secrets"))));
}

TEST_F(ConfigSourceTest, SecretsOfListenersCountToo) {
  const std::string more = "listeners:\n  - {port: 9000, tokens: [{name: a, secret: abc}]}\n";
  places_.config_file = write("open.yaml", more, 0644);
  EXPECT_THAT(notices(), Contains(HasSubstr("holds secrets (secret) ")));
}

TEST_F(ConfigSourceTest, EmptySecretIsAProblemAndNoOpenDoor) {
  for (const char* const key : {"ws: {token: ''}", "ws: {token_file: ''}", "metrics: {token: ''}",
                                "metrics: {token_file: ''}", "ws: {passphrase: ''}"}) {
    yaml(std::string{key} + "\n");
    EXPECT_THAT(problems(), ElementsAre(HasSubstr(": is empty: leave the key out"))) << key;
  }
  yaml("listeners:\n  - {port: 9000, tokens: [{name: a, secret: ''}]}\n");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr(": is empty: leave the key out")));
  places_.config_file.clear();
  flag("ws.token", "");
  EXPECT_THAT(problems(), ElementsAre(StartsWith("command line: --set ws.token: is empty")));
}

TEST_F(ConfigSourceTest, SecretOfALaterSourceReplacesTheFileOfAnEarlierOne) {
  yaml("ws: {token_file: " + write("token", "former") + "}\n");
  EXPECT_EQ(load().ws.listeners.at(0).tokens.at(0).secret, "former");
  env("WGROUTER_WS_TOKEN", "next");
  EXPECT_EQ(load().ws.listeners.at(0).tokens.at(0).secret, "next");
}

TEST_F(ConfigSourceTest, FileOfAnotherKindIsToldInFewLines) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "\xff\xfe\x01 = \x80\n";
  conf(text);
  const std::vector<std::string> lines = problems();
  ASSERT_EQ(lines.size(), 21u);
  EXPECT_THAT(lines.back(), testing::MatchesRegex("and [0-9]+ more"));
  for (const std::string& line : lines) {
    for (const char c : line) ASSERT_TRUE(c >= ' ' && c <= '~') << line;
  }
}

TEST_F(ConfigSourceTest, ReportSpeaksTheLanguageOfTheLogUnlessTold) {
  env("LOG_FORMAT", "json");
  EXPECT_EQ(load().report.format, log::Format::kJson);
  env("METRICS_FORMAT", "text");
  EXPECT_EQ(load().report.format, log::Format::kText);
}

TEST_F(ConfigSourceTest, ProbeWithoutATargetIsTold) {
  env("HEALTHCHECK", "1");
  EXPECT_THAT(notices(), Contains(StartsWith("environment: HEALTHCHECK: there is nothing to ask")));
  env("HEALTH_DNS_NAME", "example.com");
  EXPECT_THAT(notices(), testing::Not(Contains(HasSubstr("nothing to ask"))));
}

// --- cross checks ---

TEST_F(ConfigSourceTest, SamePublicKeyTwiceNamesBothPeers) {
  yaml(with_peers(peer(kPeerA, ", name: one") + peer(kPeerA, ", name: two")));
  EXPECT_THAT(problems(), ElementsAre("wgrouter.yaml:5 (\"two\"): has the same public key as wgrouter.yaml:4 "
                                      "(\"one\"); expected one entry per peer"));
}

TEST_F(ConfigSourceTest, SamePrefixAtTwoPeersNamesBoth) {
  yaml(with_peers(peer(kPeerA, ", allowed_ips: [10.0.0.0/24, 10.1.0.5]") +
                  peer(kPeerB, ", allowed_ips: [10.0.0.7/24, 10.1.0.6]")));
  EXPECT_THAT(problems(), ElementsAre("wgrouter.yaml:5: claims 10.0.0.0/24, which is an allowed_ips of "
                                      "wgrouter.yaml:4 too; expected each prefix at one peer"));
}

TEST_F(ConfigSourceTest, NestedPrefixesAndRepeatsAtOnePeerAreFine) {
  yaml(with_peers(peer(kPeerA, ", allowed_ips: [10.0.0.0/8, 10.0.0.0/8]") +
                  peer(kPeerB, ", allowed_ips: 10.1.0.0/16")));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ConfigSourceTest, DisabledPeerClaimsNoPrefix) {
  yaml(with_peers(peer(kPeerA, ", allowed_ips: 10.0.0.2, enabled: false") +
                  peer(kPeerB, ", allowed_ips: 10.0.0.2")));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ConfigSourceTest, OwnKeyAsPeerIsToldAndNotServed) {
  yaml(with_peers(peer(kOwnPublicKey, ", allowed_ips: 10.0.0.2")));
  EXPECT_FALSE(load().wireguard.peers[0].is_enabled);
  EXPECT_THAT(notices(), Contains(HasSubstr("has the router's own public key and is not served")));
}

TEST_F(ConfigSourceTest, PeersWithoutAKeyAreAProblemAndAKeyWithoutPeersIsTold) {
  env("WG_PEERS", std::string("public_key=") + kPeerA);
  EXPECT_THAT(problems(),
              ElementsAre(StartsWith("wireguard.private_key: there are peers, but no private key")));
  places_.environment = {{"WG_PRIVATE_KEY", kPrivateKey}};
  EXPECT_THAT(notices(), ElementsAre("no peer is configured: nobody can connect"));
}

TEST_F(ConfigSourceTest, BadKeyIsToldOnceEvenWithPeers) {
  env("WG_PEERS", std::string("public_key=") + kPeerA);
  env("WG_PRIVATE_KEY", "nonsense");
  EXPECT_THAT(problems(), ElementsAre(StartsWith("environment: WG_PRIVATE_KEY: ")));
}

TEST_F(ConfigSourceTest, SmallMtuDropsTheDefaultIpv6AddressButNotAConfiguredOne) {
  env("WG_MTU", "1279");
  EXPECT_EQ(load().slirp.own_addresses, std::vector{*IpAddress::parse("10.86.0.1")});
  env("WG_ADDRESSES", "10.0.0.1/24,fd00::1/64");
  EXPECT_THAT(problems(),
              ElementsAre("environment: WG_MTU: is too small for the IPv6 addresses in network.addresses; "
                          "expected 1280 at least, or no IPv6 address"));
  env("WG_MTU", "1280");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ConfigSourceTest, KeysThatContradictEachOtherAreProblems) {
  yaml(
      "tcp: {min_rto: 5s, max_rto: 2s, initial_receive_window: 2MiB, max_receive_window: 1MiB}\n"
      "limits: {tcp_memory: 1MiB, tcp_memory_per_guest: 2MiB}\n");
  EXPECT_THAT(
      problems(),
      ElementsAre("wgrouter.yaml:1: tcp.min_rto: tcp.min_rto is above tcp.max_rto",
                  "wgrouter.yaml:1: tcp.initial_receive_window: tcp.initial_receive_window is above "
                  "tcp.max_receive_window",
                  "wgrouter.yaml:2: limits.tcp_memory_per_guest: limits.tcp_memory_per_guest is above "
                  "limits.tcp_memory"));
}

TEST_F(ConfigSourceTest, SmallWindowScaleLowersTheDefaultWindowButRefusesAChosenOne) {
  env("TCP_WS_OUT", "0");
  EXPECT_EQ(load().slirp.tcp.max_receive_window, 65535u);
  EXPECT_EQ(load().slirp.tcp.initial_receive_window, 65535u);
  flag("tcp.max_receive_window", "1MiB");
  EXPECT_THAT(problems(),
              ElementsAre(StartsWith("command line: --set tcp.max_receive_window: is more than")));
}

TEST_F(ConfigSourceTest, PcapIsToldLoudly) {
  env("WG_PCAP", "/tmp/x.pcap");
  EXPECT_THAT(notices(), Contains(HasSubstr("in plain text to /tmp/x.pcap")));
}

TEST_F(ConfigSourceTest, TokenInThePathOfADialedPeerIsASecretOfTheFile) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  const std::string dialed = std::string("wireguard:\n  peers:\n    - {public_key: ") + kPeerA +
                             ", allowed_ips: [10.0.0.2/32], endpoint: ";
  places_.config_file = write("open.yaml", dialed + "\"wss://host/word/wg\"}\n", 0644);
  EXPECT_THAT(notices(), Contains(HasSubstr("holds secrets (endpoint) ")));
  places_.config_file = write("open.yaml", dialed + "\"wss://host/wg\"}\n", 0644);
  EXPECT_THAT(notices(), testing::Not(Contains(HasSubstr("holds secrets"))));
}

TEST_F(ConfigSourceTest, PipeWithoutAWriterIsNoEmptyConfiguration) {
  places_.config_file = path("pipe");
  ASSERT_EQ(::mkfifo(places_.config_file.c_str(), 0600), 0);
  EXPECT_THAT(problems(), ElementsAre(StartsWith("pipe: is a pipe that nobody writes to")));
}

TEST(ResolvConfTest, ReadsNameserversAndFallsBackToTheLocalOne) {
  const auto texts = [](std::string_view text) {
    std::vector<std::string> upstreams;
    for (const SocketAddress& upstream : parse_resolv_conf(text)) upstreams.push_back(upstream.to_string());
    return upstreams;
  };
  EXPECT_THAT(
      texts("# x\nsearch a b\nnameserver 192.0.2.1\n  nameserver\t2001:db8::1 # y\nnameserver fe80::1%eth0\n"
            "nameserver nonsense\noptions edns0"),
      ElementsAre("192.0.2.1:53", "[2001:db8::1]:53"));
  EXPECT_THAT(texts(""), ElementsAre("127.0.0.1:53"));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "nameserver 192.0.2.1\n";
  EXPECT_EQ(texts(many).size(), 8u);
}

// The documented defaults and bounds are those of the code: defaults pass their own bounds.
TEST(SettingsTest, EveryDefaultIsAcceptedByItsOwnKey) {
  for (const Setting& setting : settings()) {
    const Texts texts = setting.get(Config{});
    if (texts.empty()) continue;
    Config config;
    EXPECT_EQ(setting.set(config, texts), std::nullopt) << setting.path;
    EXPECT_EQ(setting.get(config), texts) << setting.path;
    EXPECT_FALSE(setting.expected.empty()) << setting.path;
    EXPECT_FALSE(setting.help.empty()) << setting.path;
  }
}

}  // namespace
}  // namespace wgr
