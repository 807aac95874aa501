// A station that is back on another session and says nothing is found by the gateway's question.
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

class SegmentRollCallTest : public LanTest {
 protected:
  // The addresses that the gateway asks for on this session.
  std::vector<IpAddress> asked(SessionId session) {
    std::vector<IpAddress> addresses;
    for (const Frame& frame : frames_to(session)) {
      if (frame.size() < wire::kEthernetHeaderSize + wire::kArpSize) continue;
      const auto message = wire::ArpMessage::parse(Bytes{frame}.subspan(wire::kEthernetHeaderSize));
      if (!message || message->operation != wire::ArpOperation::kRequest) continue;
      EXPECT_EQ(MacAddress::read(frame), MacAddress::broadcast());
      EXPECT_EQ(message->sender_mac, kGatewayMac);
      EXPECT_EQ(message->sender, kGateway);
      EXPECT_EQ(message->target_mac, MacAddress{}) << "who overhears it learns no MAC address to claim";
      addresses.push_back(message->target);
    }
    return addresses;
  }
  void miss(GuestId guest, const IpAddress& address) {
    send_down(guest, slirp::test::udp_packet(kOutside, address, 100));
  }
};

// In the middle of a download a guest has acknowledged all it got and is silent: v86 dials again, and the
// transfer would stand still for ever.
TEST_F(SegmentRollCallTest, ReceiverThatIsBackAndSilentIsFound) {
  const SessionId before = station(kAnna, host(7), Nic::kNe2k);
  const GuestId guest = guest_at(host(7));
  detach(before);
  const SessionId after = attach();
  EXPECT_EQ(frame_count(), 0u) << "nobody was missed";

  miss(guest, host(7));
  EXPECT_EQ(asked(after), std::vector<IpAddress>{host(7)});
  EXPECT_EQ(segment().counters().arp_questions.value(), 1u);
  send(after, arp_reply(kAnna, host(7), kGatewayMac, kGateway));
  miss(guest, host(7));
  EXPECT_EQ(frames_to(after).size(), 1u);
  EXPECT_TRUE(asked(after).empty());
  EXPECT_EQ(segment().counters().drops.value(DropReason::kSessionGone), 1u);
}

// v86 waits for 10 s after its last attempt; retransmissions are far apart by then.
TEST_F(SegmentRollCallTest, WhoWasMissedIsAskedForWhenASessionBegins) {
  const SessionId before = station(kAnna, host(7));
  const GuestId guest = guest_at(host(7));
  detach(before);
  miss(guest, host(7));
  advance(10s);
  const SessionId after = attach();
  EXPECT_EQ(asked(after), std::vector<IpAddress>{host(7)});
  send(after, arp_reply(kAnna, host(7), kGatewayMac, kGateway));
  EXPECT_TRUE(asked(attach()).empty()) << "it is back";
}

TEST_F(SegmentRollCallTest, OnlySilentSessionsAreAsked) {
  const SessionId before = station(kAnna, host(7));
  const GuestId guest = guest_at(host(7));
  const SessionId other = station(kBert, host(8));
  const SessionId ended = attach();
  detach(ended);
  const SessionId silent = attach();
  detach(before);
  miss(guest, host(7));
  EXPECT_TRUE(asked(other).empty());
  EXPECT_TRUE(asked(ended).empty());
  EXPECT_EQ(asked(silent), std::vector<IpAddress>{host(7)});
}

TEST_F(SegmentRollCallTest, QuestionsAreAtLeastASecondApart) {
  const SessionId before = station(kAnna, host(7));
  const GuestId guest = guest_at(host(7));
  detach(before);
  const SessionId after = attach();
  std::size_t questions = 0;
  for (int i = 0; i < 30; ++i) {
    miss(guest, host(7));
    questions += asked(after).size();
    advance(100ms);
  }
  EXPECT_EQ(questions, 3u);
}

// Who answers with another MAC address speaks for an address that is not its own.
TEST_F(SegmentRollCallTest, AnotherStationCannotAnswer) {
  const SessionId before = station(kAnna, host(7));
  const GuestId guest = guest_at(host(7));
  detach(before);
  const SessionId eve = attach();
  miss(guest, host(7));
  send(eve, arp_reply(kBert, host(7), kGatewayMac, kGateway));
  EXPECT_EQ(drops(DropReason::kArpInvalid), 1u);
  miss(guest, host(7));
  EXPECT_EQ(frame_count(), 0u);
}

// The latest sessions and the latest stations are the likely ones.
TEST_F(SegmentRollCallTest, QuestionsAreBounded) {
  constexpr std::uint8_t kStations = 80;
  std::vector<SessionId> sessions;
  for (std::uint8_t i = 0; i < kStations; ++i) {
    sessions.push_back(
        station(MacAddress{{0, 0x22, 0x15, 0, 1, i}}, host(static_cast<std::uint8_t>(i + 100))));
  }
  std::vector<GuestId> guests;
  for (std::uint8_t i = 0; i < kStations; ++i) {
    guests.push_back(guest_at(host(static_cast<std::uint8_t>(i + 100))));
    detach(sessions[i]);
    miss(guests.back(), host(static_cast<std::uint8_t>(i + 100)));
  }
  const std::vector<IpAddress> addresses = asked(attach());
  ASSERT_EQ(addresses.size(), config_.arp_per_second);
  EXPECT_EQ(addresses.front(), host(100 + kStations - 1));

  for (int i = 0; i < 100; ++i) attach();
  advance(1s);
  miss(guests.front(), host(100));
  EXPECT_EQ(frame_count(), 64u);
}

}  // namespace
}  // namespace wgr::slirp::lan::test
