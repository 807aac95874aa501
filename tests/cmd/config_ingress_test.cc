#include "cmd/config_ingress.h"

#include "cmd/config_setting.h"
#include "cmd/config_yaml.h"
#include "tests/cmd/config_fixture.h"

namespace wgr {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class ConfigIngressTest : public ConfigTest {
 protected:
  static std::vector<std::string> paths_of(const ws::ListenerConfig& listener) {
    std::vector<std::string> paths;
    for (const ws::Route& route : listener.routes) paths.push_back(route.path);
    return paths;
  }

  ws::CertificateFolder certificates_;
};

TEST_F(ConfigIngressTest, OnePlainListenerOnLoopbackIsTheDefault) {
  flag("lan.networks.lab.subnet", "10.1.0.0/24");
  const std::vector<ws::ListenerConfig> listeners = load().ws.listeners;
  ASSERT_EQ(listeners.size(), 1u);
  EXPECT_EQ(listeners[0].port, 8086);
  EXPECT_EQ(listeners[0].addresses.at(0).to_string(), "127.0.0.1");
  EXPECT_FALSE(listeners[0].tls);
  EXPECT_THAT(listeners[0].tokens, IsEmpty());
  EXPECT_THAT(paths_of(listeners[0]), ElementsAre("/", "/ethernet", "/ethernet/default", "/ethernet/lab",
                                                  "/wg", "/v1/events", "/dns-query"));
  EXPECT_THAT(notices(), IsEmpty());
  flag("ws.enabled", "no");
  EXPECT_THAT(load().ws.listeners, IsEmpty());
}

TEST_F(ConfigIngressTest, CertificateOpensTheListenerWithTls) {
  const std::string pem = chain_and_key();
  flag("ws.certificate", write("chain.pem", pem, 0644));
  flag("ws.private_key", write("key.pem", pem));
  const std::vector<ws::ListenerConfig> listeners = load().ws.listeners;
  ASSERT_EQ(listeners.size(), 2u);
  EXPECT_EQ(listeners[1].port, 8087);
  ASSERT_TRUE(listeners[1].tls);
  EXPECT_EQ(listeners[1].tls->certificate, path("chain.pem"));
  EXPECT_EQ(listeners[1].tls->private_key, path("key.pem"));
}

TEST_F(ConfigIngressTest, KeysThatOthersMayReadAreRefusedLikeThoseOfWireGuard) {
  const std::string pem = chain_and_key();
  flag("ws.certificate", write("chain.pem", pem, 0644));
  flag("ws.private_key", write("key.pem", pem, 0640));
  EXPECT_THAT(problems(), ElementsAre(AllOf(StartsWith("command line: --set ws.private_key: "),
                                            HasSubstr("key.pem has mode 0640"))));
  flag("wireguard.insecure_key_permissions", "yes");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ConfigIngressTest, FilesThatAreNotThereAreNamed) {
  flag("ws.certificate", path("none.pem"));
  flag("ws.token_file", path("none.token"));
  EXPECT_THAT(problems(), testing::UnorderedElementsAre(HasSubstr("none.pem cannot be opened"),
                                                        HasSubstr("none.token cannot be opened")));
}

// A listener that could not speak TLS is found by check-config, not by the first browser.
TEST_F(ConfigIngressTest, CertificateKeyAndPassphraseBelongTogether) {
  const ws::TlsFiles open = certificates_.make();
  const ws::TlsFiles locked = certificates_.make({.passphrase = "open-sesame"});
  const std::string nonsense = certificates_.write("nonsense.pem", "nothing of use\n");
  const struct {
    std::string certificate, private_key, passphrase;
    std::string key, sentence;  // of the problem; empty: none
  } kCases[] = {
      {open.certificate, open.private_key, "", "", ""},
      {locked.certificate, locked.private_key, "open-sesame", "", ""},
      {locked.certificate, locked.private_key, "wrong", "passphrase",
       "the passphrase does not open the private key " + locked.private_key},
      {locked.certificate, locked.private_key, "", "passphrase",
       "the private key " + locked.private_key + " is encrypted and needs a passphrase"},
      {open.certificate, locked.private_key, "open-sesame", "private_key",
       "the private key " + locked.private_key + " does not belong to the certificate " + open.certificate},
      {nonsense, open.private_key, "", "certificate", nonsense + " holds no certificate in PEM form"},
      {open.certificate, nonsense, "", "private_key", nonsense + " holds no private key in PEM form"},
      {open.certificate, "", "", "certificate", open.certificate + " holds no private key in PEM form"},
  };
  places_.environment["WGROUTER_WIREGUARD_INSECURE_KEY_PERMISSIONS"] = "yes";
  for (const auto& c : kCases) {
    std::string entry = "  certificate: " + c.certificate;
    if (!c.private_key.empty()) entry += "\n  private_key: " + c.private_key;
    if (!c.passphrase.empty()) entry += "\n  passphrase: " + c.passphrase;
    for (const bool is_list : {false, true}) {
      yaml((is_list ? "listeners:\n- port: 1\n" : "ws:\n") + entry + "\n");
      if (c.key.empty()) {
        EXPECT_THAT(problems(), IsEmpty());
      } else {
        EXPECT_THAT(problems(), ElementsAre(AllOf(HasSubstr(c.key + ": " + c.sentence)))) << entry;
      }
    }
  }
}

TEST_F(ConfigIngressTest, PassphraseFromAFileOpensTheKey) {
  const ws::TlsFiles locked = certificates_.make({.passphrase = "open-sesame"});
  flag("wireguard.insecure_key_permissions", "yes");
  flag("ws.certificate", locked.certificate);
  flag("ws.private_key", locked.private_key);
  flag("ws.passphrase_file", write("pass", "open-sesame\n"));
  EXPECT_THAT(problems(), IsEmpty());
  write("pass", "wrong\n");
  EXPECT_THAT(problems(), ElementsAre(StartsWith("command line: --set ws.passphrase_file: the passphrase")));
  write("pass", "");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("pass is empty")));
}

TEST_F(ConfigIngressTest, AuthoritiesOfDialedPeersAreRead) {
  flag("wireguard.dial_authorities", certificates_.make().certificate);
  EXPECT_THAT(problems(), IsEmpty());
  places_.overrides.clear();
  flag("wireguard.dial_authorities", write("nonsense.pem", "nothing\n"));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("dial_authorities: nonsense.pem holds no certificate")));
}

TEST_F(ConfigIngressTest, ListenersAreReadWithTheirTokens) {
  yaml(R"(
listeners:
  - port: 8443
    addresses: [0.0.0.0]
    paths: {/: "ethernet:lab", /tunnel/: wireguard, /q: dns}
    origins: [HTTPS://VM.example, "*"]
    tokens:
      - {name: class, secret: s3cret, networks: [lab]}
      - {name: staff, secret_file: )" +
       write("staff.token", "other-secret\n") + R"(}
  - port: 8444
ws: {ping_interval: 10s, trusted_proxies: [10.0.0.0/8], queue_bytes: 1MiB}
lan: {networks: {lab: {subnet: 10.1.0.0/24}}}
)");
  ASSERT_THAT(problems(), IsEmpty());
  const ws::Config config = load().ws;
  ASSERT_EQ(config.listeners.size(), 2u);
  const ws::ListenerConfig& listener = config.listeners[0];
  EXPECT_THAT(paths_of(listener), ElementsAre("/", "/tunnel", "/q"));
  EXPECT_EQ(listener.routes[0].network, "lab");
  EXPECT_EQ(listener.routes[1].service, ws::Service::kWireGuard);
  EXPECT_THAT(listener.origins, ElementsAre("https://vm.example", "*"));
  ASSERT_EQ(listener.tokens.size(), 2u);
  EXPECT_EQ(listener.tokens[0].secret, "s3cret");
  EXPECT_THAT(listener.tokens[0].networks, ElementsAre("lab"));
  EXPECT_EQ(listener.tokens[1].secret, "other-secret");
  EXPECT_THAT(listener.origin, testing::EndsWith("wgrouter.yaml:3"));
  EXPECT_EQ(config.listeners[1].addresses.at(0).to_string(), "127.0.0.1");
  EXPECT_EQ(config.limits.ping_interval, std::chrono::seconds{10});
  EXPECT_EQ(config.limits.queue_bytes, 1024u * 1024u);
  EXPECT_EQ(config.trusted_proxies.size(), 1u);
}

TEST_F(ConfigIngressTest, TunnelTargetsAreHostsWithAPortOrWithout) {
  EXPECT_EQ(load().ws.tunnels.port, 51820);
  flag("wireguard.listen_port", "1234");
  flag("ws.tunnel_targets", "WG.example,10.0.0.5:53,[fd00::1]:51820,*");
  const ws::TunnelTargets tunnels = load().ws.tunnels;
  EXPECT_EQ(tunnels.port, 1234);
  ASSERT_EQ(tunnels.others.size(), 4u);
  EXPECT_EQ(tunnels.others[0].host, "wg.example");
  EXPECT_EQ(tunnels.others[0].port, 0);
  EXPECT_EQ(tunnels.others[1].port, 53);
  EXPECT_EQ(tunnels.others[2].host, "fd00::1");
  EXPECT_THAT(find_setting("ws.tunnel_targets")->get(load()),
              ElementsAre("wg.example", "10.0.0.5:53", "[fd00::1]:51820", "*"));
  places_.overrides.clear();
  flag("ws.tunnel_targets", "udp://x");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("ws.tunnel_targets: \"udp://x\" is not one")));
}

TEST_F(ConfigIngressTest, SecretsAreNeverPrinted) {
  yaml(
      "listeners: [{port: 1, tokens: [{name: a, secret: hush-hush}]}]\nmetrics: {token: hush-metrics}\n"
      "ws: {token: hush-simple, passphrase: hush-pass}\n");
  const std::string printed = print_yaml_config(load());
  EXPECT_THAT(printed, Not(HasSubstr("hush")));
  EXPECT_THAT(printed, HasSubstr("secret: (redacted)"));
  // What is printed cannot be used by mistake.
  yaml(printed);
  EXPECT_THAT(problems(), Contains(HasSubstr("tokens: secret: is the placeholder")).Times(0));
  EXPECT_THAT(problems(), Contains(HasSubstr("secret: is the placeholder that print-config writes")));
  yaml("ws: {token: \"hush hush\"}");
  EXPECT_THAT(problems(), ElementsAre(AllOf(HasSubstr("ws.token: holds a space"), Not(HasSubstr("hush")))));
}

// Its path or query may be a token, and print-config's output goes into reports.
TEST_F(ConfigIngressTest, WhereAPeerIsDialedIsPrintedWithoutItsPath) {
  const auto with_endpoint = [this](const std::string& endpoint) {
    yaml("wireguard:\n  private_key: " + std::string{kPrivateKey} +
         "\n  peers:\n    - public_key: " + std::string(42, 'A') + "E=\n      endpoint: " + endpoint + "\n");
  };
  with_endpoint("wss://hub.example/hush/wg?token=hush");
  const std::string printed = print_yaml_config(load());
  EXPECT_THAT(printed, Not(HasSubstr("hush")));
  EXPECT_THAT(printed, HasSubstr("wss://hub.example/(redacted)"));
  with_endpoint("wss://hub.example/(redacted)");
  EXPECT_THAT(problems(), Contains(HasSubstr("endpoint: is the placeholder that print-config writes")));

  for (const char* const wrong : {"wss://hub.example:0/hush", "wss://a_@b/hush", "http://hub.example/hush"}) {
    with_endpoint(wrong);
    EXPECT_THAT(problems(), Contains(HasSubstr("endpoint: the URL cannot be used: "))) << wrong;
    EXPECT_THAT(problems(), Not(Contains(HasSubstr("hush")))) << wrong;
  }
  with_endpoint("ws://hub.example");
  EXPECT_THAT(print_yaml_config(load()), HasSubstr("ws://hub.example/wg"));
}

TEST_F(ConfigIngressTest, ProblemsOfListenersAreNamedWithTheirLine) {
  const std::pair<const char*, const char*> rows[] = {
      {"{addresses: [127.0.0.1]}", "the listener has no port"},
      {"{port: 1, paths: {/: \"ethernet:nowhere\"}}", "paths: \"/\" leads to the network \"nowhere\""},
      {"{port: 1, paths: {/a: dns, /a/: dns}}", "paths: \"/a\" is given twice"},
      {"{port: 1, paths: {a: dns}}", "paths: \"a=dns\" is not one"},
      {"{port: 1, paths: {/a: wisp}}", "paths: \"/a=wisp\" is not one"},
      {"{port: 1, paths: {/a: metrics}}", "paths: \"/a=metrics\" is not one"},
      {"{port: 1, paths: {/a: health}}", "paths: \"/a=health\" is not one"},
      {"{port: 1, origins: [vm.example]}", "origins: \"vm.example\" is not one"},
      {"{port: 1, tokens: [{secret: x}]}", "the token has no name"},
      {"{port: 1, tokens: [{name: x}]}", "the token has no secret"},
      {"{port: 1, tokens: [{name: x, secret: y, secret_file: z}]}",
       "secret_file: the key is also given by secret"},
      {"{port: 1, tokens: [{name: x, secret: y}, {name: z, secret: y}]}",
       "tokens: \"z\" has the secret of another"},
      {"{port: 1, tokens: [{name: x, secret: y}, {name: x, secret: z}]}", "tokens: two have the name \"x\""},
      {"{port: 1, tokens: [{name: x, secret: y, networks: [q]}]}", "tokens: \"x\" opens the network \"q\""},
      {"{port: 9586}", "TCP port 9586 is taken by metrics.port"},
  };
  for (const auto& [entry, message] : rows) {
    yaml(std::string{"listeners:\n  - "} + entry);
    EXPECT_THAT(problems(), ElementsAre(StartsWith(std::string{"wgrouter.yaml:2: "} + message))) << entry;
  }
}

TEST_F(ConfigIngressTest, ScrapersMayCallTheMetricsPortByName) {
  flag("metrics.hosts", "WGrouter, prometheus.lan");
  EXPECT_THAT(load().metrics.listener.hosts, ElementsAre("wgrouter", "prometheus.lan"));
  flag("metrics.hosts", "http://wgrouter");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("metrics.hosts: \"http://wgrouter\" is not one")));
}

TEST_F(ConfigIngressTest, OpenListenerWithoutTokenIsSaidToBeOpen) {
  flag("ws.addresses", "0.0.0.0");
  EXPECT_THAT(notices(), ElementsAre(StartsWith("port 8086 is open beyond this host without a token")));
  flag("ws.token", "s3cret");
  EXPECT_THAT(notices(), IsEmpty());
  ASSERT_EQ(load().ws.listeners[0].tokens.size(), 1u);
  EXPECT_EQ(load().ws.listeners[0].tokens[0].secret, "s3cret");
}

TEST_F(ConfigIngressTest, KeysThatTheListReplacesAreSaidToBeUnused) {
  yaml("listeners: [{port: 1}]\nws: {port: 9000, tls_port: 8087}\n");
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("ws.port is not used: `listeners` says what to open")));
}

TEST_F(ConfigIngressTest, VariablesOfTapwsMeanWhatTheyMeantThere) {
  env("HOST", "0.0.0.0");
  env("PORT", "8080");
  ASSERT_EQ(load().ws.listeners.size(), 1u);
  EXPECT_EQ(load().ws.listeners[0].port, 8080);
  EXPECT_EQ(load().ws.listeners[0].addresses.at(0).to_string(), "0.0.0.0");
  env("SSL_CERT", write("chain.pem", chain_and_key()));
  EXPECT_EQ(load().ws.listeners.size(), 1u);
  EXPECT_THAT(notices(), Contains("SSL_CERT is not used: WITH_SSL is not true"));
  env("WITH_SSL", "true");
  ASSERT_EQ(load().ws.listeners.size(), 1u);
  EXPECT_EQ(load().ws.listeners[0].port, 8080);
  EXPECT_TRUE(load().ws.listeners[0].tls);
  places_.environment.erase("SSL_CERT");
  EXPECT_THAT(problems(), ElementsAre(StartsWith("environment: WITH_SSL: there is no certificate")));
}

// csh exports HOST as the machine's name, conda as a compiler's triple.
TEST_F(ConfigIngressTest, HostThatIsNoAddressIsLeftAlone) {
  env("HOST", "x86_64-conda-linux-gnu");
  EXPECT_EQ(load().ws.listeners[0].addresses.at(0).to_string(), "127.0.0.1");
  EXPECT_THAT(notices(),
              ElementsAre(StartsWith("HOST is \"x86_64-conda-linux-gnu\", no IP address: not used")));
  env("HOST", "localhost");
  EXPECT_THAT(notices(), IsEmpty());
}

TEST_F(ConfigIngressTest, OwnVariablesWinOverGenericOnes) {
  env("PORT", "8080");
  env("WGROUTER_WS_PORT", "9000");
  EXPECT_EQ(load().ws.listeners[0].port, 9000);
  env("PORT", "nonsense");
  EXPECT_EQ(load().ws.listeners[0].port, 9000);
  places_.environment.erase("WGROUTER_WS_PORT");
  EXPECT_THAT(problems(), ElementsAre(StartsWith("environment: PORT: \"nonsense\" is not one")));
}

}  // namespace
}  // namespace wgr
