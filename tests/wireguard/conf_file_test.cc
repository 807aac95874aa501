#include "wireguard/conf_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "wireguard/key_text.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kPrivateKey[] = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
constexpr char kPeerA[] = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
constexpr char kPeerB[] = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";

std::vector<std::string> lines_of(const std::vector<ConfFile::Remark>& remarks) {
  std::vector<std::string> lines;
  for (const auto& remark : remarks) {
    lines.push_back(std::to_string(remark.line) + ": " + remark.key + (remark.key.empty() ? "" : ": ") +
                    remark.text);
  }
  return lines;
}

TEST(ConfFileTest, ReadsWhatWgQuickReads) {
  const ConfFile file = parse_conf_file(std::string(R"(# a comment
[Interface]
PrivateKey = )") + kPrivateKey + R"(
Address = 10.0.0.1/24, fd00::1/64
address = 10.9.0.1
DNS = 9.9.9.9, example.com
ListenPort = 51821   # trailing comment
MTU=1380

[peer]
  PUBLICKEY=)" + kPeerA + R"(
  PresharedKey = )" + kPeerB + R"(
  AllowedIPs = 10.0.0.2/32, fd00::2
  AllowedIPs = 192.168.0.0/16
  Endpoint = vpn.example.com:51820
  PersistentKeepalive = 25
  # friendly_name = alice's phone
[Peer]
PublicKey = )" + kPeerB + "\r\nAllowedIPs =\nPersistentKeepalive = off\nEndpoint = [2001:db8::1]:1");
  EXPECT_THAT(lines_of(file.problems), IsEmpty());
  EXPECT_THAT(lines_of(file.notices), ElementsAre("6: DNS: the search domain \"example.com\" has no effect"));
  ASSERT_TRUE(file.private_key);
  EXPECT_EQ(secret_to_base64(*file.private_key), kPrivateKey);
  EXPECT_EQ(file.listen_port, 51821);
  EXPECT_EQ(file.mtu, 1380);
  ASSERT_THAT(file.addresses, SizeIs(3));
  EXPECT_EQ(file.addresses[0].ip, *IpAddress::parse("10.0.0.1"));
  EXPECT_EQ(file.addresses[0].length, 24u);
  EXPECT_EQ(file.addresses[2].length, 32u);
  EXPECT_THAT(file.dns, ElementsAre(*IpAddress::parse("9.9.9.9")));
  ASSERT_THAT(file.peers, SizeIs(2));
  const PeerConfig& alice = file.peers[0].config;
  EXPECT_EQ(alice.name, "alice's phone");
  EXPECT_EQ(alice.public_key, parse_public_key(kPeerA));
  EXPECT_TRUE(alice.preshared_key);
  EXPECT_THAT(alice.allowed_ips, ElementsAre(*Prefix::parse("10.0.0.2/32"), *Prefix::parse("fd00::2/128"),
                                             *Prefix::parse("192.168.0.0/16")));
  EXPECT_EQ(alice.endpoint, (EndpointName{"vpn.example.com", 51820}));
  EXPECT_EQ(alice.persistent_keepalive, 25s);
  EXPECT_EQ(file.peers[1].line, 18u);
  EXPECT_EQ(file.peers[1].config.persistent_keepalive, 0s);
  EXPECT_EQ(file.peers[1].config.endpoint, (EndpointName{"2001:db8::1", 1}));
}

TEST(ConfFileTest, WhiteSpaceInsideAValueDoesNotCount) {
  const ConfFile file = parse_conf_file("[ Inter face ]\nListen Port = 5 1 8 2 0\n");
  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_EQ(file.listen_port, 51820);
}

TEST(ConfFileTest, ScriptsAreToldAndNothingElse) {
  const ConfFile file = parse_conf_file(
      "[Interface]\nPostUp = iptables -A FORWARD -i %i -j ACCEPT; rm -rf /\nPostUp = true\nPreDown = x\n"
      "Table = off\nSaveConfig = true\nFwMark = 0x1\n");
  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_THAT(lines_of(file.notices),
              ElementsAre("2: PostUp: is not executed: this router runs no commands",
                          "3: PostUp: is not executed: this router runs no commands",
                          "4: PreDown: is not executed: this router runs no commands",
                          "5: Table: has no effect: this router does not touch the host's network",
                          "6: SaveConfig: has no effect: this router does not touch the host's network",
                          "7: FwMark: has no effect: this router does not touch the host's network"));
}

TEST(ConfFileTest, AmneziaKeysAreSaidToBeUnsupported) {
  for (const char* key : {"Jc", "jmin", "JMAX", "S1", "H4"}) {
    const ConfFile file = parse_conf_file(std::string("[Interface]\n") + key + " = 4\n");
    ASSERT_THAT(file.problems, SizeIs(1)) << key;
    EXPECT_THAT(file.problems[0].text, HasSubstr("AmneziaWG's obfuscation is not supported"));
  }
}

TEST(ConfFileTest, EveryProblemIsToldWithItsLine) {
  const ConfFile file =
      parse_conf_file(std::string("Address = 10.0.0.1\n[Interface]\nPrivateKey = abc\n") +
                      "PrivateKey = abc\nListenPort = 65536\nMTU = 12\nAddress = 10.0.0.1/40\n"
                      "DNS = -x-\nfoo\nListenPrt = 5\n[Peers]\nPublicKey = x\n[Peer]\n"
                      "PublicKey = " +
                      kPrivateKey +
                      "x\nAllowedIPs = 10.0.0.0/8, nonsense\n"
                      "Endpoint = host\nPersistentKeepalive = 70000\n[Peer]\n");
  EXPECT_THAT(
      lines_of(file.problems),
      ElementsAre("1: the line stands before the first [Interface] or [Peer]",
                  HasSubstr("3: PrivateKey: the value is not one (3 characters); expected a key"),
                  "4: PrivateKey: is given twice",
                  "5: ListenPort: \"65536\" is not one; expected a port, 0 to 65535",
                  "6: MTU: \"12\" is not one; expected a number of bytes, 576 to 65535",
                  "7: Address: \"10.0.0.1/40\" is not one; expected addresses like 10.0.0.1/24",
                  "8: DNS: \"-x-\" is not one; expected addresses of resolvers",
                  "9: the line is neither [Section] nor Key = Value",
                  "10: unknown key \"ListenPrt\"; did you mean ListenPort?",
                  "11: unknown section \"[Peers]\"; expected [Interface] or [Peer]",
                  HasSubstr("14: PublicKey: the value is not one (45 characters)"),
                  "15: AllowedIPs: \"nonsense\" is not one; expected prefixes like 10.0.0.2/32",
                  HasSubstr("16: Endpoint: \"host\" is not one; expected host:port"),
                  "17: PersistentKeepalive: \"70000\" is not one; expected seconds, 0 to 65535, or off",
                  HasSubstr("18: PublicKey: the peer has none")));
}

TEST(ConfFileTest, KeyOfTheWrongSectionIsUnknown) {
  const ConfFile file = parse_conf_file("[Interface]\nEndpoint = a:1\n");
  EXPECT_THAT(lines_of(file.problems), ElementsAre(HasSubstr("2: unknown key \"Endpoint\"")));
}

TEST(ConfFileTest, AllZeroPresharedKeyMeansNone) {
  const ConfFile file = parse_conf_file(std::string("[Peer]\nPublicKey=") + kPeerA +
                                        "\nPresharedKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_FALSE(file.peers[0].config.preshared_key);
}

TEST(ConfFileTest, EmptyTextIsAnEmptyFile) {
  const ConfFile file = parse_conf_file("");
  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_THAT(file.peers, IsEmpty());
}

}  // namespace
}  // namespace wgr::wireguard
