#include "core/packet_buffer.h"

#include <sys/mman.h>

#include <algorithm>

namespace wgr {
namespace {

constexpr std::size_t kSlotsPerChunk = 64;
constexpr std::size_t kCacheLine = 64;

constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

PacketPool::PacketPool(std::size_t payload, std::size_t max_slots)
    : payload_(payload),
      stride_(round_up(kHeadroom + payload + kTailroom, kCacheLine)),
      max_slots_(max_slots) {}

PacketPool::~PacketPool() {
  assert(slots_in_use() == 0);
  for (void* chunk : chunks_) munmap(chunk, stride_ * kSlotsPerChunk);
}

void PacketPool::end_turn() noexcept {
  if (slots_in_use() != 0) {  // else there is no gap between the two
    std::uint8_t** const slots = slots_.get();
    std::copy_n(slots + (allocated_ - retired_), retired_, slots + free_);
  }
  free_ += retired_;
  retired_ = 0;
}

void PacketPool::release_idle_memory() noexcept {
  if (slots_in_use() != 0 || retired_ != 0) return;
  for (void* chunk : chunks_) munmap(chunk, stride_ * kSlotsPerChunk);
  chunks_.clear();
  slots_.reset();
  free_ = allocated_ = 0;
}

bool PacketPool::grow() {
  const std::size_t count = std::min(kSlotsPerChunk, max_slots_ - allocated_);
  if (count == 0) return false;
  void* chunk =
      mmap(nullptr, stride_ * kSlotsPerChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (chunk == MAP_FAILED) return false;
  chunks_.push_back(chunk);
  auto slots = std::make_unique<std::uint8_t*[]>(allocated_ + count);
  std::copy_n(slots_.get(), free_, slots.get());
  std::copy_n(slots_.get() + (allocated_ - retired_), retired_,
              slots.get() + (allocated_ + count - retired_));
  slots_ = std::move(slots);
  allocated_ += count;
  for (std::size_t i = count; i-- > 0;) slots_[free_++] = static_cast<std::uint8_t*>(chunk) + i * stride_;
  return true;
}

void PacketBatch::next_chunk() {
  if (chunks_used_ == chunks_.size()) {
    chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kChunk));
  }
  at_ = chunks_[chunks_used_++].get();
  room_ = kChunk;
}

void PacketBatch::grow() {
  constexpr std::size_t kFirstCapacity = 64;
  const std::size_t bigger = std::max(kFirstCapacity, capacity_ * 2);
  auto packets = std::make_unique<PacketView[]>(bigger);
  std::copy_n(packets_.get(), count_, packets.get());
  packets_ = std::move(packets);
  capacity_ = bigger;
}

void PacketBatch::clear() noexcept {
  count_ = 0;
  if (chunks_.size() > kKeptChunks) chunks_.resize(kKeptChunks);
  chunks_used_ = 0;
  at_ = nullptr;
  room_ = 0;
}

}  // namespace wgr
