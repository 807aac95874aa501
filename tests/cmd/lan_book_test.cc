#include "cmd/lan_book.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/wire/ethernet.h"

namespace wgr {
namespace {

using testing::ElementsAre;

TEST(LanBookTest, GatewaysAreAllAddressesThatStationsMayCallTheRouterBy) {
  LanConfig config;
  LanEntry& entry = config.networks.emplace_back();
  entry.network.name = "lab";
  entry.network.gateway = IpAddress::v4(192, 168, 87, 1);
  entry.network.gateway_mac = *MacAddress::parse("02:86:00:00:00:01");
  const IpAddress link_local = wire::link_local_of(entry.network.gateway_mac);
  EXPECT_THAT(LanBook(config, "").gateways(), ElementsAre(entry.network.gateway, link_local));
  entry.network.ipv6.prefix = *Prefix::parse("fd86:0:0:1::/64");
  EXPECT_THAT(LanBook(config, "").gateways(),
              ElementsAre(entry.network.gateway, *IpAddress::parse("fd86:0:0:1::1"), link_local));
}

}  // namespace
}  // namespace wgr
