// Which station has a name. Guests choose what they say.
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

class SegmentNamesTest : public LanTest {
 protected:
  // What reports, DNS and forwards hear of the station.
  std::string name_of(const MacAddress& mac) {
    for (const Segment::StationStatus& status : segment().stations()) {
      if (status.mac == mac) return status.host_name;
    }
    return "no such station";
  }
  GuestId guest_of(const MacAddress& mac) {
    for (const Segment::StationStatus& status : segment().stations()) {
      if (status.mac == mac) return status.guest;
    }
    return {};
  }
};

TEST_F(SegmentNamesTest, HostNamesAreKnownWhateverTheirCase) {
  const SessionId session = attach();
  const IpAddress address = lease(session, kAnna, "Anna-PC");
  const GuestId guest = segment().station_named("anna-pc");
  EXPECT_TRUE(guest);
  EXPECT_EQ(segment().station_named("ANNA-PC"), guest);
  EXPECT_EQ(segment().address_of(guest), address);
  EXPECT_FALSE(segment().station_named("bert"));
  detach(session);
  advance(config_.detached_time);
  EXPECT_FALSE(segment().station_named("anna-pc"));
}

// Else the station that came first could take the clients of a forward to "web".
TEST_F(SegmentNamesTest, NameOfAnotherIsNotReportedWhoeverCameFirst) {
  const SessionId anna = station(kAnna, host(7));
  const SessionId bert = attach();
  lease(bert, kBert, "web");
  lease(anna, kAnna, "WEB");
  EXPECT_EQ(segment().station_named("web"), guest_of(kBert));
  EXPECT_EQ(name_of(kBert), "web");
  EXPECT_EQ(name_of(kAnna), "");
}

TEST_F(SegmentNamesTest, NameGoesToTheNextWhoSaidItWhenItsStationIsForgotten) {
  const SessionId bert = attach();
  lease(bert, kBert, "web");
  lease(attach(), kAnna, "web");
  detach(bert);
  EXPECT_EQ(name_of(kBert), "web") << "it may come back";
  advance(config_.detached_time);
  EXPECT_EQ(segment().station_named("web"), guest_of(kAnna));
  EXPECT_EQ(name_of(kAnna), "web");
}

TEST_F(SegmentNamesTest, NameGoesToTheNextWhoSaidItWhenItsStationSaysAnother) {
  const SessionId bert = attach();
  lease(bert, kBert, "web");
  lease(attach(), kAnna, "web");
  lease(bert, kBert, "mail");
  EXPECT_EQ(name_of(kBert), "mail");
  EXPECT_EQ(name_of(kAnna), "web");
}

TEST_F(SegmentNamesTest, NameOfAStaticLeaseIsForItsMacAlone) {
  config_.dhcp.static_leases = {{kBert, host(50), "web"}};
  lease(attach(), kAnna, "Web");
  EXPECT_FALSE(segment().station_named("web")) << "though the machine is not there";
  EXPECT_EQ(name_of(kAnna), "");
  lease(attach(), kBert, "something-else");
  EXPECT_EQ(segment().station_named("web"), guest_of(kBert));
  EXPECT_EQ(name_of(kBert), "web");
}

}  // namespace
}  // namespace wgr::slirp::lan::test
