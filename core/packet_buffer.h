// Memory of inner packets.
//
//   PacketView    a packet in memory that somebody else owns, valid until the batch is flushed
//   PacketBuffer  one pooled slot, owned by whoever holds it
//   PacketBatch   packets on their way to guests, gathered during one turn of the worker
//
// One slot:
//
//   | headroom 128      | bytes()                     | tailroom 16+ |
//   ^ push_front grows ->                             <- append grows ^
//
// Headroom takes IPv6 and TCP headers with options (100 bytes) in front of a payload read from a socket;
// tailroom takes an authentication tag, so that a packet is encrypted in place.
//
// Thread: everything here is confined to one worker. A PacketBuffer crosses workers only inside a
// mailbox item, and then it comes from a pool of its own copy (see core/io/mailbox.h).
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/guest_id.h"

namespace wgr {

inline constexpr std::size_t kHeadroom = 128;
inline constexpr std::size_t kTailroom = 16;

// An inner packet, from or to `guest`.
struct PacketView {
  GuestId guest;
  MutableBytes bytes;
};

class PacketPool;

class PacketBuffer {
 public:
  PacketBuffer() noexcept = default;  // empty: owns nothing
  PacketBuffer(PacketBuffer&& other) noexcept
      : pool_(other.pool_), slot_(other.slot_), begin_(other.begin_), size_(other.size_) {
    other.forget();
  }
  PacketBuffer& operator=(PacketBuffer&& other) noexcept {
    if (this == &other) return *this;
    reset();
    pool_ = other.pool_;
    slot_ = other.slot_;
    begin_ = other.begin_;
    size_ = other.size_;
    other.forget();
    return *this;
  }
  PacketBuffer(const PacketBuffer&) = delete;
  PacketBuffer& operator=(const PacketBuffer&) = delete;
  ~PacketBuffer() { reset(); }

  explicit operator bool() const noexcept { return slot_ != nullptr; }
  // Gives the slot back.
  inline void reset() noexcept;

  MutableBytes bytes() const noexcept { return {slot_ + begin_, size_}; }
  std::uint8_t* data() const noexcept { return slot_ + begin_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t headroom() const noexcept { return begin_; }
  // Bytes that append() may still take, the reserved tailroom left alone.
  std::size_t room() const noexcept;

  // All return the start of the packet afterwards. REQUIRES: the room is there.
  std::uint8_t* push_front(std::size_t size) noexcept {
    assert(size <= begin_);
    begin_ -= static_cast<std::uint32_t>(size);
    size_ += static_cast<std::uint32_t>(size);
    return data();
  }
  std::uint8_t* pop_front(std::size_t size) noexcept {
    assert(size <= size_);
    begin_ += static_cast<std::uint32_t>(size);
    size_ -= static_cast<std::uint32_t>(size);
    return data();
  }
  std::uint8_t* append(std::size_t size) noexcept {
    assert(size <= room());
    size_ += static_cast<std::uint32_t>(size);
    return data();
  }
  std::uint8_t* shrink(std::size_t size) noexcept {
    assert(size <= size_);
    size_ = static_cast<std::uint32_t>(size);
    return data();
  }

 private:
  friend class PacketPool;
  PacketBuffer(PacketPool* pool, std::uint8_t* slot) noexcept : pool_(pool), slot_(slot), begin_(kHeadroom) {}

  void forget() noexcept {
    pool_ = nullptr;
    slot_ = nullptr;
    begin_ = size_ = 0;
  }

  PacketPool* pool_ = nullptr;
  std::uint8_t* slot_ = nullptr;
  std::uint32_t begin_ = 0;
  std::uint32_t size_ = 0;
};

// Slots of one size. Grows by chunks up to a cap and never beyond; a slot given back is handed out
// again only after end_turn(), because a PacketBatch of this turn may still point into it.
class PacketPool {
 public:
  // `payload` bytes fit between headroom and tailroom; at most `max_slots` exist at a time.
  PacketPool(std::size_t payload, std::size_t max_slots);
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;
  ~PacketPool();  // REQUIRES: every buffer has come back.

  // Empty when the cap is reached; the caller counts kPoolExhausted.
  PacketBuffer take() {
    if (free_ == 0 && !grow()) [[unlikely]]
      return {};
    return PacketBuffer{this, slots_[--free_]};
  }
  // Slots given back since the last call become free.
  void end_turn() noexcept;
  // Gives all memory back to the kernel if no slot is in use. Call it when the worker has been idle.
  void release_idle_memory() noexcept;

  std::size_t payload_capacity() const noexcept { return payload_; }
  std::size_t slots_in_use() const noexcept { return allocated_ - free_ - retired_; }
  std::size_t slots_allocated() const noexcept { return allocated_; }
  std::size_t max_slots() const noexcept { return max_slots_; }

 private:
  friend class PacketBuffer;
  void give_back(std::uint8_t* slot) noexcept {
    assert(slots_in_use() > 0);
    slots_[allocated_ - ++retired_] = slot;
  }
  bool grow();

  const std::size_t payload_;
  const std::size_t stride_;
  const std::size_t max_slots_;
  // One array, as slots in use need no place in it:
  //   | free ...            ... given back in this turn |
  //   0     free_    allocated_ - retired_     allocated_
  std::unique_ptr<std::uint8_t*[]> slots_;
  std::size_t free_ = 0;
  std::size_t retired_ = 0;
  std::size_t allocated_ = 0;
  std::vector<void*> chunks_;
};

inline void PacketBuffer::reset() noexcept {
  if (slot_ == nullptr) return;
  pool_->give_back(slot_);
  forget();
}

inline std::size_t PacketBuffer::room() const noexcept {
  return pool_ == nullptr ? 0 : kHeadroom + pool_->payload_capacity() - begin_ - size_;
}

// Packets for guests, in order. Small ones live in the batch itself (allocate), large ones in pooled
// slots that outlive the turn (push).
class PacketBatch {
 public:
  PacketBatch() = default;
  PacketBatch(const PacketBatch&) = delete;
  PacketBatch& operator=(const PacketBatch&) = delete;

  // Uninitialized room for `size` bytes that stays valid until clear(). REQUIRES: size <= 65535 + headers.
  MutableBytes allocate(std::size_t size) {
    assert(size <= kChunk);
    if (size > room_) [[unlikely]]
      next_chunk();
    std::uint8_t* const start = at_;
    const std::size_t taken = (size + 7) / 8 * 8;  // as kChunk is, so it fits too
    at_ += taken;
    room_ -= taken;
    return {start, size};
  }
  // `bytes` must stay valid until clear(): allocated here, or a slot that goes through end_turn().
  void push(GuestId to, MutableBytes bytes) {
    if (count_ == capacity_) [[unlikely]]
      grow();
    packets_[count_++] = {to, bytes};
  }

  std::span<const PacketView> packets() const noexcept { return {packets_.get(), count_}; }
  bool empty() const noexcept { return count_ == 0; }
  // Forgets everything and keeps the memory of an ordinary turn.
  void clear() noexcept;

 private:
  static constexpr std::size_t kChunk = 128 * 1024;
  static constexpr std::size_t kKeptChunks = 8;

  void grow();
  void next_chunk();

  std::unique_ptr<PacketView[]> packets_;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;
  std::size_t chunks_used_ = 0;  // the last of them is being filled
  std::uint8_t* at_ = nullptr;
  std::size_t room_ = 0;
};

}  // namespace wgr
