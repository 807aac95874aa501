#include "cmd/reload_plan.h"

#include "tests/cmd/config_fixture.h"

namespace wgr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class ReloadPlanTest : public ConfigTest {
 protected:
  // Of the configuration `now` when the file becomes `next`.
  std::vector<std::string> waiting(const std::string& now, const std::string& next) {
    yaml(now);
    const Config running = load();
    yaml(next);
    return waiting_keys(running, load());
  }
};

TEST_F(ReloadPlanTest, NothingChangedMeansNothingWaits) {
  const std::string text = "lan: {networks: {lab: {subnet: 10.9.0.0/24}}}\nmetrics: {token: secret}\n";
  EXPECT_THAT(waiting(text, text), IsEmpty());
}

TEST_F(ReloadPlanTest, KeyThatIsReadOnceWaits) {
  EXPECT_THAT(waiting("tcp: {sack: true}\n", "tcp: {sack: false}\n"), ElementsAre("tcp.sack"));
}

TEST_F(ReloadPlanTest, WhatIsAppliedDoesNotWait) {
  EXPECT_THAT(waiting("metrics: {token: former}\negress: {allow: []}\n",
                      "metrics: {token: next}\negress: {allow: [private]}\n"
                      "wireguard: {dial_proxy: \"http://user:word@proxy:3128\"}\n"),
              IsEmpty());
}

TEST_F(ReloadPlanTest, ChangedKeyOfANetworkWaitsButItsRulesDoNot) {
  EXPECT_THAT(waiting("lan: {networks: {lab: {subnet: 10.9.0.0/24}}}\n",
                      "lan: {networks: {lab: {subnet: 10.9.0.0/24, isolate: false, "
                      "dhcp: {static_leases: [\"00:22:15:01:02:03 10.9.0.50 web\"]}, "
                      "egress: {allow: [private]}}}}\n"),
              UnorderedElementsAre("lan.networks.lab.isolate", "lan.networks.lab.dhcp.static_leases"));
}

TEST_F(ReloadPlanTest, NetworkThatComesOrGoesWaits) {
  EXPECT_THAT(waiting("lan: {networks: {lab: {subnet: 10.9.0.0/24}}}\n",
                      "lan: {networks: {den: {subnet: 10.8.0.0/24}}}\n"),
              ElementsAre("lan.networks.den", "lan.networks.lab"));
}

TEST_F(ReloadPlanTest, NoPathLeadsToANetworkThatIsNotOpen) {
  yaml("lan: {networks: {lab: {subnet: 10.9.0.0/24}}}\n");
  ws::Config config = load().ws;
  drop_unknown_networks(config, {"default"});
  std::vector<std::string> paths;
  for (const ws::Route& route : config.listeners.at(0).routes) paths.push_back(route.path);
  EXPECT_THAT(paths, ElementsAre("/", "/ethernet", "/ethernet/default", "/wg", "/v1/events", "/dns-query"));
}

}  // namespace
}  // namespace wgr
