// Stations that use an address without DHCP.
#include "tests/slirp/lan/lease_fixture.h"

namespace wgr::slirp::lan {
namespace {

TEST_F(LeaseTableTest, AStaticallyConfiguredStationClaimsItsAddress) {
  EXPECT_TRUE(table().claim(mac(1), 0, ip(50), now_));  // outside the pool
  EXPECT_TRUE(table().claim(mac(1), 0, ip(11), now_));  // and an alias inside
  EXPECT_FALSE(table().claim(mac(2), 0, ip(50), now_));

  EXPECT_EQ(table().addresses_of(mac(1), 0), (std::vector{ip(50), ip(11)}));
  for (std::uint8_t i = 2; i <= 3; ++i) EXPECT_NE(lease(client(i)), ip(11));
  EXPECT_FALSE(lease(client(4)));
}

TEST_F(LeaseTableTest, DhcpOfAStationKeepsTheAddressItUses) {
  EXPECT_TRUE(table().claim(mac(1), 0, ip(11), now_));

  EXPECT_EQ(lease(client(1, "id")), ip(11));
  EXPECT_EQ(*table().owner_of(ip(11)), client(1, "id"));
}

TEST_F(LeaseTableTest, AClaimOutlivesALeaseThatRanOut) {
  const auto address = lease(client(1));
  now_ += 2h;
  table().on_deadline(now_);
  EXPECT_EQ(table().take_ended().size(), 1u);

  EXPECT_TRUE(table().claim(mac(1), 0, *address, now_));
  EXPECT_TRUE(table().take_ended().empty());
  EXPECT_EQ(table().next_deadline(), now_ + 1h);
}

TEST_F(LeaseTableTest, AClaimTakesWhatIsOnlyRemembered) {
  const auto address = lease(client(1));
  EXPECT_TRUE(table().release(client(1), *address, now_));

  EXPECT_TRUE(table().claim(mac(2), 0, *address, now_));
  EXPECT_EQ(table().owner_of(*address)->mac, mac(2));
}

}  // namespace
}  // namespace wgr::slirp::lan
