#include "wireguard/index_table.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"
#include "tests/wireguard/local_fixture.h"

namespace wgr::wireguard {
namespace {

using IndexTableTest = LocalFixture;

TEST_F(IndexTableTest, LowByteIsTheWorkerAndTheRestIsRandom) {
  IndexTable table{7};
  std::set<std::uint32_t> values;
  std::vector<LocalIndex> held;
  std::uint32_t ones = 0;
  for (int i = 0; i < 1000; ++i) {
    held.push_back(table.take(peer_));
    EXPECT_EQ(worker_of(held.back().value()), 7);
    ones |= held.back().value();
    values.insert(held.back().value());
  }
  EXPECT_EQ(values.size(), 1000u);
  EXPECT_EQ(ones >> 8, 0xffffffu);
  EXPECT_EQ(table.size(), 1000u);
}

TEST_F(IndexTableTest, IndexFreesItself) {
  IndexTable table{0};
  std::uint32_t value;
  {
    LocalIndex index = table.take(peer_);
    value = index.value();
    ASSERT_NE(table.find(value), nullptr);
    EXPECT_EQ(table.find(value)->peer, &peer_);
    EXPECT_EQ(table.find(value)->keypair, nullptr);
    const LocalIndex moved = std::move(index);
    EXPECT_FALSE(index);
    EXPECT_NE(table.find(value), nullptr);
  }
  EXPECT_EQ(table.find(value), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(IndexTableTest, AgreesWithAModelThroughGrowthAndErasure) {
  constexpr std::uint64_t kSeed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  Rng rng{kSeed};
  IndexTable table{3};
  std::vector<LocalIndex> held;
  std::vector<std::uint32_t> gone;
  for (int step = 0; step < 20'000; ++step) {
    if (held.empty() || rng.below(100) < (step < 10'000 ? 60u : 40u)) {
      held.push_back(table.take(rng.below(2) == 0 ? peer_ : other_));
    } else {
      const std::size_t at = rng.below(held.size());
      gone.push_back(held[at].value());
      std::swap(held[at], held.back());
      held.pop_back();
    }
    ASSERT_EQ(table.size(), held.size());
  }
  std::set<std::uint32_t> live;
  for (const LocalIndex& index : held) {
    live.insert(index.value());
    ASSERT_NE(table.find(index.value()), nullptr);
    EXPECT_EQ(table.find(index.value())->index, index.value());
  }
  for (const std::uint32_t value : gone) EXPECT_EQ(table.find(value) != nullptr, live.contains(value));
}

}  // namespace
}  // namespace wgr::wireguard
