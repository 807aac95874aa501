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
  assert(in_use_ == 0);
  for (void* chunk : chunks_) munmap(chunk, stride_ * kSlotsPerChunk);
}

void PacketPool::give_back(std::uint8_t* slot) noexcept {
  assert(in_use_ > 0);
  --in_use_;
  retired_.push_back(slot);  // reserved in grow(): never allocates
}

void PacketPool::end_turn() noexcept {
  free_.insert(free_.end(), retired_.begin(), retired_.end());
  retired_.clear();
}

void PacketPool::release_idle_memory() noexcept {
  if (in_use_ != 0 || !retired_.empty()) return;
  for (void* chunk : chunks_) munmap(chunk, stride_ * kSlotsPerChunk);
  chunks_.clear();
  free_.clear();
  allocated_ = 0;
}

bool PacketPool::grow() {
  const std::size_t count = std::min(kSlotsPerChunk, max_slots_ - allocated_);
  if (count == 0) return false;
  void* chunk =
      mmap(nullptr, stride_ * kSlotsPerChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (chunk == MAP_FAILED) return false;
  chunks_.push_back(chunk);
  allocated_ += count;
  free_.reserve(allocated_);
  retired_.reserve(allocated_);
  for (std::size_t i = count; i-- > 0;) free_.push_back(static_cast<std::uint8_t*>(chunk) + i * stride_);
  return true;
}

MutableBytes PacketBatch::allocate(std::size_t size) {
  assert(size <= kChunk);
  if (chunk_ < chunks_.size() && filled_ + size > kChunk) {
    ++chunk_;
    filled_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kChunk));
    filled_ = 0;
  }
  std::uint8_t* const start = chunks_[chunk_].get() + filled_;
  filled_ += round_up(size, 8);
  return {start, size};
}

void PacketBatch::clear() noexcept {
  packets_.clear();
  if (chunks_.size() > kKeptChunks) chunks_.resize(kKeptChunks);
  chunk_ = 0;
  filled_ = 0;
}

}  // namespace wgr
