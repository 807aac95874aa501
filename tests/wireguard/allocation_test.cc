// The packet path does not allocate: every operator new of this program is counted.
#include <cstdlib>
#include <new>

#include "gtest/gtest.h"

#include "tests/wireguard/tunnel.h"

namespace {

thread_local std::size_t g_allocations = 0;

void* counted(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  ++g_allocations;
  void* const memory = alignment <= alignof(std::max_align_t)
                           ? std::malloc(size == 0 ? 1 : size)
                           : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace wgr::wireguard {
namespace {

// One packet there and one back, straight from batch to device: `wire` copies are the test's own.
class SteadyState : public Tunnel {
 public:
  SteadyState() {
    alice_sends();
    bob_sends();
  }

  void exchange(Bytes there, Bytes back) {
    wire.now += std::chrono::microseconds{10};
    pass(alice, bob_at_alice, there, bob);
    pass(bob, alice_at_bob, back, alice);
  }
  std::size_t arrived = 0;

 private:
  void pass(Node& from, GuestId to_id, Bytes packet, Node& to) {
    from.device->send(to_id, packet, wire.now, from.out);
    for (const DatagramBatch::Run& run : from.batch.runs()) {
      to.device->receive(from.address, run.bytes, wire.now, to.out);
    }
    arrived += to.out.packets.size();
    to.out.clear();
    from.out.clear();
    from.batch.clear();
  }
};

TEST(AllocationTest, CountsWhatIsAllocated) {
  const std::size_t before = g_allocations;
  const auto memory = std::make_unique<int>(1);
  EXPECT_EQ(g_allocations, before + 1);
}

TEST(AllocationTest, SteadyStateAllocatesNothing) {
  for (const std::size_t size : {40u, 84u, 576u, 1420u}) {
    SteadyState tunnel;
    const Octets there = tunnel.ping(size), back = tunnel.pong(size);
    for (int i = 0; i < 100; ++i) tunnel.exchange(there, back);  // vectors reach their size

    tunnel.arrived = 0;
    const std::size_t before = g_allocations;
    for (int i = 0; i < 10'000; ++i) tunnel.exchange(there, back);
    EXPECT_EQ(g_allocations, before) << size;
    EXPECT_EQ(tunnel.arrived, 20'000u) << size;
  }
}

TEST(AllocationTest, GarbageAllocatesNothing) {
  SteadyState tunnel;
  Octets message = tunnel.wire.log.back().bytes;
  Octets scratch = message;
  const auto flood = [&](int count) {
    for (int i = 0; i < count; ++i) {
      std::copy(message.begin(), message.end(), scratch.begin());
      scratch[4] = static_cast<std::uint8_t>(i % 2 == 0 ? scratch[4] : 0);
      scratch[20] ^= 1;
      tunnel.alice.device->receive(tunnel.bob.address, scratch, tunnel.wire.now, tunnel.alice.out);
      tunnel.alice.out.clear();
    }
  };
  flood(10);
  const std::size_t before = g_allocations;
  flood(1000);
  EXPECT_EQ(g_allocations, before);
  EXPECT_GE(tunnel.alice.device->counters().drops.total(), 1000u);
}

}  // namespace
}  // namespace wgr::wireguard
