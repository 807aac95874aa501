#include "cmd/state_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "cmd/client_conf.h"
#include "tests/cmd/config_fixture.h"
#include "wireguard/conf_file.h"
#include "wireguard/crypto.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

class StateFolderTest : public ConfigTest {
 protected:
  StateFolderTest() {
    env("STATE_FOLDER", path("state"));
    env("WG_PUBLIC_ENDPOINT", "vpn.example.com");
  }

  Config start() const { return ConfigSource{places_}.load(); }

  mode_t mode_of(const std::string& name) const {
    struct stat status{};
    EXPECT_EQ(::stat(path(name).c_str(), &status), 0) << name;
    return status.st_mode & 07777;
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{path("state")}) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  std::string error_of_start() const {
    try {
      start();
      return {};
    } catch (const ConfigError& error) {
      return error.what();
    }
  }
};

TEST_F(StateFolderTest, FirstStartMakesAKeyAndOneClientThatFitTogether) {
  const Config config = start();
  ASSERT_TRUE(config.first_start);
  EXPECT_TRUE(config.first_start->is_new);
  EXPECT_TRUE(config.wireguard.has_private_key);
  ASSERT_EQ(config.wireguard.peers.size(), 1u);

  const wireguard::ConfFile client = wireguard::parse_conf_file(config.first_start->client_conf);
  EXPECT_TRUE(client.problems.empty());
  ASSERT_TRUE(client.private_key);
  const wireguard::PeerConfig& peer = config.wireguard.peers[0].peer;
  EXPECT_EQ(wireguard::public_key_of(*client.private_key), peer.public_key);
  ASSERT_EQ(client.peers.size(), 1u);
  EXPECT_EQ(client.peers[0].config.public_key, wireguard::public_key_of(config.wireguard.device.private_key));
  ASSERT_TRUE(client.peers[0].config.preshared_key);
  EXPECT_TRUE(equal_secret(client.peers[0].config.preshared_key->bytes(), peer.preshared_key->bytes()));
  EXPECT_EQ(peer.allowed_ips, (std::vector{*Prefix::parse("10.86.0.2/32"), *Prefix::parse("fd86::2/128")}));
  EXPECT_EQ(client.peers[0].config.endpoint, (wireguard::EndpointName{"vpn.example.com", 51820}));
  EXPECT_EQ(client.peers[0].config.allowed_ips,
            (std::vector{*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")}));
  EXPECT_EQ(client.mtu, 1420);
  EXPECT_EQ(client.dns, (std::vector{*IpAddress::parse("10.86.0.1"), *IpAddress::parse("fd86::1")}));
}

TEST_F(StateFolderTest, FolderAndFilesAreClosedToOthers) {
  const mode_t former = ::umask(0);
  start();
  ::umask(former);
  EXPECT_EQ(mode_of("state"), 0700u);
  EXPECT_THAT(files(), UnorderedElementsAre("server.key", "client.key", "client.psk", "client.conf"));
  for (const std::string& name : files()) EXPECT_EQ(mode_of("state/" + name), 0600u) << name;
}

TEST_F(StateFolderTest, NextStartUsesTheSameKeys) {
  const Config first = start();
  const Config second = start();
  EXPECT_FALSE(second.first_start->is_new);
  EXPECT_EQ(second.first_start->client_conf, first.first_start->client_conf);
  EXPECT_TRUE(
      equal_secret(first.wireguard.device.private_key.bytes(), second.wireguard.device.private_key.bytes()));
}

TEST_F(StateFolderTest, StartAfterACrashInBetweenMakesWhatIsMissingAndKeepsTheRest) {
  const Config first = start();
  std::filesystem::remove(path("state/client.key"));
  std::ofstream{path("state/.client.key.123")} << "half a ke";
  const Config second = start();
  EXPECT_TRUE(
      equal_secret(first.wireguard.device.private_key.bytes(), second.wireguard.device.private_key.bytes()));
  EXPECT_NE(first.wireguard.peers[0].peer.public_key, second.wireguard.peers[0].peer.public_key);
}

TEST_F(StateFolderTest, DamagedKeyIsNamedAndNeverOverwritten) {
  start();
  write("state/server.key", "damaged", 0600);
  EXPECT_THAT(error_of_start(), HasSubstr("state/server.key: holds no key"));
  std::stringstream content;
  content << std::ifstream{path("state/server.key")}.rdbuf();
  EXPECT_EQ(content.str(), "damaged");
}

TEST_F(StateFolderTest, KeyThatOthersMayReadIsRefused) {
  start();
  ::chmod(path("state/server.key").c_str(), 0644);
  EXPECT_THAT(error_of_start(), HasSubstr("others could read the key"));
}

TEST_F(StateFolderTest, WiderFolderOfOursIsClosed) {
  ::mkdir(path("state").c_str(), 0755);
  start();
  EXPECT_EQ(mode_of("state"), 0700u);
}

TEST_F(StateFolderTest, StartThatFindsEverythingTouchesNothing) {
  start();
  const auto changed = [this] {
    struct stat status{};
    EXPECT_EQ(::stat(path("state").c_str(), &status), 0);
    return std::pair{status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
  };
  const auto before = changed();
  start();
  EXPECT_EQ(changed(), before);
}

TEST_F(StateFolderTest, ClientConfThatCannotBeWrittenStopsNoStart) {
  ::mkdir(path("state").c_str(), 0700);
  ::mkdir(path("state/client.conf").c_str(), 0700);
  const Config config = start();
  EXPECT_THAT(config.first_start->client_conf, HasSubstr("[Interface]"));
  ASSERT_FALSE(config.notices.empty());
  EXPECT_THAT(config.notices.back().text, HasSubstr("state/client.conf: cannot be written"));
}

// A volume that an orchestrator prepared: writable, but another's.
TEST_F(StateFolderTest, FolderOfAnotherUserIsUsedWithAWarning) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's folder";
  ::chmod(folder_.c_str(), 0755);
  ::mkdir(path("state").c_str(), 0700);
  ::chmod(path("state").c_str(), 02777);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) ::_exit(2);
    bool is_told = false;
    try {
      const Config config = start();
      is_told = std::any_of(config.notices.begin(), config.notices.end(), [](const Notice& notice) {
        return notice.text.find("cannot be changed to 0700") != std::string::npos;
      });
    } catch (const std::exception&) {
      ::_exit(3);
    }
    ::_exit(is_told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(mode_of("state/server.key"), 0600u);
}

TEST_F(StateFolderTest, FileInPlaceOfTheFolderIsNamed) {
  write("state", "");
  EXPECT_THAT(error_of_start(), HasSubstr("state: cannot be opened: Not a directory"));
}

// Several first starts at once: all end up with the same keys, whoever wins.
TEST_F(StateFolderTest, StartsAtTheSameTimeAgreeOnTheKeys) {
  constexpr int kStarts = 8;
  int gate[2];
  ASSERT_EQ(::pipe(gate), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < kStarts; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      char byte;
      ::close(gate[1]);
      [[maybe_unused]] const ssize_t end = ::read(gate[0], &byte, 1);  // until the parent opens the gate
      int code = 1;
      try {
        const Config config = start();
        std::ofstream{path("seen" + std::to_string(i))} << config.first_start->client_conf;
        code = 0;
      } catch (const std::exception&) {
      }
      ::_exit(code);
    }
    children.push_back(child);
  }
  ::close(gate[0]);
  ::close(gate[1]);
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  const std::string agreed = start().first_start->client_conf;
  for (int i = 0; i < kStarts; ++i) {
    std::stringstream seen;
    seen << std::ifstream{path("seen" + std::to_string(i))}.rdbuf();
    EXPECT_EQ(seen.str(), agreed) << i;
  }
  EXPECT_THAT(files(), UnorderedElementsAre("server.key", "client.key", "client.psk", "client.conf"));
}

TEST_F(StateFolderTest, CheckingTouchesNothing) {
  ConfigSource{places_}.check();
  EXPECT_FALSE(std::filesystem::exists(path("state")));
}

TEST_F(StateFolderTest, ConfiguredKeyOrPeersNeedNoFolder) {
  env("WG_PRIVATE_KEY", kPrivateKey);
  EXPECT_FALSE(start().first_start);
  EXPECT_FALSE(std::filesystem::exists(path("state")));
}

TEST_F(StateFolderTest, OtherSettingsStillCount) {
  env("EGRESS_ALLOW", "private");
  env("WG_LISTEN_PORT", "4500");
  env("WG_DISABLE_IPV6", "1");
  env("DNS_UPSTREAMS", ",");
  const Config config = start();
  EXPECT_EQ(config.egress.rules.allow.size(), 1u);
  EXPECT_THAT(config.first_start->client_conf, HasSubstr("Endpoint = vpn.example.com:4500\n"));
  EXPECT_THAT(config.first_start->client_conf, HasSubstr("Address = 10.86.0.2/32\n"));
  EXPECT_THAT(config.first_start->client_conf, HasSubstr("AllowedIPs = 0.0.0.0/0\n"));
  EXPECT_THAT(config.first_start->client_conf, Not(HasSubstr("DNS")));
}

TEST_F(StateFolderTest, EndpointIsTheHostsAddressOrLeftOutWhereThePortIsUnknown) {
  env("WG_PUBLIC_ENDPOINT", "");
  EXPECT_THAT(start().first_start->client_conf, testing::ContainsRegex("Endpoint = [][0-9a-f.:]+:51820\n"));
  env("WG_LISTEN_PORT", "0");
  EXPECT_THAT(start().first_start->client_conf, HasSubstr("# Endpoint = "));
  env("WG_PUBLIC_ENDPOINT", "vpn.example.com:9");
  EXPECT_THAT(start().first_start->client_conf, HasSubstr("Endpoint = vpn.example.com:9\n"));
}

TEST_F(StateFolderTest, ClientGetsTheAddressBesideTheRouters) {
  const std::pair<const char*, const char*> rows[] = {
      {"10.0.0.1/24", "10.0.0.2/32"}, {"10.0.0.254/24", "10.0.0.253/32"}, {"10.0.0.255/16", "10.0.0.254/32"},
      {"10.0.0.1/32", "10.0.0.2/32"}, {"fd00::1/64", "fd00::2/128"},      {"fd00::ffff/64", "fd00::fffe/128"},
  };
  for (const auto& [router, client] : rows) {
    Config config;
    config.network.addresses = {*InterfaceAddress::parse(router)};
    EXPECT_EQ(client_addresses(config), std::vector{*Prefix::parse(client)}) << router;
  }
  Config none;
  none.network.addresses.clear();
  EXPECT_THROW(client_addresses(none), ConfigError);
}

TEST(ChooseStateFolderTest, FollowsItsOrder) {
  Config config;
  EXPECT_EQ(choose_state_folder({{"STATE_DIRECTORY", "/run/a:/run/b"}, {"HOME", "/h"}}, config), "/run/a");
  config.state_folder = "/chosen";
  EXPECT_EQ(choose_state_folder({{"STATE_DIRECTORY", "/run/a"}}, config), "/chosen");
  config.state_folder.clear();
  if (::geteuid() == 0) {
    EXPECT_EQ(choose_state_folder({{"HOME", "/h"}}, config), "/var/lib/wgrouter");
  } else {
    EXPECT_EQ(choose_state_folder({{"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}}, config), "/x/wgrouter");
    EXPECT_EQ(choose_state_folder({{"HOME", "/h"}}, config), "/h/.local/state/wgrouter");
    EXPECT_THROW(choose_state_folder({}, config), ConfigError);
  }
}

}  // namespace
}  // namespace wgr
