// Who gets which address by DHCP, for how long, and who may give it back.
#include <map>
#include <random>
#include <set>

#include "tests/slirp/lan/lease_fixture.h"

namespace wgr::slirp::lan {
namespace {

TEST_F(LeaseTableTest, OffersTheSameAgain) {
  const auto first = table().offer(client(1), std::nullopt, now_);
  ASSERT_TRUE(first);

  EXPECT_EQ(table().offer(client(1), std::nullopt, now_ + 5s), first);
  EXPECT_EQ(table().find(client(1)), first);
  EXPECT_EQ(table().owner_of(*first), nullptr);  // offered is not leased
}

TEST_F(LeaseTableTest, AStationGetsTheSameAddressInEveryRun) {
  config_.dhcp.last = ip(200);
  const auto first = table().offer(client(1), std::nullopt, now_);
  table_.reset();

  EXPECT_EQ(table().offer(client(1), std::nullopt, now_), first);
}

TEST_F(LeaseTableTest, PrefersTheAddressThatIsAskedFor) {
  EXPECT_EQ(table().offer(client(1), ip(11), now_), ip(11));
  EXPECT_NE(table().offer(client(2), ip(11), now_), ip(11));
}

// Numbered: what may never be handed out, however it is asked for.
TEST_F(LeaseTableTest, NeverGivesAwayWhatIsNoDynamicAddress) {
  config_.dhcp.first = {};
  config_.dhcp.last = {};
  config_.subnet = *Prefix::parse("10.0.0.0/29");
  config_.dhcp.static_leases = {{mac(9), ip(5), "printer"}};
  const IpAddress kRefused[] = {
      /* 1 */ ip(0),  // the network
      /* 2 */ ip(1),  // the gateway
      /* 3 */ ip(5),  // another's static lease
      /* 4 */ ip(7),  // broadcast
      /* 5 */ ip(8),  // outside
      /* 6 */ *IpAddress::parse("fd00::1"),
  };
  int number = 0;
  for (const IpAddress& address : kRefused) {
    SCOPED_TRACE(++number);
    EXPECT_NE(table().offer(client(1), address, now_), address);
    EXPECT_FALSE(table().confirm(client(1), address, {}, now_));
    EXPECT_FALSE(table().claim(mac(1), 0, address, now_));
  }
}

TEST_F(LeaseTableTest, StaticLeaseIsItsStationsAlone) {
  config_.dhcp.static_leases = {{mac(9), ip(77), "printer"}};

  EXPECT_EQ(lease(client(9)), ip(77));
  const auto other = lease(client(1), ip(77));
  EXPECT_EQ(other, table().find(client(1)));
  EXPECT_NE(other, ip(77));
}

TEST_F(LeaseTableTest, LeaseEndsAndIsReported) {
  const auto address = lease(client(1));
  EXPECT_EQ(counters_.leases.value(), 1);
  EXPECT_EQ(table().next_deadline(), now_ + 1h);

  table().on_deadline(now_ + 1h - 1ns);
  EXPECT_TRUE(table().take_ended().empty());
  table().on_deadline(now_ + 1h);

  EXPECT_EQ(table().take_ended(), (std::vector<LeaseTable::Ended>{{*address, mac(1), 0}}));
  EXPECT_EQ(table().owner_of(*address), nullptr);
  EXPECT_EQ(counters_.leases.value(), 0);
  EXPECT_EQ(table().next_deadline(), kNever);
}

TEST_F(LeaseTableTest, FormerAddressComesBackAsLongAsNobodyNeededIt) {
  const auto address = lease(client(1));
  now_ += 2h;
  table().on_deadline(now_);

  EXPECT_NE(lease(client(2)), address);
  EXPECT_NE(lease(client(3)), address);
  EXPECT_EQ(lease(client(1)), address);
}

TEST_F(LeaseTableTest, ExhaustedPoolTakesWhatExpiredFirst) {
  const auto oldest = lease(client(1));
  now_ += 10s;
  lease(client(2));
  lease(client(3));
  EXPECT_FALSE(lease(client(4)));
  EXPECT_EQ(counters_.dhcp_pool_exhausted.value(), 1u);
  now_ += 2h;

  EXPECT_EQ(lease(client(4)), oldest);
}

// A browser page that is loaded again comes with a new MAC; a day of that must not use the pool up.
TEST_F(LeaseTableTest, ExhaustedPoolTakesTheLeaseOfTheStationGoneLongest) {
  lease(client(1));
  const auto second = lease(client(2));
  const auto third = lease(client(3));
  table().station_gone(mac(2), 0, now_ + 1s);
  table().station_gone(mac(3), 0, now_ + 2s);
  table().take_ended();

  EXPECT_EQ(lease(client(4)), second);
  EXPECT_EQ(table().take_ended(), (std::vector<LeaseTable::Ended>{{*second, mac(2), 0}}));
  table().station_seen(mac(3), 0);
  EXPECT_FALSE(lease(client(5)));
  EXPECT_NE(table().owner_of(*third), nullptr);
}

TEST_F(LeaseTableTest, UnansweredOffersAreForgotten) {
  for (std::uint8_t i = 1; i <= 3; ++i) EXPECT_TRUE(table().offer(client(i), std::nullopt, now_));
  EXPECT_FALSE(table().offer(client(4), std::nullopt, now_));

  now_ += config_.dhcp.offer_time;
  EXPECT_TRUE(table().offer(client(4), std::nullopt, now_));
  EXPECT_EQ(table().size(), 1u);
}

TEST_F(LeaseTableTest, DeclinedAddressRestsInQuarantine) {
  const auto bad = lease(client(1));
  EXPECT_TRUE(table().decline(client(1), *bad, now_));

  const auto next = lease(client(1), bad);
  EXPECT_NE(next, bad);
  EXPECT_FALSE(table().claim(mac(2), 0, *bad, now_));
  EXPECT_FALSE(table().confirm(client(2), *bad, {}, now_));
  now_ += config_.dhcp.decline_time;
  EXPECT_EQ(lease(client(2), bad), bad);
}

TEST_F(LeaseTableTest, NobodyDeclinesOrReleasesForAnother) {
  const auto address = lease(client(1));

  EXPECT_FALSE(table().decline(client(2), *address, now_));
  EXPECT_FALSE(table().release(client(2), *address, now_));
  EXPECT_FALSE(table().release(client(1, "another name"), *address, now_));
  EXPECT_EQ(*table().owner_of(*address), client(1));
}

TEST_F(LeaseTableTest, ReleasedAddressIsKeptInMind) {
  const auto address = lease(client(1));
  EXPECT_TRUE(table().release(client(1), *address, now_));

  EXPECT_EQ(table().owner_of(*address), nullptr);
  EXPECT_EQ(table().take_ended().size(), 1u);
  EXPECT_EQ(lease(client(1)), address);
}

TEST_F(LeaseTableTest, TheIdentifierOfAnotherStationGivesNothingAway) {
  const auto address = lease(client(1, "me"));

  EXPECT_NE(lease(client(2, "me")), address);
  EXPECT_FALSE(table().confirm(client(2, "me"), *address, {}, now_));
}

TEST_F(LeaseTableTest, AStationHoldsNoMoreThanItsShare) {
  config_.dhcp.leases_per_session = 2;
  const auto first = lease(client(1, "a"));
  const auto second = lease(client(1, "b"));
  const auto third = lease(client(1, "c"));

  EXPECT_EQ(table().size(), 2u);
  EXPECT_EQ(table().find(client(1, "a")), std::nullopt);  // its own oldest gave way
  EXPECT_EQ(table().find(client(1, "b")), second);
  EXPECT_TRUE(first && third);
  EXPECT_TRUE(lease(client(2)));
}

// Declining address after address must not put the pool into quarantine.
TEST_F(LeaseTableTest, QuarantineCountsToTheShareOfWhoDeclined) {
  config_.dhcp.leases_per_session = 2;
  for (int i = 0; i < 20; ++i) {
    const auto address = lease(client(1));
    ASSERT_TRUE(address);
    table().decline(client(1), *address, now_);
  }

  EXPECT_EQ(table().size(), 2u);
  EXPECT_TRUE(lease(client(2)));
}

TEST_F(LeaseTableTest, ClonesOfOneMachineHaveAddressesOfTheirOwn) {
  const auto one = lease({mac(1), 0, "id"});
  const auto two = lease({mac(1), 1, "id"});

  EXPECT_TRUE(one && two);
  EXPECT_NE(one, two);
  EXPECT_FALSE(table().claim(mac(1), 1, *one, now_));
  EXPECT_EQ(table().addresses_of(mac(1), 1), std::vector{*two});
}

TEST_F(LeaseTableTest, EndlessLeaseHasNoDeadline) {
  config_.dhcp.lease_time = std::chrono::seconds{0xffffffff};
  const auto address = lease(client(1));
  table().on_deadline(now_ + 24h * 365 * 100);

  EXPECT_EQ(table().next_deadline(), kNever);
  EXPECT_NE(table().owner_of(*address), nullptr);
  EXPECT_EQ(table().leases().front().expires, WallTime::max());
}

TEST_F(LeaseTableTest, RenewingMovesTheEnd) {
  const auto address = lease(client(1));
  now_ += 30min;
  EXPECT_TRUE(table().confirm(client(1), *address, "host", now_));

  EXPECT_EQ(table().next_deadline(), now_ + 1h);
  EXPECT_EQ(table().host_name_of(*address), "host");
}

TEST_F(LeaseTableTest, APoolOfASlash16IsServedInFull) {
  config_.subnet = *Prefix::parse("10.1.0.0/16");
  config_.gateway = IpAddress::v4(10, 1, 0, 1);
  config_.dhcp.first = {};
  config_.dhcp.last = {};
  std::set<IpAddress> seen;
  const auto station = [](std::uint32_t i) {
    return MacAddress{{2, 0, 0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}};
  };
  for (std::uint32_t i = 0; i < 65533; ++i) {
    const auto address = lease({station(i), 0, {}});
    ASSERT_TRUE(address) << i;
    ASSERT_TRUE(seen.insert(*address).second);
  }
  EXPECT_FALSE(lease({station(65533), 0, {}}));
}

// A naive model: who has which address, told by the answers and by what is reported as ended.
TEST_F(LeaseTableTest, AgreesWithANaiveModel) {
  constexpr unsigned kSeed = 2131;
  SCOPED_TRACE(kSeed);
  std::mt19937 random{kSeed};
  config_.dhcp.last = ip(16);
  config_.dhcp.leases_per_session = 2;
  config_.dhcp.static_leases = {{mac(3), ip(14), ""}};
  std::map<IpAddress, LeaseTable::Ended> model;
  const auto take_ended = [&] {
    for (const auto& ended : table().take_ended()) {
      const auto found = model.find(ended.address);
      ASSERT_TRUE(found != model.end() && found->second == ended);
      model.erase(found);
    }
  };

  for (int step = 0; step < 15000; ++step) {
    const LeaseClient who{mac(static_cast<std::uint8_t>(1 + random() % 6)),
                          static_cast<std::uint32_t>(random() % 2), random() % 2 == 0 ? "id" : ""};
    const IpAddress where = ip(static_cast<std::uint8_t>(8 + random() % 12));
    table().on_deadline(now_);
    take_ended();
    bool is_theirs = false;
    switch (random() % 8) {
      case 0:
      case 1:
        if (const auto offered = table().offer(who, where, now_)) {
          take_ended();
          ASSERT_EQ(table().offer(who, std::nullopt, now_), offered);
          is_theirs = random() % 2 == 0 && table().confirm(who, *offered, "h", now_);
          if (is_theirs) {
            take_ended();
            model[*offered] = {*offered, who.mac, who.clone};
          }
        }
        break;
      case 2:
        is_theirs = table().confirm(who, where, {}, now_);
        break;
      case 3:
        is_theirs = table().claim(who.mac, who.clone, where, now_);
        break;
      case 4:
        table().release(who, where, now_);
        break;
      case 5:
        table().decline(who, where, now_);
        break;
      case 6:
        random() % 2 == 0 ? table().station_gone(who.mac, who.clone, now_)
                          : table().station_seen(who.mac, who.clone);
        break;
      default:
        now_ += std::chrono::seconds{random() % 600};
        table().on_deadline(now_);
    }
    take_ended();
    if (is_theirs && !model.contains(where)) {
      if (const LeaseClient* owner = table().owner_of(where)) {
        ASSERT_EQ(owner->mac, who.mac);
        model[where] = {where, owner->mac, owner->clone};
      }
    }
    for (std::uint8_t last = 8; last < 20; ++last) {
      const LeaseClient* const owner = table().owner_of(ip(last));
      const auto found = model.find(ip(last));
      ASSERT_EQ(owner != nullptr, found != model.end()) << step << " " << int{last};
      ASSERT_TRUE(owner == nullptr || owner->mac == found->second.mac) << step;
    }
    ASSERT_EQ(counters_.leases.value(), static_cast<std::int64_t>(model.size()));
    for (std::uint8_t last = 1; last <= 6; ++last) {
      for (std::uint32_t clone = 0; clone < 2; ++clone) {
        ASSERT_LE(table().addresses_of(mac(last), clone).size(), 2u);
      }
    }
  }
}

}  // namespace
}  // namespace wgr::slirp::lan
