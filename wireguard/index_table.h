// The local indices of one worker: 32-bit numbers by which messages to us name their keypair or
// handshake. Random and unique, so that they tell an observer nothing, except the low byte: it is the
// worker, and the kernel steers datagrams by it.
//
//   | 24 random bits | worker |        on the wire little-endian: the worker is the first byte
//
// An index frees itself: LocalIndex is held by the keypair or handshake it names.
//
// Thread: confined to its worker.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/guest_id.h"

namespace wgr::wireguard {

class Peer;
class Keypair;
class IndexTable;

constexpr WorkerIndex worker_of(std::uint32_t index) noexcept {
  return static_cast<WorkerIndex>(index & 0xff);
}

class LocalIndex {
 public:
  LocalIndex() noexcept = default;  // none
  LocalIndex(LocalIndex&& other) noexcept { *this = std::move(other); }
  LocalIndex& operator=(LocalIndex&& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(value_, other.value_);
    return *this;
  }
  LocalIndex(const LocalIndex&) = delete;
  LocalIndex& operator=(const LocalIndex&) = delete;
  ~LocalIndex() { reset(); }

  void reset() noexcept;
  explicit operator bool() const noexcept { return table_ != nullptr; }
  std::uint32_t value() const noexcept { return value_; }
  // From now on the index names this keypair of the peer it was taken for. REQUIRES: *this.
  void bind(Keypair& keypair) noexcept;

 private:
  friend class IndexTable;
  LocalIndex(IndexTable* table, std::uint32_t value) noexcept : table_(table), value_(value) {}

  IndexTable* table_ = nullptr;
  std::uint32_t value_ = 0;
};

class IndexTable {
 public:
  // What an index names: a handshake of the peer, or one of its keypairs.
  struct Entry {
    std::uint32_t index = 0;
    Peer* peer = nullptr;  // null: the slot is free
    Keypair* keypair = nullptr;
  };

  explicit IndexTable(WorkerIndex worker);
  IndexTable(const IndexTable&) = delete;
  IndexTable& operator=(const IndexTable&) = delete;
  ~IndexTable();  // REQUIRES: every LocalIndex is gone

  // A fresh index that names a handshake of `peer`, which must outlive it.
  LocalIndex take(Peer& peer);

  // Valid until the next take() or reset(); null if the index names nothing.
  const Entry* find(std::uint32_t index) const noexcept {
    for (std::size_t slot = home_of(index);; slot = next(slot)) {
      const Entry& entry = slots_[slot];
      if (entry.peer == nullptr) return nullptr;
      if (entry.index == index) return &entry;
    }
  }
  std::size_t size() const noexcept { return size_; }

 private:
  friend class LocalIndex;

  // Open addressing, linear probing, at most half full. The upper bits are random already.
  std::size_t home_of(std::uint32_t index) const noexcept { return (index >> 8) & (slots_.size() - 1); }
  std::size_t next(std::size_t slot) const noexcept { return (slot + 1) & (slots_.size() - 1); }
  void insert(const Entry& entry) noexcept;
  void grow();
  void erase(std::uint32_t index) noexcept;

  const WorkerIndex worker_;
  std::vector<Entry> slots_;
  std::size_t size_ = 0;
};

}  // namespace wgr::wireguard
