// Who a frame is from: sessions, MAC addresses, guests.
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

using SegmentIdentityTest = LanTest;

TEST_F(SegmentIdentityTest, StationIsAGuestOfItsHome) {
  const SessionId session = station(kAnna, host(7));
  send(session, outgoing(kAnna, host(7)));
  const GuestId guest = sender();
  EXPECT_TRUE(GuestSerials::is_station(guest));
  EXPECT_EQ(guest.home(), 3);
  EXPECT_EQ(guest_at(host(7)), guest);
  const auto status = segment().stations();
  ASSERT_EQ(status.size(), 1u);
  EXPECT_EQ(status[0].mac, kAnna);
  EXPECT_EQ(status[0].session, session);
  EXPECT_EQ(status[0].addresses, std::vector<IpAddress>{host(7)});
}

// v86 comes back on a new session without DHCP or ARP: its next packet goes on.
TEST_F(SegmentIdentityTest, StationThatComesBackKeepsGuestAndAddress) {
  const SessionId before = attach();
  const IpAddress address = lease(before, kAnna);
  send(before, outgoing(kAnna, address));
  const GuestId guest = sender();
  detach(before);
  EXPECT_EQ(segment().counters().stations_attached.value(), 0);
  advance(10s);

  const SessionId after = attach();
  send(after, outgoing(kAnna, address));
  EXPECT_EQ(sender(), guest);
  send_down(guest, slirp::test::udp_packet(kOutside, address, 100));
  EXPECT_EQ(frames_to(after).size(), 1u);
  EXPECT_EQ(segment().counters().stations.value(), 1);
}

TEST_F(SegmentIdentityTest, DetachedStationIsForgottenInTime) {
  const SessionId session = station(kAnna, host(7));
  const GuestId guest = guest_at(host(7));
  detach(session);
  advance(config_.detached_time - 1ns);
  EXPECT_TRUE(out_.gone.empty());
  send_down(guest, slirp::test::udp_packet(kOutside, host(7), 100));
  EXPECT_EQ(drops(DropReason::kSessionGone), 1u);
  advance(1ns);
  EXPECT_EQ(out_.gone, std::vector<GuestId>{guest});
  EXPECT_EQ(guest_at(host(7)), GuestId{});
  send_down(guest, slirp::test::udp_packet(kOutside, host(7), 100));
  EXPECT_EQ(drops(DropReason::kStationUnknown), 1u);
}

TEST_F(SegmentIdentityTest, SilentSessionIsTakenOver) {
  const SessionId before = station(kAnna, host(7));
  const GuestId guest = guest_at(host(7));
  advance(config_.silence_for_takeover);
  const SessionId after = attach();
  send(after, outgoing(kAnna, host(7)));
  EXPECT_EQ(sender(), guest);
  ASSERT_EQ(out_.closings.size(), 1u);
  EXPECT_EQ(out_.closings[0].session, before);
  EXPECT_EQ(out_.closings[0].code, 4001);
  EXPECT_EQ(out_.closings[0].reason, "taken over");
  send(before, outgoing(kAnna, host(7)));
  EXPECT_EQ(drops(DropReason::kSessionGone), 1u);
  EXPECT_EQ(segment().counters().stations_taken_over.value(), 1u);
}

// Tabs restored from one state image are several machines with one MAC and one address.
TEST_F(SegmentIdentityTest, LiveTwinOnAnIsolatedNetworkIsACloneWithTheAddressOfItsImage) {
  const SessionId first = attach();
  const IpAddress address = lease(first, kAnna);
  send(first, outgoing(kAnna, address));
  const GuestId guest = sender();
  const SessionId second = attach();
  send(second, outgoing(kAnna, address));
  const GuestId clone = sender();
  EXPECT_TRUE(clone);
  EXPECT_NE(clone, guest);
  EXPECT_TRUE(out_.closings.empty());
  EXPECT_EQ(guest_at(address), guest) << "who had it first";
  EXPECT_EQ(segment().address_of(clone), address);

  send_down(clone, slirp::test::udp_packet(kOutside, address, 100));
  EXPECT_EQ(frames_to(second).size(), 1u);
  EXPECT_TRUE(frames_to(first).empty());
  EXPECT_NE(lease(second, kAnna), address) << "DHCP gives it one of its own";
}

TEST_F(SegmentIdentityTest, HeardSessionIsNotTakenOver) {
  const SessionId first = station(kAnna, host(7));
  const GuestId guest = guest_at(host(7));
  for (int i = 0; i < 10; ++i) {
    advance(30s);
    segment().heard(first, now_);  // a pong
  }
  const SessionId second = attach();
  send(second, outgoing(kAnna, host(7)));
  EXPECT_NE(sender(), guest);
  EXPECT_TRUE(out_.closings.empty());
}

TEST_F(SegmentIdentityTest, CloneThatComesBackIsTheSameClone) {
  station(kAnna, host(7));
  const SessionId second = attach();
  send(second, outgoing(kAnna, host(7)));
  const GuestId clone = sender();
  detach(second);
  const SessionId third = attach();
  send(third, outgoing(kAnna, host(7)));
  EXPECT_EQ(sender(), clone);
}

TEST_F(SegmentIdentityTest, CloneKeepsTheAddressWhenItsImageIsForgotten) {
  const SessionId first = station(kAnna, host(7));
  const SessionId second = attach();
  send(second, outgoing(kAnna, host(7)));
  const GuestId clone = sender();
  detach(first);
  advance(config_.detached_time);
  send(second, outgoing(kAnna, host(7)));
  EXPECT_EQ(sender(), clone);
  EXPECT_EQ(guest_at(host(7)), clone);
}

// On a switch there is one owner of a MAC, and it is who came first.
TEST_F(SegmentIdentityTest, LiveTwinOnASwitchIsRefused) {
  config_.isolate = false;
  const SessionId first = station(kAnna, host(7));
  const SessionId second = attach();
  send(second, outgoing(kAnna, host(7)));
  EXPECT_FALSE(sender());
  EXPECT_EQ(drops(DropReason::kMacSpoofed), 1u);
  send(first, outgoing(kAnna, host(7)));
  EXPECT_TRUE(sender());
  // Once the first is silent for long, the second is the machine.
  advance(config_.silence_for_takeover);
  send(second, outgoing(kAnna, host(7)));
  EXPECT_TRUE(sender());
  EXPECT_EQ(out_.closings.size(), 1u);
}

TEST_F(SegmentIdentityTest, SessionHasOneMacUnlessABridgeIsAllowed) {
  const SessionId session = station(kAnna, host(7));
  send(session, outgoing(kBert, host(8)));
  EXPECT_EQ(drops(DropReason::kStationLimit), 1u);
  EXPECT_EQ(segment().stations().size(), 1u);
}

TEST_F(SegmentIdentityTest, BridgeBringsSeveralStations) {
  config_.macs_per_session = 2;
  const SessionId session = station(kAnna, host(7));
  send(session, outgoing(kBert, host(8)));
  EXPECT_TRUE(sender());
  send(session, outgoing(kCleo, host(9)));
  EXPECT_EQ(drops(DropReason::kStationLimit), 1u);
}

// A guest may give its NIC another address; the one it had falls silent.
TEST_F(SegmentIdentityTest, MachineMayChangeItsMac) {
  const SessionId session = station(kAnna, host(7));
  advance(config_.silence_for_takeover);
  send(session, outgoing(kBert, host(8)));
  EXPECT_TRUE(sender());
  EXPECT_EQ(segment().counters().stations_attached.value(), 1);
}

TEST_F(SegmentIdentityTest, FullNetworkForgetsTheLongestDetachedFirst) {
  config_.max_stations = 2;
  const SessionId a = station(kAnna, host(7));
  const GuestId anna = guest_at(host(7));
  const SessionId b = station(kBert, host(8));
  const SessionId c = attach();
  send(c, outgoing(kCleo, host(9)));
  EXPECT_EQ(drops(DropReason::kStationLimit), 1u);
  detach(a);
  advance(1s);
  detach(b);
  send(c, outgoing(kCleo, host(9)));
  EXPECT_TRUE(sender());
  EXPECT_EQ(out_.gone, std::vector<GuestId>{anna});
  EXPECT_EQ(segment().stations().size(), 2u);
}

TEST_F(SegmentIdentityTest, FramesFromGroupsNobodyAndTheGatewayAreRefused) {
  const SessionId session = attach();
  for (const MacAddress& mac :
       {MacAddress::broadcast(), MacAddress{}, *MacAddress::parse("33:33:00:00:00:01"), kGatewayMac}) {
    send(session, outgoing(mac, host(7)));
    EXPECT_FALSE(sender()) << mac.to_string();
  }
  EXPECT_EQ(drops(DropReason::kMacSpoofed), 4u);
  EXPECT_TRUE(segment().stations().empty());
}

TEST_F(SegmentIdentityTest, SessionThatIsNotAttachedIsNobody) {
  send(SessionId{0, 99}, outgoing(kAnna, host(7)));
  EXPECT_EQ(drops(DropReason::kSessionGone), 1u);
}

}  // namespace
}  // namespace wgr::slirp::lan::test
