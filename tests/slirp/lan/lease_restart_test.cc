// What a table that is made from saved leases knows.
#include "tests/slirp/lan/lease_fixture.h"

namespace wgr::slirp::lan {
namespace {

TEST_F(LeaseTableTest, LeasesSurviveARestart) {
  const auto one = lease(client(1, "id"));
  table().confirm(client(1, "id"), *one, "host", now_);
  const auto two = lease(client(2));
  table().release(client(2), *two, now_);
  saved_ = table().leases();
  ASSERT_EQ(saved_.size(), 2u);
  table_.reset();
  wall_ += 10min;
  now_ = Instant{5s};

  EXPECT_EQ(table().find(client(1, "id")), one);
  EXPECT_EQ(table().host_name_of(*one), "host");
  EXPECT_EQ(table().next_deadline(), now_ + 50min);
  EXPECT_EQ(table().owner_of(*two), nullptr);
  EXPECT_EQ(lease(client(2)), two);
  EXPECT_TRUE(table().take_changed());
  EXPECT_FALSE(table().take_changed());
}

// Two tabs from one state image: the same MAC twice, and who is who is known when they speak.
TEST_F(LeaseTableTest, ClonesFindTheirAddressesAfterARestart) {
  saved_ = {{ip(10), mac(1), "id", "", wall_ + 1h}, {ip(11), mac(1), "id", "", wall_ + 1h}};

  EXPECT_TRUE(table().claim(mac(1), 7, ip(11), now_));
  EXPECT_FALSE(table().claim(mac(1), 8, ip(11), now_));
  EXPECT_TRUE(table().claim(mac(1), 8, ip(10), now_));
  EXPECT_EQ(table().find({mac(1), 7, "id"}), ip(11));
}

TEST_F(LeaseTableTest, ARequestFindsTheAddressThatTheLeaseFileKept) {
  saved_ = {{ip(10), mac(1), "id", "", wall_ + 1h}, {ip(11), mac(1), "id", "", wall_ + 1h}};

  EXPECT_TRUE(table().confirm({mac(1), 3, "id"}, ip(11), {}, now_));
  EXPECT_EQ(table().offer({mac(1), 4, "id"}, ip(10), now_), ip(10));
}

TEST_F(LeaseTableTest, WhatDoesNotFitTheConfigurationIsLeftOut) {
  config_.dhcp.static_leases = {{mac(9), ip(12), ""}};
  saved_ = {
      {ip(1), mac(1), "", "", wall_ + 1h},                         // the gateway
      {IpAddress::v4(10, 0, 1, 5), mac(2), "", "", wall_ + 1h},    // another subnet
      {ip(12), mac(3), "", "", wall_ + 1h},                        // another's static lease
      {ip(10), MacAddress::broadcast(), "", "", wall_ + 1h},       // nobody
      {*IpAddress::parse("fd00::1"), mac(4), "", "", wall_ + 1h},  // another family
      {ip(11), mac(5), "", "", wall_ + 1h},
      {ip(11), mac(6), "", "", wall_ + 1h},  // one address twice
  };

  EXPECT_EQ(table().size(), 1u);
  EXPECT_EQ(table().owner_of(ip(11))->mac, mac(5));
}

}  // namespace
}  // namespace wgr::slirp::lan
