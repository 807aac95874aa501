// No allocation per frame in the steady state, paced frames included.
#include "tests/slirp/allocation_counter.h"
#include "tests/slirp/lan/lan_world.h"

namespace wgr::slirp::lan::test {
namespace {

using slirp::test::allocations;

class SegmentAllocationTest : public LanTest {
 protected:
  // Frames up and down, and between stations of a switch, as one turn of a worker.
  void turn(SessionId anna, GuestId guest) {
    clear();
    for (int i = 0; i < 20; ++i) {
      segment().receive(anna, up_, now_, out_);
      segment().receive(anna, across_, now_, out_);
      segment().send(guest, down_, now_, out_);
    }
    now_ += 5ms;
    segment().on_deadline(now_, out_);
  }

  Frame up_ = outgoing(kAnna, host(7), 1400);
  Frame across_ = udp_frame(kBert, kAnna, {host(7), 1}, {host(8), 1}, 1400);
  Packet down_ = slirp::test::udp_packet(kOutside, host(7), 1300);
};

TEST_F(SegmentAllocationTest, FramesAllocateNothing) {
  config_.isolate = false;
  for (const Nic nic : {Nic::kVirtio, Nic::kNe2k}) {
    const SessionId anna = station(kAnna, host(7), nic);
    const SessionId bert = station(kBert, host(8), nic);
    const GuestId guest = guest_at(host(7));
    for (int i = 0; i < 200; ++i) turn(anna, guest);
    const std::size_t before = allocations();
    for (int i = 0; i < 200; ++i) turn(anna, guest);
    EXPECT_EQ(allocations() - before, 0u);
    detach(anna);
    detach(bert);
  }
  EXPECT_GT(segment().counters().frames_paced.value(), 1000u);
}

}  // namespace
}  // namespace wgr::slirp::lan::test
