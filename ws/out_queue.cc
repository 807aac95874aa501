#include "ws/out_queue.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace wgr::ws {
namespace {

// A directory entry: the length of a frame above two bits of kind.
constexpr std::size_t kEntrySize = 4;
constexpr std::uint32_t kDroppedFrame = 3;
constexpr std::uint32_t kKindMask = 3;
constexpr std::size_t kMaxFrame = 1u << 28;

constexpr std::size_t kKeptChunkEntries = 8;  // of the vector, when the queue is empty

template <typename Chunk>
std::uint8_t* entry_of(const Chunk& chunk, std::uint32_t frame) noexcept {
  return chunk.bytes.get() + chunk.capacity - kEntrySize * (frame + 1);
}

struct Entry {
  std::uint32_t kind;
  std::uint32_t size;
};

template <typename Chunk>
Entry read_entry(const Chunk& chunk, std::uint32_t frame) noexcept {
  const auto entry = load_le<std::uint32_t>(entry_of(chunk, frame));
  return {entry & kKindMask, entry >> 2};
}

template <typename Chunk>
void write_entry(Chunk& chunk, std::uint32_t frame, std::uint32_t kind, std::uint32_t size) noexcept {
  store_le(entry_of(chunk, frame), size << 2 | kind);
}

}  // namespace

std::unique_ptr<std::uint8_t[]> ChunkPool::take() {
  if (spare_.empty()) return std::make_unique_for_overwrite<std::uint8_t[]>(kChunkBytes);
  std::unique_ptr<std::uint8_t[]> chunk = std::move(spare_.back());
  spare_.pop_back();
  return chunk;
}

void ChunkPool::give(std::unique_ptr<std::uint8_t[]> chunk) {
  if (spare_.size() < max_spare_) spare_.push_back(std::move(chunk));
}

OutQueue::~OutQueue() { clear(); }

MutableBytes OutQueue::push(Kind kind, std::size_t size) {
  assert(size > 0 && size <= kMaxFrame);
  if (kind == Kind::kMessage) {
    while (size <= max_bytes_ && bytes_ + size > max_bytes_ && drop_oldest(Kind::kMessage)) {
    }
    if (bytes_ + size > max_bytes_) {
      ++tally_.messages_dropped;
      tally_.bytes_dropped += size;
      return {};
    }
  } else if (kind == Kind::kPong) {
    if (waiting_pongs_ >= kMaxWaitingPongs) drop_oldest(Kind::kPong);
    ++waiting_pongs_;
  }
  Chunk& chunk = chunk_with_room(size);
  write_entry(chunk, chunk.frames, static_cast<std::uint32_t>(kind), static_cast<std::uint32_t>(size));
  const MutableBytes frame{chunk.bytes.get() + chunk.end, size};
  ++chunk.frames;
  chunk.end += static_cast<std::uint32_t>(size);
  bytes_ += size;
  return frame;
}

OutQueue::Chunk& OutQueue::chunk_with_room(std::size_t size) {
  if (!chunks_.empty()) {
    Chunk& last = chunks_.back();
    if (last.end + size + kEntrySize * (last.frames + 1) <= last.capacity) return last;
  }
  return chunks_.emplace_back(make_chunk(size + kEntrySize));
}

OutQueue::Chunk OutQueue::make_chunk(std::size_t size) {
  Chunk chunk;
  if (size <= kChunkBytes) {
    chunk.bytes = pool_.take();
    chunk.capacity = kChunkBytes;
  } else {
    chunk.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(size);
    chunk.capacity = static_cast<std::uint32_t>(size);
  }
  return chunk;
}

std::size_t OutQueue::pending(std::span<Bytes> out) const noexcept {
  std::size_t filled = 0;
  for (const Chunk& chunk : chunks_) {
    if (filled == out.size()) return filled;
    const std::uint8_t* const bytes = chunk.bytes.get();
    std::uint32_t begin = chunk.position;
    if (chunk.dropped == 0) {
      out[filled++] = {bytes + begin, chunk.end - begin};
      continue;
    }
    std::uint32_t end = begin - chunk.taken;
    for (std::uint32_t frame = chunk.first; frame < chunk.frames; ++frame) {
      const Entry entry = read_entry(chunk, frame);
      if (entry.kind == kDroppedFrame) {
        if (begin < end) {
          if (filled == out.size()) return filled;
          out[filled++] = {bytes + begin, end - begin};
        }
        begin = end + entry.size;
      }
      end += entry.size;
    }
    if (begin < end && filled < out.size()) out[filled++] = {bytes + begin, end - begin};
  }
  return filled;
}

void OutQueue::consume(std::size_t size) {
  assert(size <= bytes_);
  tally_.bytes_sent += size;
  bytes_ -= size;
  while (size > 0) {
    Chunk& chunk = chunks_.front();
    const Entry entry = read_entry(chunk, chunk.first);
    const std::size_t left = entry.size - chunk.taken;
    if (size < left) {
      chunk.taken += static_cast<std::uint32_t>(size);
      chunk.position += static_cast<std::uint32_t>(size);
      return;
    }
    size -= left;
    chunk.position += static_cast<std::uint32_t>(left);
    chunk.taken = 0;
    ++chunk.first;
    if (entry.kind == static_cast<std::uint32_t>(Kind::kMessage)) ++tally_.messages_sent;
    if (entry.kind == static_cast<std::uint32_t>(Kind::kPong)) --waiting_pongs_;
    skip_dropped(chunk);
    if (chunk.first == chunk.frames) release(0);
  }
}

void OutQueue::skip_dropped(Chunk& chunk) noexcept {
  while (chunk.dropped > 0 && chunk.first < chunk.frames) {
    const Entry entry = read_entry(chunk, chunk.first);
    if (entry.kind != kDroppedFrame) return;
    chunk.position += entry.size;
    ++chunk.first;
    --chunk.dropped;
  }
}

// The oldest frame of that kind of which nothing has left; false if there is none.
bool OutQueue::drop_oldest(Kind kind) {
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    Chunk& chunk = chunks_[i];
    std::uint32_t frame = chunk.first + (chunk.taken > 0 ? 1 : 0);
    if (kind == Kind::kMessage) frame = std::max(frame, chunk.next_drop);
    for (; frame < chunk.frames; ++frame) {
      const Entry entry = read_entry(chunk, frame);
      if (entry.kind != static_cast<std::uint32_t>(kind)) continue;
      drop(chunk, frame, kind, entry.size);
      if (chunk.first == chunk.frames) release(i);
      return true;
    }
    if (kind == Kind::kMessage) chunk.next_drop = frame;
  }
  return false;
}

void OutQueue::drop(Chunk& chunk, std::uint32_t frame, Kind kind, std::size_t size) {
  write_entry(chunk, frame, kDroppedFrame, static_cast<std::uint32_t>(size));
  ++chunk.dropped;
  bytes_ -= size;
  if (kind == Kind::kMessage) {
    chunk.next_drop = frame + 1;
    ++tally_.messages_dropped;
    tally_.bytes_dropped += size;
  } else {
    --waiting_pongs_;
  }
  if (chunk.taken == 0) skip_dropped(chunk);
}

void OutQueue::clear() {
  while (drop_oldest(Kind::kMessage)) {
  }
  while (!chunks_.empty()) release(chunks_.size() - 1);
  bytes_ = 0;
  waiting_pongs_ = 0;
}

void OutQueue::release(std::size_t index) {
  Chunk& chunk = chunks_[index];
  if (chunk.capacity == kChunkBytes) pool_.give(std::move(chunk.bytes));
  chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(index));
  if (chunks_.empty() && chunks_.capacity() > kKeptChunkEntries) std::vector<Chunk>().swap(chunks_);
}

}  // namespace wgr::ws
