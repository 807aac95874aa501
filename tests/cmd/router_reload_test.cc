// What SIGHUP does to a router that serves: everything, or nothing.
#include <filesystem>

#include "tests/cmd/running_router.h"

namespace wgr {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kReloadSuccess[] = "wgrouter_config_last_reload_successful";

class RouterReloadTest : public RunningRouterTest {
 protected:
  // One version of the configuration.
  struct Version {
    std::string token;
    ws::TlsFiles certificate;
    std::string peers;             // lines behind the first peer
    std::string authorities;       // of dialed peers; empty: the system's
    std::uint16_t plain_port = 0;  // 0: the one that is open
    std::size_t sessions_per_source = 10000;
  };

  std::string text_of(const Version& version, const Ports& ports) const {
    return filled(
        R"(
wireguard:
  private_key: @KEY@
  listen_port: 0
  insecure_key_permissions: true
  listen_addresses: [127.0.0.1]
@AUTHORITIES@
  peers:
    - {name: alice, public_key: "@ALICE@", allowed_ips: [10.86.0.2/32]}
@PEERS@
ws:
  port: @PLAIN@
  tls_port: @TLS@
  certificate: @CERTIFICATE@
  private_key: @CERTIFICATE_KEY@
  token: @TOKEN@
  sessions_per_source: @SESSIONS@
  handshakes_per_second: 100000
  handshake_burst: 100000
metrics: {port: @METRICS@}
dns: {upstreams: [192.0.2.53]}
state: {folder: @FOLDER@}
processor: {workers: 2}
shutdown: {grace: 0s}
)",
        {{"KEY", kPrivateKey},
         {"AUTHORITIES", version.authorities.empty() ? "" : "  dial_authorities: " + version.authorities},
         {"ALICE", kPeerA},
         {"PEERS", version.peers},
         {"PLAIN", std::to_string(version.plain_port != 0 ? version.plain_port : ports.plain)},
         {"TLS", std::to_string(ports.tls)},
         {"CERTIFICATE", version.certificate.certificate},
         {"CERTIFICATE_KEY", version.certificate.private_key},
         {"TOKEN", version.token},
         {"SESSIONS", std::to_string(version.sessions_per_source)},
         {"METRICS", std::to_string(ports.metrics)},
         {"FOLDER", folder_}});
  }

  void start_as(const Version& version) {
    start([&](const Ports& ports) { return text_of(version, ports); });
  }
  void reload(const std::string& text) {
    write_config(text);
    signal(SIGHUP);
  }
  static std::shared_ptr<const ws::TlsContext> trusting(const ws::TlsFiles& files) {
    return ws::TlsContext::for_client(files.certificate, /*verify=*/true);
  }
  ws::TestClient& enter(std::string_view token, const ws::TlsFiles& certificate) {
    ws::TestClient& client = connect(ports_.tls, trusting(certificate));
    client.upgrade("/?token=" + std::string{token});
    EXPECT_TRUE(run_until([&] { return client.is_upgraded; })) << client.text;
    return client;
  }
  // Everything that a reload could have changed is that of `version`.
  void expect_is(const Version& version, const Version& other) {
    EXPECT_TRUE(may_enter(version.token, ports_.plain));
    EXPECT_FALSE(may_enter(other.token, ports_.plain));
    EXPECT_TRUE(may_enter(version.token, ports_.tls, trusting(version.certificate)));
    EXPECT_FALSE(may_enter(version.token, ports_.tls, trusting(other.certificate)));
  }

  static std::string bob(const std::string& more = "") {
    return "    - {name: bob, public_key: \"" + std::string{kPeerB} + "\", allowed_ips: [10.86.0.3/32]" +
           more + "}\n";
  }

  ws::CertificateFolder certificates_;
  Version first_{.token = "first", .certificate = certificates_.make(), .peers = {}, .authorities = {}};
  Version second_{.token = "second", .certificate = certificates_.make(), .peers = bob(), .authorities = {}};
};

TEST_F(RouterReloadTest, AGoodOneTakesEverythingOverAndDropsNobody) {
  start_as(first_);
  ws::TestClient& session = enter(first_.token, first_.certificate);
  ASSERT_TRUE(is_served(session));
  expect_is(first_, second_);

  reload(text_of(second_, ports_));
  ASSERT_TRUE(run_until([&] { return may_enter(second_.token, ports_.plain); }));
  // The other worker may be a moment behind.
  ASSERT_TRUE(run_until([&] { return may_enter(second_.token, ports_.tls, trusting(second_.certificate)); }));
  ASSERT_TRUE(run_until([&] { return !may_enter(first_.token, ports_.plain); }));
  EXPECT_TRUE(is_served(session)) << "its token and the certificate it has seen are of the former version";
  EXPECT_THAT(scrape(), HasSubstr(kPeerB));
  EXPECT_EQ(metric(kReloadSuccess), "1");
}

TEST_F(RouterReloadTest, ATextThatDoesNotLoadChangesNothing) {
  start_as(first_);
  ws::TestClient& session = enter(first_.token, first_.certificate);
  reload(text_of(second_, ports_) + "nonsense: true\n");
  ASSERT_TRUE(run_until([&] { return metric(kReloadSuccess) == "0"; }));

  EXPECT_TRUE(is_served(session));
  expect_is(first_, second_);
  EXPECT_THAT(scrape(), Not(HasSubstr(kPeerB)));
}

TEST_F(RouterReloadTest, AuthoritiesThatAreGoneLeaveTokensCertificatesPortsAndPeersAsTheyWere) {
  const std::string authorities = write("authorities.pem", chain_and_key());
  first_.authorities = authorities;
  start_as(first_);
  ws::TestClient& session = enter(first_.token, first_.certificate);
  std::filesystem::remove(authorities);
  Version dialing = second_;
  dialing.authorities = authorities;
  dialing.peers = bob(", endpoint: \"wss://127.0.0.1:1/wg\"");
  reload(text_of(dialing, ports_));
  ASSERT_TRUE(run_until([&] { return metric(kReloadSuccess) == "0"; }));

  EXPECT_TRUE(is_served(session));
  expect_is(first_, second_);
  EXPECT_THAT(scrape(), Not(HasSubstr(kPeerB)));

  reload(text_of(second_, ports_));
  ASSERT_TRUE(run_until([&] { return metric(kReloadSuccess) == "1"; }));
  EXPECT_TRUE(run_until([&] { return may_enter(second_.token, ports_.plain); }));
  EXPECT_TRUE(is_served(session));
}

TEST_F(RouterReloadTest, AnEmptiedFileIsNoFirstStart) {
  start_as(first_);
  ws::TestClient& session = enter(first_.token, first_.certificate);
  reload("metrics: {port: " + std::to_string(ports_.metrics) + "}\n");
  ASSERT_TRUE(run_until([&] { return metric(kReloadSuccess) == "0"; }));

  EXPECT_TRUE(is_served(session));
  expect_is(first_, second_);
  EXPECT_THAT(scrape(), HasSubstr(kPeerA));
}

TEST_F(RouterReloadTest, OtherPortsWaitForTheNextStartAndTheRestIsTakenOver) {
  start_as(first_);
  ws::TestClient& session = enter(first_.token, first_.certificate);
  second_.plain_port = free_port();
  reload(text_of(second_, ports_));
  ASSERT_TRUE(run_until([&] { return scrape().find(kPeerB) != std::string::npos; }));

  EXPECT_TRUE(is_served(session));
  expect_is(first_, second_);
  EXPECT_EQ(metric(kReloadSuccess), "1");
}

// The kernel deals connections out among the workers: a source that comes often meets both.
TEST_F(RouterReloadTest, ASourceHasItsSessionsOnceForAllWorkersAndAsTheLastReloadSays) {
  first_.sessions_per_source = 3;
  start_as(first_);
  const auto count_entering = [&] {
    std::size_t entered = 0;
    for (int i = 0; i < 12; ++i) entered += may_enter("first", ports_.plain) ? 1 : 0;
    return entered;
  };
  EXPECT_EQ(count_entering(), 3u);

  first_.sessions_per_source = 5;
  reload(text_of(first_, ports_));
  ASSERT_TRUE(run_until([&] { return may_enter("first", ports_.plain); }));
  EXPECT_EQ(count_entering(), 1u);
}

}  // namespace
}  // namespace wgr
