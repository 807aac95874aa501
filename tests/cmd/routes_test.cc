#include "cmd/routes.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

constexpr GuestId kLaptop{0, 1};
constexpr GuestId kPhone{1, 2};

class RoutesTest : public testing::Test {
 protected:
  RoutesTest() {
    auto table = std::make_shared<wireguard::AllowedIps>();
    table->insert(*Prefix::parse("10.0.0.0/24"), kLaptop);
    table->insert(*Prefix::parse("10.0.0.7"), kPhone);
    table->insert(*Prefix::parse("0.0.0.0/0"), kPhone);
    table->insert(*Prefix::parse("fd00::7"), kPhone);
    allowed_ips_ = table;
  }
  GuestId guest_for(const Routes& routes, const char* address) {
    return routes.next_hop(kNoNetwork, *IpAddress::parse(address)).peer;
  }

  std::shared_ptr<const wireguard::AllowedIps> allowed_ips_;
};

TEST_F(RoutesTest, LongestPrefixNamesTheGuest) {
  const Routes routes{allowed_ips_, {.enabled = true, .exclude = {}}, {}};
  EXPECT_EQ(guest_for(routes, "10.0.0.8"), kLaptop);
  EXPECT_EQ(guest_for(routes, "10.0.0.7"), kPhone);
  EXPECT_EQ(guest_for(routes, "fd00::7"), kPhone);
  EXPECT_EQ(guest_for(routes, "fd00::8"), GuestId{});
}

TEST_F(RoutesTest, DefaultRouteOfAGuestIsNobodysWayOut) {
  const Routes routes{allowed_ips_, {.enabled = true, .exclude = {}}, {}};
  EXPECT_EQ(guest_for(routes, "192.0.2.1"), GuestId{});
}

TEST_F(RoutesTest, ExcludedDestinationsLeaveThroughTheStack) {
  const Routes routes{allowed_ips_, {.enabled = true, .exclude = {*Prefix::parse("10.0.0.0/29")}}, {}};
  EXPECT_EQ(guest_for(routes, "10.0.0.7"), GuestId{});
  EXPECT_EQ(guest_for(routes, "10.0.0.8"), kLaptop);
}

TEST_F(RoutesTest, RoutersOwnAddressIsNeverAGuests) {
  const Routes routes{allowed_ips_, {.enabled = true, .exclude = {}}, {IpAddress::v4(10, 0, 0, 1)}};
  EXPECT_EQ(guest_for(routes, "10.0.0.1"), GuestId{});
}

TEST_F(RoutesTest, WithoutOverlayGuestsDoNotReachEachOther) {
  const Routes routes{allowed_ips_, {.enabled = false, .exclude = {}}, {}};
  EXPECT_FALSE(routes.peers_reach_guests());
  EXPECT_EQ(guest_for(routes, "10.0.0.7"), GuestId{});
}

}  // namespace
}  // namespace wgr
