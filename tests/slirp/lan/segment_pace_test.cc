// A small receive ring is not overrun, and a large one not held up.
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

class SegmentPaceTest : public LanTest {
 protected:
  void send_many(GuestId guest, int count) {
    clear();
    for (int i = 0; i < count; ++i) {
      segment().send(guest, slirp::test::udp_packet(kOutside, host(7), 1392), now_, out_);
    }
  }
};

// 400 frames at once: virtio takes them all.
TEST_F(SegmentPaceTest, VirtioGetsAllAtOnce) {
  const SessionId session = station(kAnna, host(7));
  send_many(guest_at(host(7)), 400);
  EXPECT_EQ(frames_to(session).size(), 400u);
  EXPECT_EQ(segment().counters().frames_paced.value(), 0u);
}

TEST_F(SegmentPaceTest, Ne2kGetsSixAndThenOnePerInterval) {
  const SessionId session = station(kAnna, host(7), Nic::kNe2k);
  advance(1s);
  send_many(guest_at(host(7)), 100);
  EXPECT_EQ(frames_to(session).size(), 6u);
  EXPECT_EQ(segment().counters().frames_paced.value(), 94u);
  advance(config_.pace.interval * 10);
  EXPECT_EQ(frames_to(session).size(), 10u);
  advance(1s);
  EXPECT_EQ(frames_to(session).size(), 84u);
  EXPECT_EQ(segment().counters().frames_sent.value(), 101u);
}

TEST_F(SegmentPaceTest, FramesOfTheStationReleaseMore) {
  const SessionId session = station(kAnna, host(7), Nic::kNe2k);
  advance(1s);
  send_many(guest_at(host(7)), 100);
  send(session, outgoing(kAnna, host(7), 2, Nic::kNe2k));
  EXPECT_EQ(frames_to(session).size(), 2u);
}

TEST_F(SegmentPaceTest, WaitingLineDropsItsOldest) {
  const SessionId session = station(kAnna, host(7), Nic::kNe2k);
  advance(1s);
  send_many(guest_at(host(7)), 1000);
  EXPECT_EQ(drops(DropReason::kPaceOverflow), 1000 - 6 - config_.pace.queue_frames);
  detach(session);
  EXPECT_EQ(drops(DropReason::kSessionGone), config_.pace.queue_frames);
  advance(1s);
  EXPECT_EQ(frame_count(), 0u);
}

// Before a short frame told what the NIC is.
TEST_F(SegmentPaceTest, UnknownNicCountsAsSmall) {
  const SessionId session = attach();
  const IpAddress address = lease(session, kAnna);
  advance(1s);
  send_many(guest_at(address), 100);
  EXPECT_EQ(frames_to(session).size(), 6u);
  send(session, arp_request(kAnna, address, kGateway));
  EXPECT_EQ(frames_to(session).size(), 95u) << "virtio after all: the rest and the answer";
}

TEST_F(SegmentPaceTest, SwitchedFramesArePacedToo) {
  config_.isolate = false;
  const SessionId anna = station(kAnna, host(7));
  const SessionId bert = station(kBert, host(8), Nic::kNe2k);
  advance(1s);
  std::size_t heard = 0;
  for (int i = 0; i < 100; ++i) {
    send(anna, udp_frame(kBert, kAnna, {host(7), 1}, {host(8), 1}, 1400));
    heard += frames_to(bert).size();
  }
  EXPECT_EQ(heard, 6u);
}

}  // namespace
}  // namespace wgr::slirp::lan::test
