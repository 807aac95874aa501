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

// Numbered: what happens, and what reports have to hear of.
TEST_F(SegmentNamesTest, EveryChangeOfAStationIsToldOnce) {
  const IpAddress v6 = *IpAddress::parse("fd00::7");
  const SessionId session = station(kAnna, host(7));
  EXPECT_TRUE(segment().take_changed()) << "1: it came";
  send(session, outgoing(kAnna, host(7)));
  EXPECT_FALSE(segment().take_changed()) << "2: it is as it was";
  send(session, outgoing(kAnna, v6));
  EXPECT_TRUE(segment().take_changed()) << "3: an address of its own making";
  send(session, outgoing(kAnna, v6));
  EXPECT_FALSE(segment().take_changed()) << "4: the same";
  detach(session);
  EXPECT_TRUE(segment().take_changed()) << "5: its session ended";
  send(attach(), outgoing(kAnna, v6));
  EXPECT_TRUE(segment().take_changed()) << "6: it is back";
}

TEST_F(SegmentNamesTest, ForgottenStationIsToldWithoutAChangeOfLeases) {
  const SessionId session = station(kAnna, host(7));
  detach(session);
  EXPECT_TRUE(segment().take_changed());
  advance(config_.detached_time);
  EXPECT_TRUE(segment().take_changed());
  EXPECT_TRUE(segment().stations().empty());
}

}  // namespace
}  // namespace wgr::slirp::lan::test
