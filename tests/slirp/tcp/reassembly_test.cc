#include "slirp/tcp/reassembly.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::slirp::tcp {
namespace {

TEST(ReassemblyQueueTest, AgreesWithASetOfBytes) {
  const std::uint64_t seed = 11;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  const Config config;
  PacketPool pool{100, 4096};
  Counters counters;
  MemoryBudget memory{1 << 20};
  Environment environment{config, pool, counters, memory};
  {
    Reassembly queue{environment};
    const SeqNumber start{0xfffffe00};
    std::set<std::uint32_t> model;
    std::uint32_t next = 0;
    for (int i = 0; i < 5000; ++i) {
      const auto begin = next + 1 + static_cast<std::uint32_t>(rng.below(800));
      std::vector<std::uint8_t> bytes(1 + rng.below(150));
      for (std::size_t j = 0; j < bytes.size(); ++j) bytes[j] = static_cast<std::uint8_t>(begin + j);
      bool is_new = false;
      for (std::size_t j = 0; j < bytes.size(); ++j) {
        is_new |= model.insert(begin + static_cast<std::uint32_t>(j)).second;
      }
      EXPECT_EQ(queue.insert(start + begin, bytes),
                is_new ? Reassembly::Outcome::kStored : Reassembly::Outcome::kDuplicate);
      const SeqRange newest = queue.reports().empty() ? SeqRange{} : queue.reports().front();
      if (is_new) {
        EXPECT_TRUE(newest.begin <= start + begin && start + begin + bytes.size() <= newest.end);
      }
      if (rng.below(6) != 0) continue;
      next = *model.begin() + static_cast<std::uint32_t>(rng.below(3));
      while (!queue.empty() && queue.front().begin <= start + next) {
        const SeqNumber at = queue.front().begin;
        PacketBuffer slot = queue.take_front();
        for (std::size_t j = 0; j < slot.size(); ++j) {
          const auto number =
              static_cast<std::uint32_t>(SeqNumber::distance(start, at)) + static_cast<std::uint32_t>(j);
          EXPECT_EQ(slot.data()[j], static_cast<std::uint8_t>(number));
          EXPECT_EQ(model.erase(number), 1u);
        }
        environment.return_slot(slot);
      }
      queue.advance(start + next);
      EXPECT_TRUE(model.empty() || *model.begin() >= next);
    }
  }
  EXPECT_EQ(memory.used(), 0u);
  EXPECT_EQ(pool.slots_in_use(), 0u);
  pool.end_turn();
}

}  // namespace
}  // namespace wgr::slirp::tcp
