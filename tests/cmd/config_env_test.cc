#include "cmd/config_env.h"

#include "cmd/config_env_table.h"
#include "tests/cmd/config_env_fixture.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Row {
  const char* name;
  const char* value;
  const char* path;
  const char* expected;
};

TEST_F(ConfigEnvTest, EachVariableSetsItsKey) {
  const Row rows[] = {
      {"WG_LISTEN_PORT", "4500", "wireguard.listen_port", "4500"},
      {"WG_LISTEN_PORT", " 4500 ", "wireguard.listen_port", "4500"},
      {"WG_LISTEN_PORT", "0", "wireguard.listen_port", "0"},
      {"WG_LISTEN_ADDRESSES", "192.0.2.1, ::1", "wireguard.listen_addresses", "192.0.2.1,::1"},
      {"WG_PUBLIC_ENDPOINT", "vpn.example.com", "wireguard.public_endpoint", "vpn.example.com"},
      {"WG_INSECURE_KEY_PERMISSIONS", "1", "wireguard.insecure_key_permissions", "true"},
      {"WG_TUN_QUEUE_CAP", "2048", "wireguard.staged_packets", "2048"},
      {"WG_MTU", "1380", "network.mtu", "1380"},
      {"WG_ADDRESSES", "10.9.0.1/24", "network.addresses", "10.9.0.1/24"},
      {"WG_DISABLE_IPV6", "1", "network.ipv6", "false"},
      {"WG_DISABLE_IPV6", "no", "network.ipv6", "true"},
      {"WG_OVERLAY_ROUTING", "on", "overlay.enabled", "true"},
      {"WG_OVERLAY_ROUTING", "0", "overlay.enabled", "false"},
      {"WG_OVERLAY_EXCLUDE_CIDRS", "172.16.0.0/12,169.254.0.0/16", "overlay.exclude",
       "172.16.0.0/12,169.254.0.0/16"},
      {"WG_PCAP", "/tmp/x.pcap", "pcap.path", "/tmp/x.pcap"},
      {"WG_PCAP_MAX_BYTES", "1MiB", "pcap.max_bytes", "1MiB"},
      {"WG_DEBUG", "yes", "log.level", "debug"},
      {"DEBUG", "1", "log.level", "debug"},
      {"DEBUG", "0", "log.level", "info"},
      {"LOG_LEVEL", "warn", "log.level", "warn"},
      {"LOG_FORMAT", "json", "log.format", "json"},
      {"METRICS_LOG", "1", "metrics.report", "true"},
      {"METRICS_LOG", "anything", "metrics.report", "true"},
      {"METRICS_LOG", "false", "metrics.report", "false"},
      {"METRICS_LOG", "0", "metrics.report", "false"},
      {"METRICS_INTERVAL", "15s", "metrics.interval", "15s"},
      {"METRICS_INTERVAL", "15s", "metrics.report", "true"},
      {"METRICS_FORMAT", "json", "metrics.format", "json"},
      {"METRICS_FORMAT", "json", "metrics.report", "false"},
      {"PROCESSOR_WORKERS", "8", "processor.workers", "8"},
      {"PROCESSOR_QUEUE_CAP", "1000", "processor.mailbox_capacity", "1000"},
      {"COPY_TOS", "true", "network.copy_tos", "true"},
      {"IP_TTL", "128", "network.ttl", "128"},
      {"TCP_ACK_DELAY_MS", "5", "tcp.ack_delay", "5ms"},
      {"TCP_ACK_IDLE_FAIL_SEC", "60", "tcp.give_up", "1m"},
      {"TCP_ENABLE_SACK", "0", "tcp.sack", "false"},
      {"TCP_MSS_CLAMP", "1200", "tcp.mss_clamp", "1200"},
      {"TCP_PACE_US", "20", "tcp.pace", "20us"},
      {"TCP_CC", "newreno", "tcp.congestion", "newreno"},
      {"TCP_CC", "off", "tcp.congestion", "off"},
      {"TCP_CC", "cubic", "tcp.congestion", "cubic"},
      {"TCP_ERROR_SIGNAL", "icmp", "tcp.error_signal", "icmp"},
      {"TCP_ERROR_SIGNAL", "rst", "tcp.error_signal", "rst"},
      {"TCP_ERROR_SIGNAL", "none", "tcp.error_signal", "none"},
      {"TCP_ERROR_SIGNAL", "accurate", "tcp.error_signal", "accurate"},
      {"TCP_SOCK_RCVBUF", "65536", "tcp.host_receive_buffer", "64KiB"},
      {"TCP_SOCK_SNDBUF", "131072", "tcp.host_send_buffer", "128KiB"},
      {"TCP_INIT_CWND_MSS", "4", "tcp.initial_window_segments", "4"},
      {"TCP_WS_OUT", "7", "tcp.window_scale", "7"},
      {"TCP_FLOW_LIFETIME_SEC", "7200", "tcp.idle_timeout", "2h"},
      {"TCP_REASSEMBLY_CAP_BYTES", "131072", "tcp.max_out_of_order_bytes", "128KiB"},
      {"UDP_FLOW_LIFETIME_SEC", "60", "udp.mapping_timeout", "1m"},
      {"MAX_TCP_FLOWS", "256", "limits.tcp_flows", "256"},
      {"MAX_UDP_FLOWS", "512", "limits.udp_flows", "512"},
      {"MAX_PENDING_TCP_DIALS", "64", "limits.connecting", "64"},
      {"IPV4_FRAGMENT_BUFFER_CAP_BYTES", "4194304", "limits.reassembly_bytes", "4MiB"},
      {"DNS_UPSTREAMS", "9.9.9.9", "dns.upstreams", "9.9.9.9:53"},
      {"EGRESS_ALLOW", "private", "egress.allow", "private"},
      {"EGRESS_DENY", "10.0.0.0/8:25", "egress.deny", "10.0.0.0/8:25"},
      {"EGRESS_ALLOW_METADATA", "yes", "egress.allow_metadata", "true"},
      {"STATE_FOLDER", "/srv/x", "state.folder", "/srv/x"},
      {"SHUTDOWN_GRACE", "1s", "shutdown.grace", "1s"},
      {"WGROUTER_TCP_ACK_DELAY", "7ms", "tcp.ack_delay", "7ms"},
      {"WGROUTER_EGRESS_ALLOW", "private,10.0.0.0/8", "egress.allow", "private,10.0.0.0/8"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(value_with(row.name, row.value, row.path), row.expected) << row.name << "=" << row.value;
  }
}

TEST_F(ConfigEnvTest, EveryVariableOfTheTableIsTested) {
  // Kinds with a value of their own: a nonsense value must be named together with the variable.
  for (const Variable& variable : variables()) {
    if (variable.kind == VariableKind::kNoMeaning) continue;
    const std::string name{variable.name};
    if (name == "METRICS_LOG" || name == "WG_PCAP" || name == "STATE_FOLDER") continue;  // take any text
    // These have tests below.
    if (name == "HEALTHCHECK" || name == "HOST" || name == "DEBUG" || name.starts_with("SSL_")) continue;
    places_.environment = {{name, "\x01 nonsense"}};
    EXPECT_THAT(problems(), Contains(StartsWith("environment: " + name + ": "))) << name;
    EXPECT_THAT(problems(), testing::Each(testing::Not(HasSubstr("\x01")))) << name;
    EXPECT_THAT(problems(), Contains(testing::ContainsRegex("expected|cannot be opened"))) << name;
  }
}

// What the program these variables come from swallowed: each keeps the default there, or ends the process.
TEST_F(ConfigEnvTest, NumbersThatUsedToBecomeDefaultsAreProblems) {
  const std::pair<const char*, const char*> rows[] = {
      {"WG_LISTEN_PORT", "abc"},
      {"WG_LISTEN_PORT", "70000"},
      {"WG_LISTEN_PORT", "-5"},
      {"WG_MTU", "100"},
      {"WG_MTU", "65536"},
      {"WG_MTU", "1380.5"},
      {"METRICS_INTERVAL", "10"},
      {"METRICS_INTERVAL", "0"},
      {"METRICS_INTERVAL", "-1s"},
      {"TCP_ACK_DELAY_MS", "1000"},
      {"TCP_ACK_DELAY_MS", "5ms"},
      {"TCP_ACK_IDLE_FAIL_SEC", "0"},
      {"IP_TTL", "0"},
      {"IP_TTL", "256"},
      {"TCP_WS_OUT", "15"},
      {"TCP_CC", "bbr"},
      {"TCP_ERROR_SIGNAL", "loud"},
      {"METRICS_FORMAT", "xml"},
      {"WG_DEBUG", "maybe"},
      {"WG_OVERLAY_ROUTING", "2"},
      {"PROCESSOR_WORKERS", "0"},
      {"PROCESSOR_WORKERS", "65"},
      {"WG_OVERLAY_EXCLUDE_CIDRS", "1"},
      {"EGRESS_ALLOW", "everything"},
      {"TCP_MSS_CLAMP", "70000"},
      {"WG_ADDRESSES", "host/24"},
      {"LOG_LEVEL", "loud"},
      {"MAX_TCP_FLOWS", "0"},
      {"TCP_PACE_US", "99999999"},
      {"TCP_SOCK_RCVBUF", "4GiB"},
  };
  for (const auto& [name, value] : rows) {
    places_.environment = {{name, value}};
    EXPECT_THAT(problems(), ElementsAre(testing::AllOf(StartsWith("environment: " + std::string{name} + ": "),
                                                       HasSubstr("expected"))))
        << name << "=" << value;
  }
}

TEST_F(ConfigEnvTest, EmptyMeansUnset) {
  for (const Variable& variable : variables()) env(std::string{variable.name}, " ");
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_THAT(notices(), IsEmpty());
}

TEST_F(ConfigEnvTest, VariablesWithoutMeaningAreAcceptedAndToldInOneLine) {
  for (const char* name : {"POOLING", "SIMPLE_MODE", "TCP_GATE_LOG", "TCP_FAST_DIAL_MS", "WG_TUN_ASYNC_WRITE",
                           "FLOW_QUEUE_CAP", "WG_TUN_IN_BATCH", "TCP_DEBUG_FLOW", "TCP_ACK_IDLE_GATE_MS"}) {
    env(name, "whatever");
  }
  EXPECT_THAT(
      notices(),
      ElementsAre("set, but without meaning in this router: FLOW_QUEUE_CAP, POOLING, SIMPLE_MODE, "
                  "TCP_ACK_IDLE_GATE_MS, TCP_DEBUG_FLOW, TCP_FAST_DIAL_MS, TCP_GATE_LOG, WG_TUN_ASYNC_WRITE, "
                  "WG_TUN_IN_BATCH"));
}

TEST_F(ConfigEnvTest, HealthVariablesSetTheProbe) {
  env("HEALTHCHECK", "yes please");
  env("HEALTH_HTTP_URL", "http://example.com/up");
  env("HEALTH_DNS_NAME", "example.com");
  env("HEALTH_DNS_IP", "192.0.2.1");
  const metrics::ProbeConfig probe = load().metrics.health.probe;
  EXPECT_TRUE(probe.enabled);
  EXPECT_EQ(probe.http_url, "http://example.com/up");
  EXPECT_EQ(probe.dns_name, "example.com");
  EXPECT_EQ(probe.dns_server.to_string(), "192.0.2.1:53");
  env("HEALTHCHECK", "off");
  EXPECT_FALSE(load().metrics.health.probe.enabled);
}

TEST_F(ConfigEnvTest, ForeignVariablesAreLeftAloneAndTyposOfOursAreSuspected) {
  env("PATH", "/bin");
  env("WG_COLOR_MODE", "never");
  env("WGROUTER_PORT", "udp://10.0.0.1:51820");
  env("WGROUTER_PORT_51820_UDP_ADDR", "10.0.0.1");
  env("WGROUTER_SERVICE_HOST", "10.0.0.1");
  env("WGROUTER_CONFIG", "/etc/x.yaml");
  EXPECT_THAT(notices(), IsEmpty());
  env("WG_LISTENPORT", "5");
  EXPECT_THAT(notices(),
              ElementsAre("unknown variable WG_LISTENPORT is not used; did you mean WG_LISTEN_PORT?"));
}

// Kubernetes sets these for every Service of the namespace, also for those that are called like our sections.
TEST_F(ConfigEnvTest, ServiceLinksOfAnOrchestratorAreNoSettings) {
  for (const std::string service : {"WGROUTER_WS", "WGROUTER_METRICS", "WGROUTER_LAN", "WG_PEER_1"}) {
    env(service + "_SERVICE_HOST", "10.0.0.1");
    env(service + "_SERVICE_PORT", "8086");
    env(service + "_SERVICE_PORT_HTTP", "8086");
    env(service + "_PORT", "tcp://10.0.0.1:8086");
    env(service + "_PORT_8086_TCP", "tcp://10.0.0.1:8086");
    env(service + "_PORT_8086_TCP_PROTO", "tcp");
    env(service + "_PORT_51820_UDP_ADDR", "10.0.0.1");
  }
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_EQ(load().ingress.simple.listener.port, 8086);
  env("WGROUTER_WS_PORT", "8090");
  EXPECT_EQ(load().ingress.simple.listener.port, 8090);
}

TEST_F(ConfigEnvTest, DebugOfOtherProgramsIsToldAndNotUsed) {
  env("DEBUG", "express:*");
  EXPECT_EQ(load().log.level, log::Level::kInfo);
  EXPECT_THAT(notices(), ElementsAre("DEBUG is \"express:*\", neither yes nor no: it is not used"));
}

// "-e WGROUTER_WS_TOKEN=$TOKEN" with TOKEN unset.
TEST_F(ConfigEnvTest, EmptyTokenIsAProblem) {
  for (const char* name : {"WGROUTER_WS_TOKEN", "WGROUTER_WS_TOKEN_FILE", "WGROUTER_METRICS_TOKEN"}) {
    places_.environment = {{name, ""}};
    EXPECT_THAT(problems(), ElementsAre(StartsWith("environment: " + std::string{name} + ": is empty")));
  }
}

TEST_F(ConfigEnvTest, UnknownVariableWithOurPrefixIsAProblem) {
  env("WGROUTER_TCP_ACKDELAY", "5ms");
  EXPECT_THAT(problems(), ElementsAre("environment: WGROUTER_TCP_ACKDELAY: unknown variable; did you mean "
                                      "WGROUTER_TCP_ACK_DELAY?"));
}

TEST_F(ConfigEnvTest, TwoVariablesForOneKeyAreAProblem) {
  env("LOG_LEVEL", "info");
  env("WGROUTER_LOG_LEVEL", "debug");
  EXPECT_THAT(problems(),
              ElementsAre("environment: WGROUTER_LOG_LEVEL: the same key is also set by environment: "
                          "LOG_LEVEL; expected only one of the two"));
}

TEST_F(ConfigEnvTest, LogLevelWinsOverDebug) {
  env("DEBUG", "1");
  env("LOG_LEVEL", "error");
  EXPECT_EQ(load().log.level, log::Level::kError);
}

TEST_F(ConfigEnvTest, MetricsLogOffWinsOverAnInterval) {
  env("METRICS_LOG", "off");
  env("METRICS_INTERVAL", "5s");
  EXPECT_FALSE(load().report.enabled);
}

TEST_F(ConfigEnvTest, DisabledIpv6RefusesInnerIpv6AndKeepsNoAddress) {
  env("WG_DISABLE_IPV6", "1");
  const Config config = load();
  EXPECT_FALSE(config.network.ipv6);
  EXPECT_EQ(config.slirp.own_addresses, std::vector{*IpAddress::parse("10.86.0.1")});
  ASSERT_EQ(config.egress.rules.deny.size(), 1u);
  EXPECT_TRUE(config.egress.rules.deny[0].matches(
      egress::Protocol::kTcp, *SocketAddress::parse("[2606:4700::1]:443"), egress::AddressClass::kPublic));
  EXPECT_FALSE(config.egress.rules.deny[0].matches(
      egress::Protocol::kTcp, *SocketAddress::parse("1.1.1.1:443"), egress::AddressClass::kPublic));
  EXPECT_EQ(config.overlay.exclude, std::vector{*Prefix::parse("::/0")});
}

}  // namespace
}  // namespace wgr
