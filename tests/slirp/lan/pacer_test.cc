#include "slirp/lan/pacer.h"

#include <vector>

#include "gtest/gtest.h"

#include "core/wire/ethernet.h"

namespace wgr::slirp::lan {
namespace {

using namespace std::chrono_literals;
using wire::EtherType;
using Memory = std::vector<std::uint8_t>;

constexpr std::size_t kFull = 1514;
constexpr std::size_t kShort = 54;

Memory frame(std::size_t size, EtherType type, std::uint16_t told = 0) {
  Memory bytes(size);
  wire::write_ethernet(bytes, MacAddress::broadcast(), *MacAddress::parse("00:22:15:00:00:01"), type);
  if (size >= 18) store_be(&bytes[16], told);
  return bytes;
}

TEST(ReceiveRingTest, PaddingTellsTheNic) {
  struct Case {
    const char* what;
    Memory bytes;
    std::optional<ReceiveRing> told;
  };
  const Case cases[] = {
      {"ARP of 42 bytes: virtio", frame(42, EtherType::kArp), ReceiveRing::kLarge},
      {"a header alone", frame(14, EtherType::kIpv4), ReceiveRing::kLarge},
      {"last piece of a datagram, 38 bytes", frame(38, EtherType::kIpv4, 24), ReceiveRing::kLarge},
      {"ARP padded to 60: ne2k", frame(60, EtherType::kArp), ReceiveRing::kSmall},
      {"ARP padded to 64: ethoc", frame(64, EtherType::kArp), ReceiveRing::kSmall},
      {"acknowledgement padded to 60", frame(60, EtherType::kIpv4, 40), ReceiveRing::kSmall},
      {"packet that fills 60", frame(60, EtherType::kIpv4, 46), std::nullopt},
      {"IPv6 of 60", frame(60, EtherType::kIpv6, 6), std::nullopt},
      {"ARP of 65", frame(65, EtherType::kArp), std::nullopt},
      {"DHCP", frame(342, EtherType::kIpv4, 328), std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(ring_told_by(c.bytes), c.told) << c.what;
}

class PacerTest : public testing::Test {
 protected:
  // Full frames that pass at once from now on.
  int pass_all(std::size_t size = kFull) {
    int count = 0;
    while (count < 1000 && pacer_.try_pass(size, now_)) ++count;
    return count;
  }
  void wait(std::uint8_t mark) {
    const Pacer::Room room = pacer_.wait(kFull);
    ASSERT_FALSE(room.bytes.empty());
    room.bytes[0] = mark;
  }
  std::vector<int> take_all() {
    std::vector<int> marks;
    while (const auto due = pacer_.take_due(now_)) {
      marks.push_back((*due)[0]);
      pacer_.pop();
    }
    return marks;
  }

  Instant now_{1h};
  PaceConfig config_;
  FrameStore store_{1 << 20};
  Pacer pacer_{config_, store_};
};

// The ring of an ne2k holds 8 full frames.
TEST_F(PacerTest, UnknownRingGetsBurstThenOnePerInterval) {
  EXPECT_EQ(pass_all(), 6);
  now_ += config_.interval - 1us;
  EXPECT_EQ(pass_all(), 0);
  now_ += 1us;
  EXPECT_EQ(pass_all(), 1);
  now_ += 10s;
  EXPECT_EQ(pass_all(), 6);
}

// A small frame takes one page of the six of a full one: acknowledgements are hardly held up.
TEST_F(PacerTest, SmallFramesTakeLessOfTheRing) { EXPECT_EQ(pass_all(kShort), 36); }

TEST_F(PacerTest, LargeRingIsNotPaced) {
  pacer_.heard(frame(42, EtherType::kArp), now_);
  EXPECT_FALSE(pacer_.is_pacing());
  EXPECT_EQ(pass_all(), 1000);
}

// A guest that answers has taken what was in its ring: downloads run at its own speed.
TEST_F(PacerTest, FramesOfTheStationLetTwoMorePass) {
  EXPECT_EQ(pass_all(), 6);
  pacer_.heard(frame(60, EtherType::kIpv4, 40), now_);
  EXPECT_EQ(pass_all(), 2);
  for (int i = 0; i < 100; ++i) pacer_.heard(frame(60, EtherType::kIpv4, 40), now_);
  EXPECT_EQ(pass_all(), 6);
}

// 70 Mbit/s where the guest acknowledges every second segment, 12 Mbit/s where it says nothing.
TEST_F(PacerTest, RateFollowsTheGuest) {
  int sent = 0;
  for (int i = 0; i < 1000; ++i, now_ += 1ms) {
    sent += pass_all();
    for (int acknowledgement = 0; acknowledgement < 3; ++acknowledgement) {
      pacer_.heard(frame(60, EtherType::kIpv4, 40), now_);
    }
  }
  EXPECT_NEAR(sent, 6000, 10);
  sent = 0;
  for (int i = 0; i < 1000; ++i, now_ += 1ms) sent += pass_all();
  EXPECT_NEAR(sent, 250, 10);
}

TEST_F(PacerTest, WaitingFramesLeaveInOrderAndOnTime) {
  EXPECT_EQ(pass_all(), 6);
  EXPECT_EQ(pacer_.next_deadline(), kNever);
  for (std::uint8_t mark = 1; mark <= 3; ++mark) wait(mark);
  EXPECT_EQ(take_all(), std::vector<int>{});
  EXPECT_EQ(pacer_.next_deadline(), now_ + config_.interval);
  now_ = pacer_.next_deadline();
  EXPECT_EQ(take_all(), std::vector<int>{1});
  EXPECT_FALSE(pacer_.try_pass(kShort, now_ + 100us)) << "nobody overtakes";
  now_ += 2 * config_.interval;
  EXPECT_EQ(take_all(), (std::vector<int>{2, 3}));
  EXPECT_EQ(pacer_.next_deadline(), kNever);
  EXPECT_EQ(store_.bytes_held(), 0u);
}

TEST_F(PacerTest, OldestGivesWayAtTheBound) {
  config_.queue_frames = 2;
  for (std::uint8_t mark = 1; mark <= 3; ++mark) {
    const Pacer::Room room = pacer_.wait(kFull);
    EXPECT_EQ(room.dropped_oldest, mark == 3);
    room.bytes[0] = mark;
  }
  EXPECT_EQ(take_all(), (std::vector<int>{2, 3}));
}

TEST_F(PacerTest, WhatWaitsLeavesWhenTheRingProvesLarge) {
  EXPECT_EQ(pass_all(), 6);
  for (std::uint8_t mark = 1; mark <= 100; ++mark) wait(mark);
  pacer_.heard(frame(42, EtherType::kArp), now_);
  EXPECT_LE(pacer_.next_deadline(), now_);
  EXPECT_EQ(take_all().size(), 100u);
}

TEST_F(PacerTest, FrameLargerThanTheBurstLeavesAlone) {
  EXPECT_EQ(pass_all(65553), 1);
  now_ += 6 * config_.interval;
  EXPECT_EQ(pass_all(65553), 1);
}

TEST_F(PacerTest, AllWaitingFramesOfALanAreBounded) {
  FrameStore store(3000);
  Pacer a(config_, store);
  Pacer b(config_, store);
  EXPECT_FALSE(a.wait(kFull).bytes.empty());
  EXPECT_TRUE(b.wait(kFull).bytes.empty());
  EXPECT_EQ(a.clear(), 1u);
  EXPECT_FALSE(b.wait(kFull).bytes.empty());
}

}  // namespace
}  // namespace wgr::slirp::lan
