#include "core/mac_address.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

TEST(MacAddressTest, ReadsAndPrintsText) {
  const auto mac = MacAddress::parse("02:00:5E:10:00:ff");
  ASSERT_TRUE(mac.has_value());
  EXPECT_EQ(mac->to_string(), "02:00:5e:10:00:ff");
  EXPECT_TRUE(mac->is_unicast());
}

TEST(MacAddressTest, RefusesEverythingElse) {
  for (const char* text : {"", "02:00:5e:10:00", "02:00:5e:10:00:f", "02-00-5e-10-00-ff", "02:00:5e:10:00:fg",
                           "02:00:5e:10:00:ff:", "0200:5e:10:00:ff1"}) {
    EXPECT_FALSE(MacAddress::parse(text)) << text;
  }
}

TEST(MacAddressTest, TellsGroupsFromStations) {
  EXPECT_TRUE(MacAddress::broadcast().is_group());
  EXPECT_TRUE(MacAddress::parse("33:33:00:00:00:16")->is_group());
  EXPECT_FALSE(MacAddress{}.is_unicast());
}

}  // namespace
}  // namespace wgr
