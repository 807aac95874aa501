// Who gives way when the pool is empty.
#include "tests/slirp/lan/lease_fixture.h"

namespace wgr::slirp::lan {
namespace {

// Else a few stations could hold the whole pool, each under several names.
TEST_F(LeaseTableTest, EmptyPoolTakesASecondAddressOfAStationBeforeANewcomerGoesWithout) {
  config_.dhcp.last = ip(13);  // four addresses
  config_.dhcp.leases_per_session = 4;
  for (const char* const name : {"a", "b", "c"}) ASSERT_TRUE(lease(client(1, name)));
  const auto other = lease(client(2));
  ASSERT_TRUE(table().take_ended().empty());

  EXPECT_TRUE(lease(client(3)));
  EXPECT_TRUE(lease(client(4)));
  EXPECT_EQ(table().take_ended().size(), 2u);
  EXPECT_EQ(table().addresses_of(mac(1), 0).size(), 1u);
  EXPECT_TRUE(table().find(client(1, "c"))) << "the one it used last";
  EXPECT_EQ(table().find(client(2)), other);
  EXPECT_FALSE(lease(client(5))) << "nobody has more than one";
}

TEST_F(LeaseTableTest, EmptyPoolTakesOffersAndQuarantinedAddressesOfAStationFirst) {
  config_.dhcp.leases_per_session = 4;
  const auto used = lease(client(1, "a"));
  ASSERT_TRUE(lease(client(1, "b")));
  ASSERT_TRUE(table().offer(client(1, "c"), std::nullopt, now_));
  EXPECT_TRUE(lease(client(2)));
  EXPECT_EQ(table().addresses_of(mac(1), 0).size(), 2u);
  table().decline(client(1, "b"), *table().find(client(1, "b")), now_);
  EXPECT_TRUE(lease(client(3)));
  EXPECT_EQ(table().find(client(1, "a")), used);
}

TEST_F(LeaseTableTest, EmptyPoolLeavesStaticLeasesAlone) {
  config_.dhcp.static_leases = {{mac(1), ip(50), ""}};
  ASSERT_EQ(lease(client(1)), ip(50));
  ASSERT_TRUE(table().claim(mac(1), 0, ip(10), now_));
  ASSERT_TRUE(lease(client(2)));
  ASSERT_TRUE(lease(client(3)));
  ASSERT_TRUE(table().confirm(client(1), ip(50), {}, now_));
  EXPECT_EQ(lease(client(4)), ip(10));
  EXPECT_EQ(table().find(client(1)), ip(50));
}

}  // namespace
}  // namespace wgr::slirp::lan
