#include "core/packet_buffer.h"

#include <algorithm>
#include <set>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr {
namespace {

TEST(PacketBufferTest, FreshBufferIsEmptyWithAllItsRoom) {
  PacketPool pool{1500, 4};
  const PacketBuffer buffer = pool.take();
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_EQ(buffer.headroom(), kHeadroom);
  EXPECT_EQ(buffer.room(), 1500u);
}

TEST(PacketBufferTest, HeadersGoInFrontAndPayloadBehind) {
  PacketPool pool{1500, 4};
  PacketBuffer buffer = pool.take();
  buffer.append(100);
  std::fill(buffer.bytes().begin(), buffer.bytes().end(), std::uint8_t{7});
  std::uint8_t* const header = buffer.push_front(40);
  std::fill(header, header + 40, std::uint8_t{9});
  EXPECT_EQ(buffer.size(), 140u);
  EXPECT_EQ(buffer.headroom(), kHeadroom - 40);
  EXPECT_EQ(buffer.room(), 1400u) << "headers do not take room of the payload";
  EXPECT_EQ(buffer.bytes()[39], 9);
  EXPECT_EQ(buffer.bytes()[40], 7);

  buffer.pop_front(40);
  EXPECT_EQ(buffer.bytes()[0], 7);
  buffer.shrink(10);
  EXPECT_EQ(buffer.size(), 10u);
  EXPECT_EQ(buffer.room(), 1490u);
}

TEST(PacketBufferTest, TailroomStaysFreeBehindAFullBuffer) {
  PacketPool pool{1500, 2};
  PacketBuffer first = pool.take();
  PacketBuffer second = pool.take();
  for (PacketBuffer* buffer : {&first, &second}) {
    buffer->append(buffer->room());
    std::fill(buffer->bytes().begin(), buffer->bytes().end(), std::uint8_t{1});
  }
  std::fill_n(first.data() + first.size(), kTailroom, std::uint8_t{0xff});
  std::fill_n(second.data() + second.size(), kTailroom, std::uint8_t{0xff});
  const auto is_whole = [](const PacketBuffer& buffer) {
    return std::ranges::all_of(buffer.bytes(), [](std::uint8_t byte) { return byte == 1; });
  };
  EXPECT_TRUE(is_whole(first));
  EXPECT_TRUE(is_whole(second));
}

TEST(PacketBufferTest, MovingHandsTheSlotOver) {
  PacketPool pool{100, 4};
  PacketBuffer from = pool.take();
  from.append(5);
  std::uint8_t* const data = from.data();
  PacketBuffer to{std::move(from)};
  EXPECT_FALSE(from);  // NOLINT(bugprone-use-after-move): empty is what is tested
  EXPECT_EQ(to.data(), data);
  EXPECT_EQ(to.size(), 5u);
  EXPECT_EQ(pool.slots_in_use(), 1u);
  to = PacketBuffer{};
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST(PacketBufferTest, EmptyBufferHasNoRoom) {
  const PacketBuffer buffer;
  EXPECT_FALSE(buffer);
  EXPECT_EQ(buffer.room(), 0u);
}

TEST(PacketPoolTest, GivesOutItsCapAndNoMore) {
  PacketPool pool{100, 130};  // two chunks and a bit
  std::vector<PacketBuffer> buffers;
  std::set<std::uint8_t*> slots;
  for (int i = 0; i < 130; ++i) {
    buffers.push_back(pool.take());
    ASSERT_TRUE(buffers.back()) << i;
    slots.insert(buffers.back().data());
  }
  EXPECT_EQ(slots.size(), 130u) << "no slot twice";
  EXPECT_FALSE(pool.take());
  EXPECT_EQ(pool.slots_in_use(), 130u);
  EXPECT_EQ(pool.slots_allocated(), 130u);
}

TEST(PacketPoolTest, SlotGivenBackIsFreeOnlyAfterTheTurn) {
  PacketPool pool{100, 1};
  PacketBuffer buffer = pool.take();
  std::uint8_t* const data = buffer.data();
  buffer.reset();
  EXPECT_EQ(pool.slots_in_use(), 0u);
  EXPECT_FALSE(pool.take()) << "a batch of this turn may still point into it";
  pool.end_turn();
  EXPECT_EQ(pool.take().data(), data);
}

TEST(PacketPoolTest, NewSlotsAreAlignedToCacheLines) {
  PacketPool pool{1423, 70};
  std::vector<PacketBuffer> buffers;
  for (int i = 0; i < 70; ++i) {
    buffers.push_back(pool.take());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffers.back().data()) % 64, 0u);
  }
}

TEST(PacketPoolTest, IdleMemoryIsReleasedOnlyWhenNothingIsInUse) {
  PacketPool pool{100, 128};
  PacketBuffer buffer = pool.take();
  pool.release_idle_memory();
  EXPECT_EQ(pool.slots_allocated(), 64u);
  buffer.reset();
  pool.release_idle_memory();
  EXPECT_EQ(pool.slots_allocated(), 64u) << "the turn is not over";
  pool.end_turn();
  pool.release_idle_memory();
  EXPECT_EQ(pool.slots_allocated(), 0u);
  EXPECT_TRUE(pool.take()) << "and grows again";
}

TEST(PacketPoolTest, SlotsInUseAndFreeAddUp) {
  constexpr std::uint64_t kSeed = 12;
  SCOPED_TRACE("seed 12");
  Rng rng{kSeed};
  PacketPool pool{200, 100};
  std::vector<PacketBuffer> held;
  for (int round = 0; round < 10'000; ++round) {
    if (rng.below(2) == 0) {
      if (PacketBuffer buffer = pool.take()) held.push_back(std::move(buffer));
    } else if (!held.empty()) {
      std::swap(held[rng.below(held.size())], held.back());
      held.pop_back();
    }
    if (rng.below(10) == 0) pool.end_turn();
    ASSERT_EQ(pool.slots_in_use(), held.size());
    ASSERT_LE(pool.slots_allocated(), 100u);
  }
}

TEST(PacketBatchTest, AllocationsKeepTheirPlaceUntilCleared) {
  PacketBatch batch;
  std::vector<MutableBytes> pieces;
  for (std::size_t i = 0; i < 500; ++i) {
    const MutableBytes bytes = batch.allocate(1 + i * 7 % 2000);
    std::fill(bytes.begin(), bytes.end(), static_cast<std::uint8_t>(i));
    batch.push(GuestId{0, 1 + static_cast<std::uint32_t>(i)}, bytes);
    pieces.push_back(bytes);
  }
  ASSERT_EQ(batch.packets().size(), 500u);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const PacketView& packet = batch.packets()[i];
    ASSERT_EQ(packet.bytes.data(), pieces[i].data());
    ASSERT_EQ(packet.guest.serial(), 1 + i);
    ASSERT_TRUE(
        std::ranges::all_of(packet.bytes, [&](auto byte) { return byte == static_cast<std::uint8_t>(i); }));
  }
}

TEST(PacketBatchTest, LargestPacketFits) {
  PacketBatch batch;
  batch.allocate(100);
  EXPECT_EQ(batch.allocate(65535 + 40).size(), 65575u);
}

TEST(PacketBatchTest, MemoryIsReusedAfterClear) {
  PacketBatch batch;
  const std::uint8_t* const first = batch.allocate(10).data();
  for (int i = 0; i < 100; ++i) batch.push(GuestId{0, 1}, batch.allocate(60'000));
  batch.clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.allocate(10).data(), first);
}

}  // namespace
}  // namespace wgr
