// What SIGHUP reads again, and what it leaves as the start made it.
#include <filesystem>

#include "cmd/config_source.h"
#include "tests/cmd/config_fixture.h"

namespace wgr {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ConfigReloadTest : public ConfigTest {};

TEST_F(ConfigReloadTest, ReloadReadsTheFilesAgain) {
  yaml(with_peers(peer(kPeerA)));
  const ConfigSource source{places_};
  const Config running = source.load();
  EXPECT_EQ(running.wireguard.peers.size(), 1u);
  yaml(with_peers(peer(kPeerA) + peer(kPeerB)));
  EXPECT_EQ(source.reload(running).wireguard.peers.size(), 2u);
  yaml("nonsense: 1\n");
  EXPECT_THROW(source.reload(running), ConfigError);
}

TEST_F(ConfigReloadTest, EmptiedFileIsNoFirstStartOfARouterThatWasConfigured) {
  env("STATE_FOLDER", path("state"));
  yaml(with_peers(peer(kPeerA)));
  const ConfigSource source{places_};
  const Config running = source.load();
  for (const char* const rest : {"", "metrics: {enabled: false}\n"}) {
    yaml(rest);
    EXPECT_THROW(source.reload(running), ConfigError) << rest;
  }
  EXPECT_FALSE(std::filesystem::exists(path("state")));
}

TEST_F(ConfigReloadTest, ReloadOfAFirstStartKeepsItsKeyAndClient) {
  env("STATE_FOLDER", path("state"));
  const ConfigSource source{places_};
  const Config running = source.load();
  const Config next = source.reload(running);
  EXPECT_EQ(next.wireguard.peers.at(0).peer.public_key, running.wireguard.peers.at(0).peer.public_key);
  EXPECT_TRUE(
      equal_secret(next.wireguard.device.private_key.bytes(), running.wireguard.device.private_key.bytes()));
}

TEST_F(ConfigReloadTest, ReloadOfAFirstStartDerivesNothingAnewFromWhatWaits) {
  env("STATE_FOLDER", path("state"));
  const ConfigSource source{places_};
  const Config running = source.load();
  yaml("state: {folder: " + path("other") + "}\nnetwork: {addresses: [10.99.0.1/24]}\n");
  env("STATE_FOLDER", "");
  const Config next = ConfigSource{places_}.reload(running);
  EXPECT_EQ(next.wireguard.peers.at(0).peer.allowed_ips, running.wireguard.peers.at(0).peer.allowed_ips);
  EXPECT_TRUE(next.first_start);
  EXPECT_FALSE(std::filesystem::exists(path("other")));
}

TEST_F(ConfigReloadTest, ReloadLeavesInnerIpv6AsItIs) {
  yaml(with_peers(peer(kPeerA)));
  const ConfigSource source{places_};
  const Config running = source.load();
  yaml(with_peers(peer(kPeerA)) + "network: {ipv6: false}\n");
  const Config next = source.reload(running);
  EXPECT_TRUE(next.network.ipv6);
  EXPECT_THAT(next.egress.rules.deny, IsEmpty());
  EXPECT_THAT(next.overlay.exclude, IsEmpty());
  EXPECT_THAT(next.notices.at(0).text, HasSubstr("network.ipv6 has changed: it waits for the next start"));
}

}  // namespace
}  // namespace wgr
