#include "slirp/flow_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "slirp/remote_set.h"

namespace wgr::slirp {
namespace {

struct TestFlow : FlowBase {
  explicit TestFlow(int number) : value(number) {}
  int value;
};

class FlowTableTest : public testing::Test {
 protected:
  static FlowKey key(std::uint32_t n, Family family = Family::kV4) {
    const IpAddress ip = family == Family::kV4 ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2");
    return {GuestId{0, 1}, {ip, static_cast<std::uint16_t>(n)}, {ip, static_cast<std::uint16_t>(n >> 16)}};
  }

  Config config_;
  PacketPool pool_{1420, 16};
  Counters counters_;
  MemoryBudget memory_{1 << 20};
  GuestTable guests_{config_, pool_, counters_, memory_};
  Guest& guest_ = guests_.at(GuestId{0, 1});
  FlowHash hash_;
  FlowTable<TestFlow> table_{hash_, FlowKind::kUdp, &Guest::udp};
};

TEST_F(FlowTableTest, AgreesWithAMapThroughRandomInsertionsAndErasures) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  std::map<FlowKey, int> model;
  for (int step = 0; step < 100'000; ++step) {
    const FlowKey k = key(random() % 3000, random() % 2 == 0 ? Family::kV4 : Family::kV6);
    TestFlow* flow = table_.find(k);
    ASSERT_EQ(flow != nullptr, model.contains(k));
    if (flow == nullptr) {
      EXPECT_EQ(table_.insert(k, guest_, step).value, step);
      model[k] = step;
    } else {
      ASSERT_EQ(flow->value, model[k]);
      ASSERT_EQ(table_.at(flow->token), flow);
      if (random() % 2 == 0) {
        table_.erase(*flow);
        model.erase(k);
      } else {
        table_.touch(*flow);
      }
    }
    ASSERT_EQ(table_.size(), model.size());
    ASSERT_EQ(table_.count(guest_), model.size());
  }
  while (TestFlow* flow = table_.oldest(guest_)) table_.erase(*flow);
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(FlowTableTest, TokenOfAFlowThatIsGoneFindsNobodyEvenInTheSameSlot) {
  TestFlow& first = table_.insert(key(1), guest_, 1);
  const FlowToken token = first.token;
  table_.erase(first);
  TestFlow& second = table_.insert(key(2), guest_, 2);
  EXPECT_EQ(second.token.slot(), token.slot());
  EXPECT_EQ(table_.at(token), nullptr);
  EXPECT_EQ(table_.at(second.token), &second);
  table_.erase(second);
}

TEST_F(FlowTableTest, NextTokenIsWhatTheNextFlowGets) {
  for (int i = 0; i < 100; ++i) {
    const FlowToken token = table_.next_token();
    TestFlow& flow = table_.insert(key(static_cast<std::uint32_t>(i)), guest_, i);
    EXPECT_EQ(flow.token, token);
    if (i % 3 == 0) table_.erase(flow);
  }
}

TEST_F(FlowTableTest, FlowsStayInPlaceWhileTheTableGrows) {
  TestFlow* first = &table_.insert(key(0), guest_, 0);
  for (std::uint32_t n = 1; n < 5000; ++n) table_.insert(key(n), guest_, static_cast<int>(n));
  EXPECT_EQ(table_.find(key(0)), first);
  EXPECT_EQ(first->value, 0);
}

TEST_F(FlowTableTest, OldestIsTheOneNotTouchedForLongest) {
  TestFlow& a = table_.insert(key(1), guest_, 1);
  TestFlow& b = table_.insert(key(2), guest_, 2);
  table_.insert(key(3), guest_, 3);
  EXPECT_EQ(table_.oldest(guest_), &a);
  table_.touch(a);
  EXPECT_EQ(table_.oldest(guest_), &b);
  table_.erase(b);
  EXPECT_EQ(table_.oldest(guest_)->value, 3);
}

TEST_F(FlowTableTest, KeyedHashSpreadsSequentialKeys) {
  std::map<std::uint64_t, int> buckets;
  for (std::uint32_t n = 0; n < 1 << 14; ++n) ++buckets[hash_(key(n)) & 1023];
  int fullest = 0;
  for (const auto& [bucket, count] : buckets) fullest = std::max(fullest, count);
  EXPECT_LT(fullest, 64);  // 16 on average
}

TEST(RemoteSetTest, KeepsWhatIsTouchedAndForgetsTheRest) {
  FlowHash hash;
  RemoteSet set{hash, 64};
  const SocketAddress kept{IpAddress::v4(1, 1, 1, 1), 1};
  set.add(kept);
  for (std::uint32_t n = 0; n < 1000; ++n) {
    set.add({IpAddress::v4(0x08000000u + n), 53});
    EXPECT_TRUE(set.touch(kept));
  }
  EXPECT_TRUE(set.contains(kept));
  EXPECT_TRUE(set.contains_address(kept.ip));
  EXPECT_FALSE(set.contains({IpAddress::v4(1, 1, 1, 1), 2}));
  EXPECT_FALSE(set.contains_address(IpAddress::v4(0x08000000u)));
  EXPECT_TRUE(set.contains_address(IpAddress::v4(0x08000000u + 999)));
}

}  // namespace
}  // namespace wgr::slirp
