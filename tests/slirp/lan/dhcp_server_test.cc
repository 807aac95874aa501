// What the DHCP server answers to whom, and where the answer goes. RFC 2131 4.
#include <functional>

#include "tests/slirp/lan/dhcp_fixture.h"

namespace wgr::slirp::lan {
namespace {

using wire::DhcpOption;
using wire::DhcpType;
using Message = std::vector<std::uint8_t>;

TEST_F(DhcpServerTest, DiscoverIsOfferedTheSameAddressEachTime) {
  const auto first = say({.id = "me"});
  const auto second = say({.id = "me"});

  ASSERT_TRUE(first && second);
  EXPECT_EQ(view(*first).type(), DhcpType::kOffer);
  EXPECT_EQ(view(*first).yiaddr(), view(*second).yiaddr());
  EXPECT_EQ(view(*first).op(), wire::DhcpOp::kReply);
  EXPECT_EQ(view(*first).xid(), 0xabcdef01);
  EXPECT_EQ(view(*first).mac(), kMac);
  EXPECT_EQ(view(*first).address_option(DhcpOption::kServerIdentifier), ip(1));
  EXPECT_TRUE(view(*first).has(DhcpOption::kLeaseTime));
  EXPECT_EQ(counters_.dhcp_offers.value(), 2u);
}

// RFC 2131 4.1. Numbered: how the client asks, and where the answer goes.
TEST_F(DhcpServerTest, RepliesGoWhereTheClientCanHearThem) {
  const IpAddress address = lease();
  const struct {
    Say what;
    IpAddress to;
    MacAddress mac;
  } kCases[] = {
      /* 1 */ {{}, address, kMac},
      /* 2 */ {{.broadcast = true}, kBroadcast, MacAddress::broadcast()},
      /* 3 */ {{.type = DhcpType::kRequest, .ciaddr = address}, address, kMac},
      /* 4 */ {{.type = DhcpType::kRequest, .ciaddr = address, .broadcast = true}, address, kMac},
      /* 5, NAK */ {{.type = DhcpType::kRequest, .ciaddr = ip(7)}, kBroadcast, MacAddress::broadcast()},
      /* 6 */ {{.type = DhcpType::kInform, .ciaddr = ip(7)}, ip(7), kMac},
  };
  int number = 0;
  for (const auto& c : kCases) {
    SCOPED_TRACE(++number);
    const auto reply = say(c.what);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->to, c.to);
    EXPECT_EQ(reply->to_mac, c.mac);
    EXPECT_EQ(view(*reply).wants_broadcast(), c.what.broadcast);
  }
}

// RFC 2131 4.3.2. Numbered: what a REQUEST holds, what the server knows, and its answer.
TEST_F(DhcpServerTest, RequestIsAnsweredByItsState) {
  enum Known { kNothing, kOffered, kLeased };
  constexpr auto kAck = DhcpType::kAck;
  constexpr auto kNak = DhcpType::kNak;
  constexpr std::optional<DhcpType> kSilence;
  const IpAddress mine = ip(150);
  const IpAddress taken = ip(160);  // another client's
  const IpAddress foreign = IpAddress::v4(10, 0, 2, 15);
  const auto select = [](IpAddress wanted, IpAddress server) {
    return Say{.type = DhcpType::kRequest, .requested = wanted, .server = server};
  };
  const auto reboot = [](IpAddress wanted) { return Say{.type = DhcpType::kRequest, .requested = wanted}; };
  const auto renew = [](IpAddress in_use) { return Say{.type = DhcpType::kRequest, .ciaddr = in_use}; };
  const struct {
    Known known;
    Say what;
    std::optional<DhcpType> answer;
  } kCases[] = {
      /* 1 */ {kOffered, select(mine, ip(1)), kAck},
      /* 2 */ {kOffered, select(ip(151), ip(1)), kNak},   // not what was offered
      /* 3 */ {kOffered, select(mine, ip(2)), kSilence},  // another server's
      /* 4 */ {kNothing, select(mine, ip(1)), kAck},      // the offer ran out, but it is free
      /* 5 */ {kNothing, select(taken, ip(1)), kNak},
      /* 6 */ {kNothing, select(foreign, ip(1)), kNak},
      /* 7 */ {kLeased, select(mine, ip(1)), kAck},
      /* 8 */ {kNothing, reboot(mine), kSilence},  // an unknown client
      /* 9 */ {kNothing, reboot(foreign), kNak},   // of another network
      /* 10 */ {kLeased, reboot(mine), kAck},
      /* 11 */ {kLeased, reboot(ip(151)), kNak},
      /* 12 */ {kLeased, reboot(foreign), kNak},
      /* 13 */ {kNothing, reboot(taken), kSilence},
      /* 14 */ {kLeased, renew(mine), kAck},
      /* 15 */ {kNothing, renew(mine), kAck},  // free: a lease that was forgotten
      /* 16 */ {kLeased, renew(taken), kNak},
      /* 17 */ {kNothing, renew(taken), kNak},
      /* 18 */ {kNothing, renew(foreign), kNak},
      /* 19 */ {kNothing, renew(ip(1)), kNak},                        // the gateway's
      /* 20 */ {kLeased, Say{.type = DhcpType::kRequest}, kSilence},  // asks for nothing
      /* 21 */ {kLeased, Say{.type = DhcpType::kRequest, .ciaddr = mine, .server = ip(1)}, kAck},
  };
  int number = 0;
  for (const auto& c : kCases) {
    SCOPED_TRACE(++number);
    LeaseTable table{config_, counters_, {}, WallTime{}, now_};
    DhcpServer server{config_, table, counters_};
    const LeaseClient other{kOther, 0, {}};
    ASSERT_EQ(table.offer(other, taken, now_), taken);
    ASSERT_TRUE(table.confirm(other, taken, {}, now_));
    const LeaseClient client{kMac, 0, {}};
    ASSERT_TRUE(c.known == kNothing || table.offer(client, mine, now_) == mine);
    ASSERT_TRUE(c.known != kLeased || table.confirm(client, mine, {}, now_));

    const auto reply = server.receive(c.what.message(), kMac, 0, {}, now_);

    EXPECT_EQ(type_of(reply), c.answer);
    EXPECT_EQ(table.owner_of(taken)->mac, kOther);
    EXPECT_TRUE(c.answer != kAck || table.owner_of(mine)->mac == kMac);
    EXPECT_TRUE(c.answer != kNak || view(*reply).yiaddr() == IpAddress{});
  }
}

TEST_F(DhcpServerTest, OfferIsForgottenWhenTheClientTakesAnother) {
  const IpAddress offered = view(*say({})).yiaddr();
  say({.type = DhcpType::kRequest, .requested = offered, .server = ip(2)});

  EXPECT_EQ(table_.size(), 0u);
}

// libslirp ended the program on a REQUEST that it had to refuse (2a3860a).
TEST_F(DhcpServerTest, RefusedRequestIsAnsweredNakAndNothingMore) {
  const auto nak = say({.type = DhcpType::kRequest, .requested = ip(1), .server = ip(1), .id = "me"});

  ASSERT_TRUE(nak);
  EXPECT_EQ(view(*nak).type(), DhcpType::kNak);
  EXPECT_EQ(view(*nak).address_option(DhcpOption::kServerIdentifier), ip(1));
  EXPECT_TRUE(view(*nak).has(DhcpOption::kClientIdentifier));
  for (const DhcpOption option : {DhcpOption::kLeaseTime, DhcpOption::kSubnetMask, DhcpOption::kRouter}) {
    EXPECT_FALSE(view(*nak).has(option));
  }
  EXPECT_EQ(type_of(say({})), DhcpType::kOffer);
}

TEST_F(DhcpServerTest, DeclinedAddressIsNotOfferedAgain) {
  const IpAddress address = lease();
  EXPECT_FALSE(say({.type = DhcpType::kDecline, .requested = address, .server = ip(1)}));

  EXPECT_NE(view(*say({.requested = address})).yiaddr(), address);
  EXPECT_EQ(counters_.dhcp_declines.value(), 1u);
}

TEST_F(DhcpServerTest, ReleaseEndsTheLeaseWithoutAnAnswer) {
  const IpAddress address = lease({.id = "me"});
  EXPECT_FALSE(say({.type = DhcpType::kRelease, .ciaddr = address, .server = ip(2), .id = "me"}));
  EXPECT_NE(table_.owner_of(address), nullptr);  // another server was meant

  EXPECT_FALSE(say({.type = DhcpType::kRelease, .ciaddr = address, .server = ip(1)}));  // without its name
  EXPECT_EQ(table_.owner_of(address), nullptr);
  EXPECT_EQ(view(*say({.id = "me"})).yiaddr(), address);
}

TEST_F(DhcpServerTest, NobodyReleasesTheLeaseOfAnother) {
  const IpAddress address = lease();
  say({.type = DhcpType::kRelease, .ciaddr = address, .server = ip(1), .mac = kOther});
  say({.type = DhcpType::kDecline, .requested = address, .server = ip(1), .mac = kOther});

  EXPECT_EQ(table_.owner_of(address)->mac, kMac);
}

TEST_F(DhcpServerTest, InformGetsParametersAndNoLease) {
  const auto reply = say({.type = DhcpType::kInform}, ip(50));

  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->to, ip(50));
  EXPECT_EQ(view(*reply).type(), DhcpType::kAck);
  EXPECT_EQ(view(*reply).yiaddr(), IpAddress{});
  EXPECT_FALSE(view(*reply).has(DhcpOption::kLeaseTime));
  EXPECT_FALSE(view(*reply).has(DhcpOption::kRenewalTime));
  EXPECT_EQ(view(*reply).address_option(DhcpOption::kRouter), ip(1));
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_FALSE(say({.type = DhcpType::kInform}));  // nowhere to answer to
}

// Numbered: what a station has no business to send.
TEST_F(DhcpServerTest, RogueAndMalformedMessagesAreCounted) {
  const auto changed = [](std::function<void(Message&)> change, DhcpType type = DhcpType::kDiscover) {
    Message message = Say{.type = type}.message();
    change(message);
    return message;
  };
  const struct {
    Message message;
    DropReason reason;
  } kCases[] = {
      /* 1 */ {changed([](Message& m) { m[0] = 2; }), DropReason::kDhcpRogue},
      /* 2 */ {changed([](Message& m) { m[24] = 10; }), DropReason::kDhcpRogue},  // giaddr
      /* 3 */ {changed([](Message&) {}, DhcpType::kOffer), DropReason::kDhcpRogue},
      /* 4 */ {changed([](Message&) {}, DhcpType::kAck), DropReason::kDhcpRogue},
      /* 5 */ {changed([](Message&) {}, DhcpType::kNak), DropReason::kDhcpRogue},
      /* 6 */ {changed([](Message& m) { m[28] ^= 2; }), DropReason::kMacSpoofed},
      /* 7 */ {changed([](Message& m) { m[1] = 6; }), DropReason::kDhcpMalformed},      // no Ethernet
      /* 8 */ {changed([](Message& m) { m[242] = 0; }), DropReason::kDhcpMalformed},    // no such type
      /* 9 */ {changed([](Message& m) { m[240] = 255; }), DropReason::kDhcpMalformed},  // BOOTP
      /* 10 */ {changed([](Message& m) { m.resize(239); }), DropReason::kDhcpMalformed},
      /* 11 */ {{}, DropReason::kDhcpMalformed},
  };
  int number = 0;
  for (const auto& c : kCases) {
    SCOPED_TRACE(++number);
    const std::uint64_t before = dropped(c.reason);
    EXPECT_FALSE(say_bytes(c.message));
    EXPECT_EQ(dropped(c.reason), before + 1);
  }
  EXPECT_EQ(counters_.drops.total(), std::size(kCases));
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(DhcpServerTest, ExhaustedPoolIsSilent) {
  config_.dhcp.first = config_.dhcp.last = ip(100);
  LeaseTable table{config_, counters_, {}, WallTime{}, now_};
  DhcpServer server{config_, table, counters_};
  EXPECT_TRUE(server.receive(Say{}.message(), kMac, 0, {}, now_));

  EXPECT_FALSE(server.receive(Say{.mac = kOther}.message(), kOther, 0, {}, now_));
  EXPECT_EQ(counters_.dhcp_pool_exhausted.value(), 1u);
}

TEST_F(DhcpServerTest, DisabledServerIsSilent) {
  config_.dhcp.enabled = false;

  EXPECT_FALSE(say({}));
  EXPECT_EQ(dropped(DropReason::kProtocolUnsupported), 1u);
}

}  // namespace
}  // namespace wgr::slirp::lan
