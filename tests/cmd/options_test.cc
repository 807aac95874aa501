#include "cmd/wgrouter/options.h"

#include <sstream>

#include "cmd/config_setting.h"
#include "cmd/wgrouter/commands.h"
#include "tests/cmd/config_fixture.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

using testing::HasSubstr;

Options parse(std::vector<std::string_view> arguments, Environment environment = {}) {
  return parse_options(arguments, std::move(environment));
}

std::string usage_error(std::vector<std::string_view> arguments) {
  try {
    parse(std::move(arguments));
    return {};
  } catch (const UsageError& error) {
    return error.what();
  }
}

TEST(OptionsTest, CommandsAreRecognizedAndRunIsTheDefault) {
  const std::pair<std::string_view, Command> rows[] = {
      {"run", Command::kRun},
      {"genkey", Command::kGenkey},
      {"pubkey", Command::kPubkey},
      {"genpsk", Command::kGenpsk},
      {"help", Command::kHelp},
      {"check-config", Command::kCheckConfig},
      {"version", Command::kVersion},
      {"print-config", Command::kPrintConfig},
      {"--help", Command::kHelp},
      {"-V", Command::kVersion},
      {"healthcheck", Command::kHealthcheck},
  };
  EXPECT_EQ(parse({}).command, Command::kRun);
  for (const auto& [word, command] : rows) EXPECT_EQ(parse({word}).command, command) << word;
  EXPECT_TRUE(parse({"version", "--json"}).is_json);
}

TEST(OptionsTest, UrlBelongsToHealthcheck) {
  EXPECT_EQ(parse({"healthcheck", "--url", "http://[::1]:1/x"}).url, "http://[::1]:1/x");
  EXPECT_EQ(parse({"healthcheck"}).url, "");
  EXPECT_EQ(usage_error({"run", "--url=http://x"}), "--url belongs to the command healthcheck");
  EXPECT_THAT(help_text(), HasSubstr("healthcheck"));
}

TEST(OptionsTest, FlagsBecomeOverridesInBothSpellings) {
  const Options options =
      parse({"run", "--listen-port", "5", "--mtu=1400", "--set", "tcp.sack=no", "--overlay", "--egress-allow",
             "private", "--egress-allow=10.0.0.0/8", "--config", "a.yaml", "--wg-config=b.conf"});
  EXPECT_EQ(options.places.config_file, "a.yaml");
  EXPECT_EQ(options.places.wg_config_file, "b.conf");
  std::vector<std::string> overrides;
  for (const Override& o : options.places.overrides) overrides.push_back(o.path + "=" + o.value);
  EXPECT_THAT(overrides, testing::ElementsAre("wireguard.listen_port=5", "network.mtu=1400", "tcp.sack=no",
                                              "overlay.enabled=true", "egress.allow=private,10.0.0.0/8"));
}

TEST(OptionsTest, FilesMayComeFromTheEnvironment) {
  const Environment environment = {{"WGROUTER_CONFIG", "e.yaml"}, {"WGROUTER_WG_CONFIG", "e.conf"}};
  EXPECT_EQ(parse({}, environment).places.config_file, "e.yaml");
  EXPECT_EQ(parse({}, environment).places.wg_config_file, "e.conf");
  EXPECT_EQ(parse({"-c", "f.yaml"}, environment).places.config_file, "f.yaml");
}

TEST(OptionsTest, WhatMeansNothingIsSaid) {
  EXPECT_EQ(usage_error({"chek-config"}), "unknown command \"chek-config\"; did you mean check-config?");
  EXPECT_EQ(usage_error({"--listen-prot", "5"}),
            "unknown flag \"--listen-prot\"; did you mean --listen-port?");
  EXPECT_EQ(usage_error({"--zzzzzzzzzzzz"}), "unknown flag \"--zzzzzzzzzzzz\"; see wgrouter help");
  EXPECT_EQ(usage_error({"--listen-port"}), "--listen-port needs a value");
  EXPECT_EQ(usage_error({"--listen-port="}), "--listen-port needs a value");
  EXPECT_EQ(usage_error({"--set", "tcp.sack"}), "--set needs KEY=VALUE, such as tcp.ack_delay=5ms");
  EXPECT_EQ(usage_error({"run", "run"}), "unexpected argument \"run\"");
  EXPECT_EQ(usage_error({"--mtu", "1", "--set", "network.mtu=2"}),
            "--set \"network.mtu\": \"network.mtu\" is given twice");
  EXPECT_EQ(usage_error({"--json"}), "--json belongs to the command version");
  EXPECT_EQ(usage_error({"--help=1"}), "--help takes no value");
}

TEST(OptionsTest, EveryFlagOfTheHelpIsAcceptedAndStandsForAKey) {
  std::istringstream help{help_text()};
  int flags = 0;
  for (std::string line; std::getline(help, line);) {
    if (!line.starts_with("  -")) continue;
    const std::size_t comma = line.find(", --");
    const bool is_short = comma == 4;  // "  -a, --ws-address IP"
    const std::string rest = line.substr(is_short ? comma + 2 : 2);
    const std::string flag = rest.substr(0, rest.find(' '));
    if (flag == "--config" || flag == "--wg-config" || flag == "--set") continue;
    const bool takes_value = rest[flag.size() + 1] != ' ';
    for (const std::string& name : {flag, is_short ? line.substr(2, 2) : flag}) {
      const Options options = takes_value ? parse({name, "1"}) : parse({name});
      ASSERT_EQ(options.places.overrides.size(), 1u) << name;
      EXPECT_TRUE(shape_of(options.places.overrides[0].path)) << name;
    }
    ++flags;
  }
  EXPECT_GT(flags, 15);
}

TEST_F(ConfigTest, FlagsOfWsnicMeanWhatTheyMeantThere) {
  const Options options =
      parse({"--ws-address", "192.0.2.1", "--ws-port", "9086", "--wss-port=9087", "--wss-certificate",
             write("chain.pem", chain_and_key()), "--subnet", "10.5.0.0/16", "--disable-dhcp",
             "--dhcp-lease-file", "/x/db", "--dhcp-lease-time", "3600", "--dhcp-domain-name", "vm.example",
             "--dhcp-nameserver", "8.8.8.8, 8.8.4.4"});
  places_.overrides = options.places.overrides;
  const Config config = load();
  ASSERT_EQ(config.ws.listeners.size(), 2u);
  EXPECT_EQ(config.ws.listeners[0].port, 9086);
  EXPECT_FALSE(config.ws.listeners[0].tls);
  EXPECT_EQ(config.ws.listeners[1].port, 9087);
  ASSERT_TRUE(config.ws.listeners[1].tls);
  EXPECT_EQ(config.ws.listeners[1].tls->private_key, path("chain.pem"));
  EXPECT_EQ(config.ws.listeners[1].addresses[0].to_string(), "192.0.2.1");
  const slirp::lan::NetworkConfig& network = config.lan.networks.at(0).network;
  EXPECT_EQ(network.subnet.to_string(), "10.5.0.0/16");
  EXPECT_EQ(network.gateway.to_string(), "10.5.0.1");
  EXPECT_FALSE(network.dhcp.enabled);
  EXPECT_EQ(config.lan.lease_file, "/x/db");
  EXPECT_EQ(network.dhcp.lease_time, std::chrono::hours{1});
  EXPECT_EQ(network.dhcp.domain, "vm.example");
  EXPECT_EQ(network.dhcp.name_servers.size(), 2u);
  EXPECT_EQ(usage_error({"--disable-dhcp=true"}), "--disable-dhcp takes no value");
}

TEST_F(ConfigTest, ShortFlagsOfWsnicMeanWhatTheyMeantThere) {
  const std::string pem = write("chain.pem", chain_and_key());
  const Options options = parse({"-v", "-a", "192.0.2.1", "-r", pem, "-k", pem, "-s10.5.0.0/16", "-i", "-f",
                                 "eth0", "-t3600", "-n=vm.example", "-d", "8.8.8.8,8.8.4.4"});
  places_.overrides = options.places.overrides;
  places_.meaningless_flags = options.places.meaningless_flags;
  const Config config = load();
  EXPECT_EQ(config.log.level, log::Level::kDebug);
  ASSERT_EQ(config.ws.listeners.size(), 2u);
  EXPECT_EQ(config.ws.listeners[1].addresses[0].to_string(), "192.0.2.1");
  EXPECT_EQ(config.ws.listeners[1].tls->private_key, pem);
  const slirp::lan::NetworkConfig& network = config.lan.networks.at(0).network;
  EXPECT_EQ(network.subnet.to_string(), "10.5.0.0/16");
  EXPECT_EQ(network.dhcp.lease_time, std::chrono::hours{1});
  EXPECT_EQ(network.dhcp.domain, "vm.example");
  EXPECT_EQ(network.dhcp.name_servers.size(), 2u);
  EXPECT_THAT(notices(),
              testing::IsSupersetOf({HasSubstr("without meaning in this router: -i: guests reach"),
                                     HasSubstr("without meaning in this router: -f: the host's")}));
  EXPECT_EQ(parse({"-q"}).places.overrides.at(0).value, "warn");
  EXPECT_EQ(parse({"-cwgrouter.yaml"}).places.config_file, "wgrouter.yaml");
  EXPECT_EQ(usage_error({"-v=1"}), "-v takes no value");
  EXPECT_EQ(usage_error({"--enable-inet=1"}), "--enable-inet takes no value");
  EXPECT_EQ(usage_error({"-t"}), "-t needs a value");
  EXPECT_EQ(usage_error({"-v", "-q"}), "-q: \"log.level\" is given twice");
  EXPECT_THAT(usage_error({"-x"}), HasSubstr("unknown flag \"-x\""));
  EXPECT_THAT(usage_error({"-verbose"}), HasSubstr("unknown flag \"-verbose\""));
}

TEST_F(ConfigTest, PagesOfOtherOriginsAndATokenAreNamedByFlags) {
  const Options options = parse({"--ws-origin", "http://localhost:8000", "--ws-origin=https://copy.sh",
                                 "--ws-token-file", write("ws.token", "s3cret\n")});
  places_.overrides = options.places.overrides;
  const Config config = load();
  const ws::ListenerConfig& listener = config.ws.listeners.at(0);
  EXPECT_EQ(listener.origins, (std::vector<std::string>{"http://localhost:8000", "https://copy.sh"}));
  EXPECT_EQ(listener.tokens.at(0).secret, "s3cret");

  places_.overrides.clear();
  env("WGROUTER_WS_ORIGINS", "http://localhost:8000,https://copy.sh");
  env("WGROUTER_WS_TOKEN_FILE", path("ws.token"));
  EXPECT_EQ(load().ws.listeners.at(0).origins, listener.origins);
  EXPECT_EQ(load().ws.listeners.at(0).tokens.at(0).secret, "s3cret");
}

class CommandsTest : public ConfigTest {};

TEST_F(CommandsTest, GeneratedKeysAreKeysAndDiffer) {
  std::ostringstream one, two, psk, out, errors;
  EXPECT_EQ(print_new_private_key(one), 0);
  EXPECT_EQ(print_new_private_key(two), 0);
  EXPECT_EQ(print_new_preshared_key(psk), 0);
  EXPECT_NE(one.str(), two.str());
  EXPECT_EQ(one.str().size(), 45u);
  const auto key = wireguard::parse_secret_key(one.str().substr(0, 44));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->data()[0] & 7, 0);  // clamped, as `wg genkey` prints it
  EXPECT_EQ(key->data()[31] & 0xc0, 0x40);
  EXPECT_TRUE(wireguard::parse_secret_key(psk.str().substr(0, 44)));
}

TEST_F(CommandsTest, PubkeyDerivesWhatWgDerives) {
  std::istringstream in{std::string("  ") + kPrivateKey + "\n"};
  std::ostringstream out, errors;
  EXPECT_EQ(print_public_key(in, out, errors), 0);
  EXPECT_EQ(out.str(), std::string(kOwnPublicKey) + "\n");
}

TEST_F(CommandsTest, PubkeyRefusesWhatIsNoKeyWithoutRepeatingIt) {
  for (const std::string& text : {std::string{}, std::string{"almost-a-secret"}, std::string(100'000, 'A')}) {
    std::istringstream in{text};
    std::ostringstream out, errors;
    EXPECT_EQ(print_public_key(in, out, errors), 1);
    EXPECT_EQ(out.str(), "");
    EXPECT_THAT(errors.str(), HasSubstr("no private key; expected a key"));
    EXPECT_THAT(errors.str(), testing::Not(HasSubstr("almost")));
  }
}

TEST_F(CommandsTest, CheckConfigSaysOkWithASummary) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  env("WG_PEERS", std::string("public_key=") + kPeerA + ",allowed_ips=10.0.0.2");
  env("EGRESS_ALLOW", "private");
  std::ostringstream out;
  EXPECT_EQ(check_config(ConfigSource{places_}, out), 0);
  EXPECT_THAT(out.str(), testing::StartsWith("configuration ok\n"));
  EXPECT_THAT(out.str(), HasSubstr(std::string("public key ") + kOwnPublicKey));
  EXPECT_THAT(out.str(), HasSubstr("peers:    1\n"));
  EXPECT_THAT(out.str(), HasSubstr("egress:   allow private; deny nothing more\n"));
  EXPECT_THAT(out.str(), testing::Not(HasSubstr(kPrivateKey)));
}

TEST_F(CommandsTest, CheckAndPrintWorkWithoutAnyConfiguration) {
  std::ostringstream check, print;
  EXPECT_EQ(check_config(ConfigSource{places_}, check), 0);
  EXPECT_THAT(check.str(), HasSubstr("none configured; run makes one"));
  EXPECT_EQ(print_config(ConfigSource{places_}, print), 0);
  yaml(print.str());
  EXPECT_THAT(problems(), testing::IsEmpty());
}

TEST_F(CommandsTest, VersionIsTextOrJson) {
  std::ostringstream text, json;
  print_version(VersionFormat::kText, text);
  print_version(VersionFormat::kJson, json);
  EXPECT_THAT(text.str(), testing::MatchesRegex("wgrouter [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_THAT(json.str(), testing::StartsWith("{\"name\":\"wgrouter\",\"version\":\""));
}

}  // namespace
}  // namespace wgr
