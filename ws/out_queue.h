// What one WebSocket session has still to write: whole encoded frames in chunks of a pool, so that one
// writev (or one pass of TLS) takes many small messages, and an empty queue holds no memory.
//
// Bounded in bytes. When a message finds no room, the oldest messages of which no byte has left give way,
// whole; control frames never do. What was begun is always finished: a stream may not be cut.
//
//   chunk: | frame | frame | frame |   free   | length and kind of each frame, growing down |
//
// Thread: confined to one worker, as is the pool its sessions share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/bytes.h"

namespace wgr::ws {

inline constexpr std::size_t kChunkBytes = 16 * 1024;  // one TLS record
inline constexpr std::size_t kMaxWaitingPongs = 16;    // beyond: the oldest gives way

// Memory for chunks that is kept between uses. Outlives the queues that take from it.
class ChunkPool {
 public:
  explicit ChunkPool(std::size_t max_spare = 256) : max_spare_(max_spare) {}

  std::unique_ptr<std::uint8_t[]> take();
  void give(std::unique_ptr<std::uint8_t[]> chunk);
  std::size_t spare() const noexcept { return spare_.size(); }

 private:
  const std::size_t max_spare_;
  std::vector<std::unique_ptr<std::uint8_t[]>> spare_;
};

class OutQueue {
 public:
  enum class Kind : std::uint8_t { kMessage, kPong, kControl };

  // Since the queue was made.
  struct Tally {
    std::uint64_t messages_sent = 0;  // consumed whole
    std::uint64_t bytes_sent = 0;     // consumed, control frames included
    std::uint64_t messages_dropped = 0;
    std::uint64_t bytes_dropped = 0;
  };

  OutQueue(ChunkPool& pool, std::size_t max_bytes) : pool_(pool), max_bytes_(max_bytes) {}
  ~OutQueue();
  OutQueue(const OutQueue&) = delete;
  OutQueue& operator=(const OutQueue&) = delete;

  // Room for one frame of `size` bytes, to be filled at once; older messages give way. Empty: a message
  // that finds no room even so is dropped and counted. REQUIRES: size > 0.
  MutableBytes push(Kind kind, std::size_t size);

  // The bytes to be written next, in order; returns how many of `out` were filled. They stay in place
  // until consume(), clear() or push().
  std::size_t pending(std::span<Bytes> out) const noexcept;
  // The first `size` of those bytes have left. REQUIRES: size <= bytes().
  void consume(std::size_t size);
  void clear();  // the connection is gone; what waits counts as dropped

  std::size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return bytes_ == 0; }
  const Tally& tally() const noexcept { return tally_; }

 private:
  // See the drawing. A frame longer than kChunkBytes has a chunk of its own.
  struct Chunk {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::uint32_t capacity = 0;
    std::uint32_t end = 0;        // of the frames
    std::uint32_t frames = 0;     // pushed
    std::uint32_t dropped = 0;    // of the frames from `first` on
    std::uint32_t first = 0;      // frame that is the next to be written
    std::uint32_t position = 0;   // of the next byte to be written
    std::uint32_t taken = 0;      // bytes of `first` that have left
    std::uint32_t next_drop = 0;  // every frame before it is gone, begun or not to be dropped
  };

  Chunk& chunk_with_room(std::size_t size);
  Chunk make_chunk(std::size_t size);
  bool drop_oldest(Kind kind);
  void drop(Chunk& chunk, std::uint32_t frame, Kind kind, std::size_t size);
  void skip_dropped(Chunk& chunk) noexcept;
  void release(std::size_t index);

  ChunkPool& pool_;
  const std::size_t max_bytes_;
  std::vector<Chunk> chunks_;  // oldest first
  std::size_t bytes_ = 0;      // to be written
  std::size_t waiting_pongs_ = 0;
  Tally tally_;
};

}  // namespace wgr::ws
