// Whose a machine is that comes back: its MAC, which all machines of one state image have, proves nothing.
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

const SessionOwner kAtHome{kHome, {}};
const SessionOwner kStranger{kElsewhere, {}};

class SegmentOwnerTest : public LanTest {
 protected:
  // A session of that owner on which Anna's machine, or one of the same image, sends from the address.
  GuestId come(const SessionOwner& owner) {
    session_ = attach(owner);
    send(session_, outgoing(kAnna, host(7)));
    return sender();
  }
  GuestId come_and_leave(const SessionOwner& owner) {
    const GuestId guest = come(owner);
    detach(session_);
    return guest;
  }

  SessionId session_;  // the last
};

TEST_F(SegmentOwnerTest, StrangerDoesNotGetTheFlowsOfAMachineThatLeft) {
  const GuestId anna = come_and_leave(kAtHome);
  const GuestId other = come(kStranger);
  EXPECT_TRUE(other) << "it may use the address of its image";
  EXPECT_NE(other, anna);
  send_down(anna, slirp::test::udp_packet(kOutside, host(7), 100));
  EXPECT_EQ(frame_count(), 0u);
  EXPECT_EQ(guest_at(host(7)), anna) << "who comes new to the address is for Anna";
  EXPECT_EQ(come(kAtHome), anna) << "the stranger keeps nobody out";
}

TEST_F(SegmentOwnerTest, StrangerDoesNotTakeOverASilentSession) {
  const GuestId anna = come(kAtHome);
  advance(config_.silence_for_takeover);
  EXPECT_NE(come(kStranger), anna);
  EXPECT_TRUE(out_.closings.empty());
}

// Numbered: who left, who comes, whether that one goes on.
TEST_F(SegmentOwnerTest, TokenDecidesAndWithoutOneTheSource) {
  const IpAddress v6 = *IpAddress::parse("2001:db8:1:2::3");
  const IpAddress neighbor = *IpAddress::parse("2001:db8:1:2:ffff::4");
  const IpAddress other_v6 = *IpAddress::parse("2001:db8:1:3::3");
  struct Case {
    int number;
    SessionOwner left;
    SessionOwner comes;
    bool goes_on;
  };
  const Case cases[] = {
      {1, {kHome, "mine"}, {kElsewhere, "mine"}, true},
      {2, {kHome, "mine"}, {kHome, "yours"}, false},
      {3, {kHome, "mine"}, {kHome, {}}, false},
      {4, {kHome, {}}, {kHome, "mine"}, false},
      {5, {v6, {}}, {neighbor, {}}, true},
      {6, {v6, {}}, {other_v6, {}}, false},
      {7, {kHome, {}}, {v6, {}}, false},
  };
  for (const Case& c : cases) {
    const GuestId former = come_and_leave(c.left);
    EXPECT_EQ(come_and_leave(c.comes) == former, c.goes_on) << c.number;
    advance(config_.detached_time);
    ASSERT_TRUE(segment().stations().empty());
  }
}

TEST_F(SegmentOwnerTest, OfOneTokenTheMachineFromTheSameSourceComesBack) {
  const GuestId first = come({kHome, "class"});
  const SessionId first_session = session_;
  const GuestId second = come({kElsewhere, "class"});
  ASSERT_NE(first, second);
  detach(session_);
  detach(first_session);
  EXPECT_EQ(come({kElsewhere, "class"}), second);
  EXPECT_EQ(come({kHome, "class"}), first);
}

// A laptop that changes its network, without a token.
TEST_F(SegmentOwnerTest, MachineFromElsewhereRecoversWithTheAddressItHas) {
  const SessionId before = attach(kAtHome);
  const IpAddress address = lease(before, kAnna);
  send(before, outgoing(kAnna, address));
  const GuestId former = sender();
  detach(before);

  const SessionId after = attach(kStranger);
  send(after, arp_request(kAnna, address, kGateway));
  EXPECT_EQ(frames_to(after).size(), 1u);
  send(after, outgoing(kAnna, address));
  const GuestId guest = sender();
  ASSERT_TRUE(guest);
  ASSERT_NE(guest, former);
  send_down(guest, slirp::test::udp_packet(kOutside, address, 100));
  EXPECT_EQ(frames_to(after).size(), 1u);

  advance(config_.detached_time);
  EXPECT_EQ(out_.gone, std::vector<GuestId>{former}) << "its flows end";
  EXPECT_EQ(guest_at(address), guest);
  send(after, outgoing(kAnna, address));
  EXPECT_EQ(sender(), guest);
}

TEST_F(SegmentOwnerTest, MachineFromElsewhereIsAnsweredByDhcp) {
  const SessionId before = attach(kAtHome);
  const IpAddress address = lease(before, kAnna);
  detach(before);
  const SessionId after = attach(kStranger);
  const IpAddress given = lease(after, kAnna);
  EXPECT_TRUE(config_.subnet.contains(given));
  send(after, outgoing(kAnna, given));
  EXPECT_TRUE(sender());
  EXPECT_NE(given, address) << "which is another's until that one is forgotten";
}

// A MAC is somewhere once: the machine moves, its flows end.
TEST_F(SegmentOwnerTest, OnASwitchAStrangerComesInThePlaceOfAMachineThatLeft) {
  config_.isolate = false;
  const GuestId anna = come_and_leave(kAtHome);
  const GuestId other = come(kStranger);
  EXPECT_TRUE(other);
  EXPECT_NE(other, anna);
  EXPECT_EQ(out_.gone, std::vector<GuestId>{anna});
  EXPECT_EQ(guest_at(host(7)), other) << "the lease goes with the MAC";
  EXPECT_EQ(segment().stations().size(), 1u);
}

TEST_F(SegmentOwnerTest, OnASwitchAStrangerComesInThePlaceOfASilentMachine) {
  config_.isolate = false;
  const GuestId anna = come(kAtHome);
  const SessionId silent = session_;
  advance(config_.silence_for_takeover - 1ns);
  EXPECT_FALSE(come(kStranger));
  advance(1ns);
  const GuestId other = come(kStranger);
  EXPECT_NE(other, anna);
  EXPECT_EQ(out_.gone, std::vector<GuestId>{anna});
  ASSERT_EQ(out_.closings.size(), 1u);
  EXPECT_EQ(out_.closings[0].session, silent);
}

}  // namespace
}  // namespace wgr::slirp::lan::test
