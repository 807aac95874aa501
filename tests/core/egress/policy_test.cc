// The egress table: every row, with every protocol, by default and under each kind of rule.
#include "core/egress/policy.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace wgr::egress {
namespace {

constexpr GuestId kGuest{0, 1};
constexpr GuestId kOtherGuest{0, 2};

Rule rule(const std::string& text) {
  std::string error;
  const auto parsed = Rule::parse(text, error);
  EXPECT_TRUE(parsed) << error;
  return parsed.value_or(Rule{});
}

SocketAddress at(const char* text) { return SocketAddress::parse(text).value(); }

struct Row {
  const char* address;
  const char* class_name;
  const char* default_reason;  // nullptr: allowed
};

constexpr Row kRows[] = {
    {"8.8.8.8", "public", nullptr},
    {"2606:4700:4700::1111", "public", nullptr},
    {"64:ff9b::808:808", "public", nullptr},
    {"0.0.0.0", "unspecified", "unspecified address"},
    {"0.1.2.3", "unspecified", "unspecified address"},
    {"::", "unspecified", "unspecified address"},
    {"127.0.0.1", "loopback", "loopback address"},
    {"127.255.0.1", "loopback", "loopback address"},
    {"::1", "loopback", "loopback address"},
    {"169.254.1.1", "link-local", "link-local address"},
    {"fe80::1", "link-local", "link-local address"},
    {"169.254.169.254", "metadata", "metadata address"},
    {"169.254.170.2", "metadata", "metadata address"},
    {"100.100.100.200", "metadata", "metadata address"},
    {"168.63.129.16", "metadata", "metadata address"},
    {"fd00:ec2::254", "metadata", "metadata address"},
    {"10.0.0.1", "private", "private address"},
    {"172.16.0.1", "private", "private address"},
    {"192.168.1.1", "private", "private address"},
    {"fc00::1", "private", "private address"},
    {"fec0::1", "private", "private address"},
    {"100.64.0.1", "cgnat", "cgnat address"},
    {"224.0.0.1", "multicast", "multicast address"},
    {"ff02::1", "multicast", "multicast address"},
    {"198.18.0.1", "reserved", "reserved address"},
    {"192.0.0.1", "reserved", "reserved address"},
    {"192.0.2.1", "reserved", "reserved address"},
    {"198.51.100.1", "reserved", "reserved address"},
    {"203.0.113.1", "reserved", "reserved address"},
    {"192.88.99.1", "reserved", "reserved address"},
    {"240.0.0.1", "reserved", "reserved address"},
    {"255.255.255.255", "reserved", "reserved address"},
    {"2001:db8::1", "reserved", "reserved address"},
    {"100::1", "reserved", "reserved address"},
    {"3fff::1", "reserved", "reserved address"},
    {"5f00::1", "reserved", "reserved address"},
    {"::ffff:127.0.0.1", "loopback", "loopback address"},
    {"::ffff:10.0.0.1", "private", "private address"},
    {"::ffff:8.8.8.8", "transition", "transition address"},
    {"::127.0.0.1", "loopback", "loopback address"},
    {"64:ff9b::7f00:1", "loopback", "loopback address"},
    {"64:ff9b::a9fe:a9fe", "metadata", "metadata address"},
    {"64:ff9b:1::a00:1", "private", "private address"},
    {"2002:7f00:1::1", "loopback", "loopback address"},
    {"2002:808:808::1", "transition", "transition address"},
    {"2001:0:808:808:0:0:80ff:fffe", "loopback", "loopback address"},
    {"2606:4700::5efe:c0a8:101", "private", "private address"},
};

// One cell of the table, asked under some settings.
struct Cell {
  const Row& row;
  Protocol protocol;

  bool is_public() const { return row.default_reason == nullptr; }
  bool is_metadata() const { return class_name() == "metadata"; }
  std::string class_name() const { return row.class_name; }
  IpAddress ip() const { return IpAddress::parse(row.address).value(); }
  Verdict ask(Policy::Settings settings, std::uint16_t port = 443) const {
    if (protocol == Protocol::kIcmp) port = 0;
    return Policy{std::move(settings)}.check(kGuest, protocol, {ip(), port});
  }
};

template <typename Check>
void for_each_cell(Check check) {
  for (const Row& row : kRows) {
    for (Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kIcmp}) {
      SCOPED_TRACE(std::string{row.address} + " " + std::string{to_string(protocol)});
      check(Cell{row, protocol});
    }
  }
}

TEST(EgressTable, Default) {
  for_each_cell([](const Cell& cell) {
    const Verdict verdict = cell.ask({});

    EXPECT_EQ(verdict.is_allowed, cell.is_public());
    EXPECT_EQ(verdict.reason, cell.is_public() ? "" : cell.row.default_reason);
    EXPECT_EQ(to_string(verdict.address_class), cell.class_name());
  });
}

TEST(EgressTable, AllowPrivateAndLinkLocalOpensThemAndNothingElse) {
  Policy::Settings settings;
  settings.global.allow = {rule("private"), rule("link-local"), rule("cgnat")};
  for_each_cell([&](const Cell& cell) {
    const std::string name = cell.class_name();
    const bool is_opened = name == "private" || name == "link-local" || name == "cgnat" || name == "public";

    EXPECT_EQ(cell.ask(settings).is_allowed, is_opened);
  });
}

TEST(EgressTable, AllowOwnClassOpensIt) {
  for_each_cell([](const Cell& cell) {
    Policy::Settings settings;
    settings.global.allow = {rule(cell.class_name())};

    EXPECT_TRUE(cell.ask(settings));
  });
}

TEST(EgressTable, AllowEverythingLeavesMetadataClosed) {
  Policy::Settings settings;
  settings.global.allow = {rule("any"), rule("0.0.0.0/0"), rule("::/0")};
  for_each_cell([&](const Cell& cell) { EXPECT_EQ(cell.ask(settings).is_allowed, !cell.is_metadata()); });
}

TEST(EgressTable, AllowMetadataOpensItAlone) {
  Policy::Settings settings;
  settings.allow_metadata = true;
  for_each_cell([&](const Cell& cell) {
    EXPECT_EQ(cell.ask(settings).is_allowed, cell.is_metadata() || cell.is_public());
  });
}

TEST(EgressTable, DenyRuleWinsOverAllow) {
  for_each_cell([](const Cell& cell) {
    Policy::Settings settings;
    settings.global.allow = {rule(cell.class_name()), rule("any")};
    settings.global.deny = {rule(cell.row.address)};
    settings.allow_metadata = true;

    const Verdict verdict = cell.ask(settings);

    EXPECT_FALSE(verdict);
    EXPECT_EQ(verdict.reason, "deny rule");
  });
}

TEST(EgressTable, AllowOneAddressAndPortOpensThatPortOnly) {
  for_each_cell([](const Cell& cell) {
    Policy::Settings settings;
    settings.global.allow = {rule(SocketAddress{cell.ip(), 443}.to_string())};
    const bool is_opened = cell.protocol != Protocol::kIcmp && !cell.is_metadata();

    EXPECT_EQ(cell.ask(settings, 443).is_allowed, cell.is_public() || is_opened);
    EXPECT_EQ(cell.ask(settings, 444).is_allowed, cell.is_public());
  });
}

TEST(EgressTable, GuestRulesAreAskedFirst) {
  for_each_cell([](const Cell& cell) {
    Policy::Settings opened;
    opened.global.deny = {rule("any")};
    opened.per_guest[kGuest].allow = {rule(cell.class_name())};
    EXPECT_TRUE(cell.ask(opened));

    Policy::Settings closed;
    closed.global.allow = {rule(cell.class_name())};
    closed.per_guest[kGuest].deny = {rule("any")};
    EXPECT_EQ(cell.ask(closed).reason, "deny rule");
  });
}

class PolicyTest : public testing::Test {
 protected:
  bool is_allowed(const char* to, Protocol protocol = Protocol::kTcp, GuestId guest = kGuest) const {
    return check(to, protocol, guest).is_allowed;
  }
  Verdict check(const char* to, Protocol protocol = Protocol::kTcp, GuestId guest = kGuest) const {
    return Policy{settings_}.check(guest, protocol, at(to));
  }

  Policy::Settings settings_;
};

TEST_F(PolicyTest, RulesOfAnotherGuestDoNotCount) {
  settings_.per_guest[kOtherGuest].allow = {rule("private")};

  EXPECT_FALSE(is_allowed("10.0.0.1:80"));
  EXPECT_TRUE(is_allowed("10.0.0.1:80", Protocol::kTcp, kOtherGuest));
}

TEST_F(PolicyTest, AGuestWithoutAWordOnItFallsBackToTheGlobalRules) {
  settings_.per_guest[kGuest].deny = {rule("any:25")};
  settings_.global.allow = {rule("private")};

  EXPECT_TRUE(is_allowed("10.0.0.1:80"));
  EXPECT_FALSE(is_allowed("10.0.0.1:25"));
}

TEST_F(PolicyTest, PortZeroIsNeverOpen) {
  settings_.global.allow = {rule("any")};

  EXPECT_EQ(check("8.8.8.8:0").reason, "port 0");
  EXPECT_EQ(check("8.8.8.8:0", Protocol::kUdp).reason, "port 0");
  EXPECT_TRUE(is_allowed("8.8.8.8:0", Protocol::kIcmp));
}

TEST_F(PolicyTest, MailIsOpenUnlessARuleDeniesIt) {
  EXPECT_TRUE(is_allowed("8.8.8.8:25"));

  settings_.global.deny = {rule("any:25/tcp")};
  EXPECT_EQ(check("8.8.8.8:25").reason, "deny rule");
  EXPECT_TRUE(is_allowed("8.8.8.8:587"));
}

TEST_F(PolicyTest, DenyRuleReachesTheAddressInsideAnAddress) {
  settings_.global.deny = {rule("8.8.8.0/24:53")};
  settings_.global.allow = {rule("transition")};

  EXPECT_FALSE(is_allowed("[64:ff9b::808:808]:53"));
  EXPECT_TRUE(is_allowed("[64:ff9b::808:808]:54"));
  EXPECT_FALSE(is_allowed("[2002:808:808::1]:53"));
  EXPECT_TRUE(is_allowed("[2002:808:908::1]:53"));
}

TEST_F(PolicyTest, AllowRuleDoesNotReachTheAddressInsideAnAddress) {
  settings_.global.allow = {rule("10.0.0.0/8")};

  EXPECT_TRUE(is_allowed("10.0.0.1:80"));
  EXPECT_FALSE(is_allowed("[64:ff9b::a00:1]:80"));
}

// A guest that reaches the WireGuard port builds a tunnel in the tunnel.
TEST_F(PolicyTest, OwnListenersAreClosedWhateverTheRulesSay) {
  settings_.global.allow = {rule("any"), rule("metadata")};
  settings_.own_addresses = {IpAddress::v4(192, 168, 1, 2), *IpAddress::parse("2606:4700::2"),
                             IpAddress::v4(5, 6, 7, 8)};
  settings_.own_sockets = {at("0.0.0.0:51820"), at("127.0.0.1:9090"), at("192.168.1.2:8443")};

  for (const char* own :
       {"192.168.1.2:51820", "5.6.7.8:51820", "[2606:4700::2]:51820", "127.0.0.1:51820", "127.9.9.9:51820",
        "[::1]:51820", "0.0.0.0:51820", "[::]:51820", "[::ffff:192.168.1.2]:51820",
        "[64:ff9b::506:708]:51820", "127.0.0.1:9090", "0.0.0.0:9090", "[::ffff:0.0.0.0]:9090",
        "[::ffff:127.0.0.1]:9090", "192.168.1.2:8443", "[2002:c0a8:102::1]:8443"}) {
    for (Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
      EXPECT_EQ(check(own, protocol).reason, "own socket") << own;
  }
  for (const char* other : {"192.168.1.3:51820", "8.8.8.8:51820", "192.168.1.2:9090", "5.6.7.8:8443",
                            "127.0.0.1:8443", "192.168.1.2:443"}) {
    EXPECT_TRUE(is_allowed(other)) << other;
  }
}

// A forward of a range of ports has thousands of them, in any order.
TEST_F(PolicyTest, EveryOneOfManyOwnListenersIsClosed) {
  settings_.global.allow = {rule("any")};
  for (std::uint16_t port = 22'000; port > 20'000; port -= 2) {
    settings_.own_sockets.push_back({IpAddress::v4(0), port});
    settings_.own_sockets.push_back({IpAddress::v4(127, 0, 0, 2), port});
  }
  const Policy policy{settings_};
  for (std::uint16_t port = 20'001; port <= 22'000; ++port) {
    const SocketAddress to{IpAddress::v4(127, 0, 0, 1), port};
    EXPECT_EQ(policy.check(kGuest, Protocol::kTcp, to).is_allowed, port % 2 == 1) << port;
  }
}

}  // namespace
}  // namespace wgr::egress
