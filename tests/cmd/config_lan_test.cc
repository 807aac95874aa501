#include "cmd/config_lan.h"

#include "cmd/config_yaml.h"
#include "tests/cmd/config_fixture.h"

namespace wgr {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class ConfigLanTest : public ConfigTest {
 protected:
  // Problems of the network `lab` with these keys more.
  std::vector<std::string> problems_of_lab(const std::string& keys) {
    yaml("lan: {networks: {lab: {subnet: 192.168.87.0/24, " + keys + "}}}");
    return problems();
  }
};

TEST_F(ConfigLanTest, DefaultNetworkIsThereUnlessAskedForNone) {
  const Config config = load();
  ASSERT_EQ(config.lan.networks.size(), 1u);
  const slirp::lan::NetworkConfig& network = config.lan.networks[0].network;
  EXPECT_EQ(network.name, "default");
  EXPECT_EQ(network.subnet.to_string(), "192.168.86.0/24");
  EXPECT_EQ(network.gateway.to_string(), "192.168.86.1");
  EXPECT_EQ(network.ipv6.prefix->to_string(), "fd86:0:0:1::/64");
  EXPECT_TRUE(network.isolate);
  flag("lan.enabled", "false");
  EXPECT_THAT(load().lan.networks, IsEmpty());
}

// Stations remember the gateway's address: it follows from the name alone.
TEST_F(ConfigLanTest, GatewayAddressIsStableLocalAndPerNetwork) {
  EXPECT_EQ(gateway_mac_of("default").to_string(), "02:86:6d:8d:60:e8");
  EXPECT_EQ(gateway_mac_of("lab"), gateway_mac_of("lab"));
  EXPECT_NE(gateway_mac_of("lab"), gateway_mac_of("lab2"));
  EXPECT_TRUE(gateway_mac_of("lab").is_unicast());
}

TEST_F(ConfigLanTest, EveryKeyOfANetworkIsRead) {
  yaml(R"(
lan:
  lease_file: /srv/leases
  networks:
    lab:
      subnet: 192.168.87.0/24
      gateway: 192.168.87.254
      gateway_mac: "02:00:00:00:00:07"
      mtu: 1500
      isolate: no
      reach_peers: yes
      max_stations: 10
      dhcp:
        first: 192.168.87.10
        last: 192.168.87.20
        lease_time: infinite
        domain: Lab.Example.
        name_servers: [9.9.9.9]
        static_leases: ["00:22:15:01:02:03 192.168.87.50 Web", "00:22:15:01:02:04 192.168.87.51"]
      ipv6: {prefix: "fd86:0:0:2::/64"}
      pace: {interval: 2ms}
      egress: {allow: [10.0.0.0/8], deny: [0.0.0.0/0]}
)");
  ASSERT_THAT(problems(), IsEmpty());
  const LanEntry entry = load().lan.networks.at(1);
  const slirp::lan::NetworkConfig& network = entry.network;
  EXPECT_EQ(network.name, "lab");
  EXPECT_EQ(network.gateway.to_string(), "192.168.87.254");
  EXPECT_EQ(network.gateway_mac.to_string(), "02:00:00:00:00:07");
  EXPECT_EQ(network.mtu, 1500);
  EXPECT_FALSE(network.isolate);
  EXPECT_TRUE(network.reach_peers);
  EXPECT_EQ(network.dhcp.lease_time, std::chrono::seconds{0xffffffff});
  EXPECT_EQ(network.dhcp.domain, "lab.example");
  ASSERT_EQ(network.dhcp.static_leases.size(), 2u);
  EXPECT_EQ(network.dhcp.static_leases[0].host_name, "web");
  EXPECT_EQ(network.dhcp.static_leases[1].host_name, "");
  EXPECT_EQ(network.pace.interval, std::chrono::milliseconds{2});
  EXPECT_EQ(entry.egress.allow.size(), 1u);
  EXPECT_EQ(entry.egress.deny.size(), 1u);
}

TEST_F(ConfigLanTest, PrintedNetworksReadBackToTheSame) {
  yaml(
      "lan: {networks: {lab: {subnet: 10.1.0.0/16, dhcp: {static_leases: [\"02:00:00:00:00:01 10.1.2.3 "
      "a\"]}}}}");
  const std::string printed = print_yaml_config(load());
  EXPECT_THAT(printed, HasSubstr("static_leases: [02:00:00:00:00:01 10.1.2.3 a]"));
  yaml(printed);
  ASSERT_THAT(problems(), IsEmpty());
  EXPECT_EQ(print_yaml_config(load()), printed);
}

TEST_F(ConfigLanTest, WhatContradictsTheSubnetIsNamedWithItsKey) {
  const std::pair<const char*, const char*> rows[] = {
      {"gateway: 192.168.88.1", "gateway: 192.168.88.1 is no address"},
      {"gateway: 192.168.87.0", "gateway: 192.168.87.0 is no address"},
      {"dhcp: {last: 192.168.87.255}", "dhcp.last: 192.168.87.255 is no address"},
      {"dhcp: {first: 192.168.87.9, last: 192.168.87.8}", "dhcp.first: dhcp.first is above dhcp.last"},
      {"dhcp: {static_leases: [02:00:00:00:00:01 10.0.0.1]}", "dhcp.static_leases: 10.0.0.1 is no address"},
      {"dhcp: {static_leases: [02:00:00:00:00:01 192.168.87.1]}",
       "dhcp.static_leases: 192.168.87.1 is the gateway's"},
      {"mtu: 1000, ipv6: {prefix: \"fd01::/64\"}", "mtu: is too small for IPv6"},
      {"ipv6: {prefix: \"fd86::/64\"}", "ipv6.prefix: overlaps with network.addresses"},
      {"ipv6: {prefix: \"fd86:0:0:5::/65\"}", "ipv6.prefix: \"fd86:0:0:5::/65\" is not one"},
      {"ipv6: {prefix: \"2001:db8::/64\"}", "ipv6.prefix: \"2001:db8::/64\" is not one"},
  };
  for (const auto& [keys, message] : rows) {
    EXPECT_THAT(problems_of_lab(keys),
                ElementsAre(StartsWith(std::string{"wgrouter.yaml:1: lan.networks.lab."} + message)))
        << keys;
  }
  EXPECT_THAT(problems_of_lab("mtu: 1500"), IsEmpty());
}

TEST_F(ConfigLanTest, NetworksNeedASubnetOfTheirOwnAndAProperName) {
  yaml(
      "lan:\n  networks:\n    a: {}\n    b: {subnet: 10.86.0.0/16}\n    C: {subnet: 10.1.0.0/16}\n    d: "
      "7\n");
  EXPECT_THAT(problems(), testing::UnorderedElementsAre(
                              StartsWith("wgrouter.yaml:3: lan.networks.a.subnet: is missing"),
                              StartsWith("wgrouter.yaml:4: lan.networks.b.subnet: 10.86.0.0/16 overlaps with "
                                         "network.addresses"),
                              StartsWith("wgrouter.yaml:5: lan.networks: a network has no proper name"),
                              StartsWith("wgrouter.yaml:6: lan.networks.d: is not a map"),
                              StartsWith("wgrouter.yaml:6: lan.networks.d.subnet: is missing")));
}

// A router that only had WireGuard peers must start as before.
TEST_F(ConfigLanTest, DefaultNetworkGivesWayToAPeerThatHasItsAddresses) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  env("WG_PEERS", std::string("public_key=") + kPeerA + ",allowed_ips=192.168.86.7/32");
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_THAT(load().lan.networks, IsEmpty());
  EXPECT_THAT(notices(), Contains(HasSubstr("choose lan.networks.default.subnet")));
  // A peer with everything around it is no holder.
  env("WG_PEERS", std::string("public_key=") + kPeerA + ",allowed_ips=0.0.0.0/0");
  EXPECT_EQ(load().lan.networks.size(), 1u);
}

TEST_F(ConfigLanTest, KeysOfANetworkComeFromTheEnvironmentAndFlagsToo) {
  env("WGROUTER_LAN_NETWORKS_MY_LAB_SUBNET", "10.2.0.0/24");
  env("WGROUTER_LAN_NETWORKS_MY_LAB_DHCP_ENABLED", "off");
  flag("lan.networks.my-lab.isolate", "false");
  const LanEntry entry = load().lan.networks.at(1);
  EXPECT_EQ(entry.network.name, "my-lab");
  EXPECT_FALSE(entry.network.dhcp.enabled);
  EXPECT_FALSE(entry.network.isolate);
  env("WGROUTER_LAN_NETWORKS_MY_LAB_MTU", "1");
  EXPECT_THAT(problems(),
              ElementsAre(StartsWith("environment: WGROUTER_LAN_NETWORKS_MY_LAB_MTU: \"1\" is out")));
}

}  // namespace
}  // namespace wgr
