#include "metrics/registry.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "metrics/families.h"
#include "metrics/forward_families.h"
#include "metrics/sources.h"
#include "tests/metrics/full_snapshot.h"

namespace wgr::metrics {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

ExporterConfig with(Compatibility compatibility) {
  ExporterConfig config;
  config.compatibility = compatibility;
  return config;
}

std::string scrape(const Snapshot& snapshot, ExporterConfig config = {}) {
  return Registry{std::move(config)}.exposition(snapshot);
}

// Name and type of every family of a scrape.
std::map<std::string, std::string> families_of(const std::string& text) {
  std::map<std::string, std::string> types;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    std::istringstream words{line.substr(7)};
    std::string name, type;
    words >> name >> type;
    EXPECT_TRUE(types.emplace(name, type).second) << name << " comes twice";
  }
  return types;
}

TEST(RegistryTest, ScrapeOfEverythingHoldsExactlyTheListedFamilies) {
  std::map<std::string, std::string> listed;
  for (const Family& family : families()) listed.emplace(family.name, to_string(family.type));

  EXPECT_EQ(families_of(scrape(full_snapshot(), with(Compatibility::kBoth))), listed);
}

TEST(RegistryTest, ScrapeOfNothingIsNoError) {
  const std::string text = scrape(Snapshot{});

  EXPECT_THAT(text, HasSubstr("wgrouter_draining 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("process_")));
}

using Names = std::set<std::string>;

Names counters_of(std::span<const Source> table) {
  Names names;
  for (const Source& source : table) {
    EXPECT_TRUE(names.emplace(source.counter).second) << source.counter << " has two rows";
  }
  return names;
}

// Those of `names` that `others` lacks.
Names without(const Names& names, const Names& others) {
  Names rest;
  std::ranges::set_difference(names, others, std::inserter(rest, rest.end()));
  return rest;
}

// Who adds a counter to a module adds a row to metrics/sources.cc, and where need be a family to
// metrics/families.cc and its row to deploy/docs/metrics.md.
TEST(RegistryTest, EveryCounterOfEveryModuleHasItsFamily) {
  Snapshot all;
  add_all_modules(all);
  Names counted;
  for (const auto& [name, value] : all.counters) counted.insert(name);
  for (const auto& [name, value] : all.histograms) counted.insert(name);
  std::erase_if(counted, [](const std::string& name) {
    return name.starts_with("stack.tcp_connection_");  // the same as tcp.*
  });
  Names counted_of_networks;
  for (const auto& [name, value] : all.networks.at("default")) counted_of_networks.insert(name);
  const Names shown = counters_of(sources());
  const Names shown_of_networks = counters_of(network_sources());

  EXPECT_THAT(without(counted, shown), testing::IsEmpty()) << "counted, but not shown";
  EXPECT_THAT(without(shown, counted), testing::IsEmpty()) << "shown, but not counted";
  EXPECT_THAT(without(counted_of_networks, shown_of_networks), testing::IsEmpty())
      << "counted, but not shown";
  EXPECT_THAT(without(shown_of_networks, counted_of_networks), testing::IsEmpty())
      << "shown, but not counted";
}

TEST(RegistryTest, FamiliesFollowTheNamingRules) {
  for (const Family& family : families()) {
    const std::string_view name = family.name;
    if (name.starts_with("wireguard_")) continue;  // given by others
    EXPECT_TRUE(name.starts_with("wgrouter_") || name.starts_with("process_")) << name;
    EXPECT_EQ(name.ends_with("_total"), family.type == FamilyType::kCounter) << name;
    EXPECT_FALSE(family.help.empty()) << name;
    EXPECT_FALSE(family.help.ends_with('.')) << name;
  }
}

TEST(RegistryTest, PeersHaveTheNamesAndLabelsOfMindFlavor) {
  const std::string text = scrape(full_snapshot());

  const std::string labels =
      R"({interface="wg0",public_key="key1=",allowed_ips="10.86.0.2/32,fd86::2/128",friendly_name="laptop"})";
  EXPECT_THAT(text, HasSubstr("# TYPE wireguard_sent_bytes_total counter\n"));
  EXPECT_THAT(text, HasSubstr("wireguard_sent_bytes_total" + labels + " 2000\n"));
  EXPECT_THAT(text, HasSubstr("wireguard_received_bytes_total" + labels + " 1000\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE wireguard_latest_handshake_seconds gauge\n"));
  EXPECT_THAT(text, HasSubstr("wireguard_latest_handshake_seconds" + labels + " 1700000000\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"(wireguard_peer_endpoint_info{interface="wg0",public_key="key1=",endpoint="192.0.2.7:51820"} 1)"));
  EXPECT_THAT(text, HasSubstr("wgrouter_metrics_peers_truncated 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("wireguard_peer_info")));
}

TEST(RegistryTest, PeersHaveTheNamesAndLabelsOfMdlayherOnRequest) {
  const std::string text = scrape(full_snapshot(), with(Compatibility::kMdlayher));

  EXPECT_THAT(text, HasSubstr(R"(wireguard_device_info{device="wg0",public_key="ownkey="} 1)"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"(wireguard_peer_info{device="wg0",public_key="key1=",endpoint="192.0.2.7:51820",name="laptop"} 1)"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"(wireguard_peer_allowed_ips_info{device="wg0",public_key="key1=",allowed_ips="fd86::2/128",family="IPv6"} 1)"));
  EXPECT_THAT(text,
              HasSubstr(R"(wireguard_peer_transmit_bytes_total{device="wg0",public_key="key1="} 2000)"));
  EXPECT_THAT(
      text,
      HasSubstr(R"(wireguard_peer_last_handshake_seconds{device="wg0",public_key="key1="} 1700000000)"));
  EXPECT_THAT(text, Not(HasSubstr("wireguard_sent_bytes_total")));
}

TEST(RegistryTest, PeerThatNeverShookHandsHasTheTimeZero) {
  Snapshot snapshot = full_snapshot();
  snapshot.peers.front().last_handshake = {};
  snapshot.peers.front().endpoint.clear();
  const std::string text = scrape(snapshot);

  EXPECT_THAT(text, HasSubstr("friendly_name=\"laptop\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("wireguard_peer_endpoint_info")));
}

TEST(RegistryTest, PeersBeyondTheCapAreSummedUpVisibly) {
  Snapshot snapshot = full_snapshot();
  snapshot.peers = {some_peer("key1="), some_peer("key2="), some_peer("key3=")};
  snapshot.peers[2].last_handshake += 5s;
  ExporterConfig config;
  config.max_peers = 1;
  const std::string text = scrape(snapshot, config);

  const std::string others = R"({interface="wg0",public_key="others",allowed_ips="",friendly_name=""})";
  EXPECT_THAT(text, HasSubstr("public_key=\"key1=\""));
  EXPECT_THAT(text, Not(HasSubstr("public_key=\"key2=\"")));
  EXPECT_THAT(text, HasSubstr("wireguard_sent_bytes_total" + others + " 4000\n"));
  EXPECT_THAT(text, HasSubstr("wireguard_latest_handshake_seconds" + others + " 1700000005\n"));
  EXPECT_THAT(text, HasSubstr("wgrouter_metrics_peers_truncated 1\n"));
}

// Two exporters in use have broken whole scrapes by such a name.
TEST(RegistryTest, HostileNamesCannotBreakTheScrape) {
  Snapshot snapshot = full_snapshot();
  snapshot.peers.front().name = "a\"} 1\nevil_total 7\\\xff\x01";
  const std::string text = scrape(snapshot);

  EXPECT_THAT(text,
              HasSubstr("friendly_name=\"a\\\"} 1\\nevil_total 7\\\\\xEF\xBF\xBD\xEF\xBF\xBD\"} 2000\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nevil_total")));
}

TEST(RegistryTest, CountersOfWorkersComeSummedWithTheirLabels) {
  slirp::Counters one, two;
  one.tcp.bytes_sent.add(10);
  two.tcp.bytes_sent.add(5);
  Snapshot snapshot;
  snapshot.add("stack", one);
  snapshot.add("stack", two);
  snapshot.drops[static_cast<std::size_t>(DropReason::kReplayed)] = 3;
  const std::string text = scrape(snapshot);

  EXPECT_THAT(text, HasSubstr(R"(wgrouter_bridge_bytes_total{protocol="tcp",direction="from_guests"} 15)"));
  EXPECT_THAT(text, HasSubstr(R"(wgrouter_drops_total{reason="replayed"} 3)"));
}

TEST(RegistryTest, CountersOfVirtualLansComeByNetwork) {
  slirp::lan::Counters lab, office;
  lab.leases.set(2);
  office.dhcp_offers.add(9);
  Snapshot snapshot;
  snapshot.add_network("lab", lab);
  snapshot.add_network("of\"fice", office);
  const std::string text = scrape(snapshot);

  EXPECT_THAT(text, HasSubstr(R"(wgrouter_dhcp_leases{network="lab"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(wgrouter_dhcp_messages_total{network="of\"fice",type="offer"} 9)"));
}

TEST(RegistryTest, ForwardedPortsHaveTheirStateAndCounts) {
  Snapshot snapshot;
  snapshot.forwards = {{.protocol = "tcp",
                        .listen = "*:8080",
                        .is_bound = true,
                        .is_guest_present = false,
                        .active_flows = 3,
                        .flows_opened = 9,
                        .refused_sources = 1,
                        .refused_absent = 2,
                        .refused_limits = 4}};
  const std::string text = scrape(snapshot);

  EXPECT_THAT(text, HasSubstr(R"(wgrouter_forward_port_bound{protocol="tcp",listen="*:8080"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(wgrouter_forward_port_guest_present{protocol="tcp",listen="*:8080"} 0)"));
  EXPECT_THAT(text, HasSubstr(R"(wgrouter_forward_port_flows{protocol="tcp",listen="*:8080"} 3)"));
  EXPECT_THAT(text,
              HasSubstr(R"(wgrouter_forward_port_flows_opened_total{protocol="tcp",listen="*:8080"} 9)"));
  const std::string refused = R"(wgrouter_forward_port_refused_total{protocol="tcp",listen="*:8080",reason=)";
  EXPECT_THAT(text, HasSubstr(refused + "\"source\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(refused + "\"absent\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(refused + "\"limit\"} 4\n"));
}

// A range of ports may be most of the ports there are.
TEST(RegistryTest, ForwardedPortsBeyondTheCapAreLeftOutVisibly) {
  Snapshot snapshot;
  const auto add_ports = [&snapshot](std::size_t count) {
    while (snapshot.forwards.size() < count) {
      snapshot.forwards.push_back(
          {.protocol = "udp", .listen = "*:" + std::to_string(snapshot.forwards.size())});
    }
  };
  add_ports(kMaxForwardSeries);
  EXPECT_THAT(scrape(snapshot), HasSubstr("wgrouter_metrics_forward_ports_truncated 0\n"));

  add_ports(kMaxForwardSeries + 1);
  const std::string text = scrape(snapshot);
  EXPECT_THAT(text, HasSubstr("wgrouter_metrics_forward_ports_truncated 1\n"));
  EXPECT_THAT(text, HasSubstr("listen=\"*:999\""));
  EXPECT_THAT(text, Not(HasSubstr("listen=\"*:1000\"")));
}

TEST(RegistryTest, DurationsAreCumulativeBucketsInSeconds) {
  slirp::tcp::Counters counters;
  counters.rtt.record(50us);
  counters.rtt.record(1ms);
  counters.rtt.record(40s);
  Snapshot snapshot;
  snapshot.add("tcp", counters);
  const std::string text = scrape(snapshot);

  EXPECT_THAT(text, HasSubstr("# TYPE wgrouter_tcp_rtt_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("wgrouter_tcp_rtt_seconds_bucket{le=\"0.000128\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("wgrouter_tcp_rtt_seconds_bucket{le=\"0.001024\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("wgrouter_tcp_rtt_seconds_bucket{le=\"33.554432\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("wgrouter_tcp_rtt_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("wgrouter_tcp_rtt_seconds_count 3\n"));
  EXPECT_THAT(text, HasSubstr("wgrouter_tcp_rtt_seconds_sum 40.00105"));
}

TEST(RegistryTest, BatchSizesAreCountsByDirection) {
  io::UdpSocketCounters counters;
  counters.sent_batch.record(33);
  Snapshot snapshot;
  snapshot.add("udp_port", counters);
  const std::string text = scrape(snapshot);

  EXPECT_THAT(text, HasSubstr(R"(wgrouter_udp_batch_datagrams_bucket{direction="tx",le="32"} 0)"));
  EXPECT_THAT(text, HasSubstr(R"(wgrouter_udp_batch_datagrams_bucket{direction="tx",le="64"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(wgrouter_udp_batch_datagrams_sum{direction="tx"} 33)"));
}

TEST(RegistryTest, ScrapesAreCounted) {
  Registry registry{ExporterConfig{}};
  registry.exposition(Snapshot{});

  EXPECT_THAT(registry.exposition(Snapshot{}), HasSubstr("wgrouter_metrics_scrapes_total 2\n"));
}

TEST(RegistryTest, ProbeWithoutARunHasNoVerdict) {
  Snapshot snapshot;
  snapshot.probes = {{.name = "dns"}};
  const std::string text = scrape(snapshot);

  EXPECT_THAT(text, Not(HasSubstr("wgrouter_probe_success{")));
  EXPECT_THAT(text, HasSubstr(R"(wgrouter_probe_runs_total{probe="dns",result="good"} 0)"));
}

}  // namespace
}  // namespace wgr::metrics
