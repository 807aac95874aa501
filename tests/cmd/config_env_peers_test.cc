// The peers of the environment: by index, and in one variable.
#include <string>
#include <vector>

#include "tests/cmd/config_env_fixture.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(ConfigEnvTest, IndexFormReadsTheVariablesOfEachPeer) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  env("WG_PEERS", "0, my_phone");
  env("WG_PEER_0_PUBLIC_KEY", kPeerA);
  env("WG_PEER_0_ALLOWED_IPS", "10.77.0.2, 10.78.0.0/24");
  env("WG_PEER_0_ENDPOINT", "peer.example.com:51820");
  env("WG_PEER_0_KEEPALIVE", "25");
  env("WG_PEER_0_PRESHARED_KEY", kPreshared);
  env("WG_PEER_0_NAME", "laptop");
  env("WG_PEER_0_EGRESS_ALLOW", "private");
  env("WG_PEER_my_phone_PUBLIC_KEY", kPeerB);
  env("WG_PEER_my_phone_ALLOWED_IPS", "10.77.0.3/32");
  const Config config = load();
  ASSERT_EQ(config.wireguard.peers.size(), 2u);
  const PeerEntry& laptop = config.wireguard.peers[0];
  EXPECT_EQ(laptop.peer.public_key, wireguard::parse_public_key(kPeerA));
  EXPECT_EQ(laptop.peer.allowed_ips,
            (std::vector{*Prefix::parse("10.77.0.2/32"), *Prefix::parse("10.78.0.0/24")}));
  EXPECT_EQ(laptop.peer.endpoint, (wireguard::EndpointName{"peer.example.com", 51820}));
  EXPECT_EQ(laptop.peer.persistent_keepalive, 25s);
  EXPECT_TRUE(laptop.peer.preshared_key);
  EXPECT_EQ(laptop.peer.name, "laptop");
  EXPECT_EQ(laptop.egress.allow.size(), 1u);
  EXPECT_EQ(laptop.origin, "WG_PEER_0");
  EXPECT_EQ(config.wireguard.peers[1].origin, "WG_PEER_my_phone");
}

// The compose example of the README that these variables come from lists "1" and describes peer 0.
TEST_F(ConfigEnvTest, ListedIndexWithoutPublicKeyIsAProblemThatNamesWhatIsSet) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  env("WG_PEERS", "1");
  env("WG_PEER_0_PUBLIC_KEY", kPeerA);
  EXPECT_THAT(problems(),
              ElementsAre("environment: WG_PEERS: it lists \"1\", but WG_PEER_1_PUBLIC_KEY is not set (set: "
                          "WG_PEER_0_*; the list holds indices, not their number); expected one "
                          "WG_PEER_<index>_PUBLIC_KEY per listed index"));
}

TEST_F(ConfigEnvTest, WithoutAListEveryDescribedPeerCounts) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  env("WG_PEER_0_PUBLIC_KEY", kPeerA);
  env("WG_PEER_7_PUBLIC_KEY", kPeerB);
  EXPECT_EQ(load().wireguard.peers.size(), 2u);
}

TEST_F(ConfigEnvTest, PeerThatIsNotListedIsNotUsedAndSaidSo) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  env("WG_PEERS", "0");
  env("WG_PEER_0_PUBLIC_KEY", kPeerA);
  env("WG_PEER_1_PUBLIC_KEY", kPeerB);
  EXPECT_EQ(load().wireguard.peers.size(), 1u);
  EXPECT_THAT(notices(), Contains("WG_PEERS does not list \"1\": WG_PEER_1_* is not used"));
}

TEST_F(ConfigEnvTest, BadPeerVariablesAreNamed) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  env("WG_PEER_0_PUBLIC_KEY", "short");
  env("WG_PEER_0_ALLOWED_IPS", "10.0.0.0/33");
  env("WG_PEER_0_ENDPOINT", "host");
  env("WG_PEER_0_KEEPALIVE", "65536");
  env("WG_PEER_0_ALLOWEDIPS", "10.0.0.1");
  EXPECT_THAT(problems(),
              testing::UnorderedElementsAre(
                  StartsWith("environment: WG_PEER_0_PUBLIC_KEY: the value is not one (5 characters)"),
                  StartsWith("environment: WG_PEER_0_ALLOWED_IPS: \"10.0.0.0/33\" is not one"),
                  StartsWith("environment: WG_PEER_0_ENDPOINT: \"host\" is not one; expected host:port"),
                  StartsWith("environment: WG_PEER_0_KEEPALIVE: \"65536\" is not one; expected seconds"),
                  StartsWith("environment: WG_PEER_0_ALLOWEDIPS: unknown variable")));
}

struct PeersRow {
  std::string value;
  std::vector<std::string> peers;  // "key|allowed,allowed|endpoint|keepalive"
};

std::string describe(const PeerEntry& entry) {
  std::string text = wireguard::to_base64(entry.peer.public_key) + "|";
  for (const Prefix& prefix : entry.peer.allowed_ips) {
    text += (text.back() == '|' ? "" : ",") + prefix.to_string();
  }
  text += "|" + (entry.peer.endpoint ? entry.peer.endpoint->host : std::string{});
  return text + "|" + std::to_string(entry.peer.persistent_keepalive.count());
}

TEST_F(ConfigEnvTest, InlineFormOfPeers) {
  const std::string a{kPeerA}, b{kPeerB};
  const PeersRow rows[] = {
      {"public_key=" + a, {a + "|||0"}},
      {"public_key=" + a + ",allowed_ips=10.0.0.2/32", {a + "|10.0.0.2/32||0"}},
      // A token without '=' goes on with allowed_ips, and only with it.
      {"public_key=" + a + ",allowed_ips=10.0.0.0/24,192.168.1.0/24", {a + "|10.0.0.0/24,192.168.1.0/24||0"}},
      {"public_key=" + a +
           ",allowed_ips=10.0.0.2,fd00::2,endpoint=peer.example.com:51820,persistent_keepalive=25",
       {a + "|10.0.0.2/32,fd00::2/128|peer.example.com|25"}},
      {"endpoint", {}},
      {"public_key=" + a + ",allowed_ips=10.0.0.2/32,public_key=" + b + ",allowed_ips=10.0.0.3/32,10.0.0.4",
       {a + "|10.0.0.2/32||0", b + "|10.0.0.3/32,10.0.0.4/32||0"}},
      {"public_key=" + a + " allowed_ips=10.0.0.2/32;public_key=" + b + "\n",
       {a + "|10.0.0.2/32||0", b + "|||0"}},
      {"PUBLIC_KEY=" + a + ",Keepalive=5,allowed_ips=", {a + "|||5"}},
      {",,public_key=" + a + ",,allowed_ips=,10.0.0.2,,", {a + "|10.0.0.2/32||0"}},
      {"public_key=" + a + ",preshared_key=" + kPreshared + ",name=x", {a + "|||0"}},
      {"public_key=" + a + ",allowed_ips=10.0.0.2,keepalive=5,endpoint=[2001:db8::1]:51820",
       {a + "|10.0.0.2/32|2001:db8::1|5"}},
  };
  for (const PeersRow& row : rows) {
    places_.environment = {{"WG_PRIVATE_KEY", kPrivateKey}, {"WG_PEERS", row.value}};
    if (row.peers.empty()) {
      EXPECT_THAT(problems(), testing::Not(IsEmpty())) << row.value;
      continue;
    }
    std::vector<std::string> peers;
    ASSERT_THAT(problems(), IsEmpty()) << row.value;
    for (const PeerEntry& entry : load().wireguard.peers) peers.push_back(describe(entry));
    EXPECT_EQ(peers, row.peers) << row.value;
  }
}

TEST_F(ConfigEnvTest, InlinePeersThatAreWrongNameTheVariable) {
  const std::string a{kPeerA};
  const std::pair<std::string, const char*> rows[] = {
      {"allowed_ips=10.0.0.2/32", "allowed_ips comes before the first public_key"},
      {"0,public_key=" + a, "the index and the inline form do not mix"},
      {"public_key=" + a + ",0", "the index and the inline form do not mix"},
      {"public_key=" + a + ",endpoint=h:1,10.0.0.2/32", "the index and the inline form do not mix"},
      {"public_key=" + a + ",allowed_ip=10.0.0.2/32", "\"allowed_ip\" is not the name of a field"},
      {"public_key=" + a + ",egress.allow=private", "\"egress.allow\" is not the name of a field"},
      {"public_key=" + a + ",keepalive=1,persistent_keepalive=2", "persistent_keepalive: is given twice"},
      {"public_key=" + a + ",allowed_ips=10.0.0.2,allowed_ips=10.0.0.3", "allowed_ips: is given twice"},
      {"public_key=", "public_key: the value is not one (0 characters)"},
      {"public_key=" + a + "=", "public_key: the value is not one (45 characters)"},
      {"public_key=" + a + ",endpoint=", "endpoint: no value"},
      {"public_key=" + a + ",preshared_key=" + kPreshared + ",preshared_key_file=/x",
       "the key is also given by preshared_key"},
      {a, "a name of 43 characters is not the name of a field"},
      {"=x", "\"\" is not the name of a field"},
      {"0,0", "the index \"0\" is listed twice"},
      {"a-b", "characters beyond letters, digits and _"},
  };
  for (const auto& [value, problem] : rows) {
    places_.environment = {{"WG_PRIVATE_KEY", kPrivateKey}, {"WG_PEERS", value}};
    EXPECT_THAT(problems(),
                Contains(testing::AllOf(StartsWith("environment: WG_PEERS: "), HasSubstr(problem))))
        << value;
  }
}

TEST_F(ConfigEnvTest, PeersOfTheEnvironmentReplaceThoseOfTheFile) {
  yaml(std::string("wireguard: {private_key: ") + kPrivateKey + ", peers: [{public_key: " + kPeerA + "}]}");
  env("WG_PEERS", std::string("public_key=") + kPeerB + ",allowed_ips=10.0.0.2");
  const Config config = load();
  ASSERT_EQ(config.wireguard.peers.size(), 1u);
  EXPECT_EQ(config.wireguard.peers[0].peer.public_key, wireguard::parse_public_key(kPeerB));
  EXPECT_THAT(notices(), Contains("WG_PEERS replaces the 1 peers configured before it"));
}

}  // namespace
}  // namespace wgr
