// The flows of one kind: slots that stay in place, an index by key, and per guest a chain in the order of
// use.
//
//   key --FlowHash--> index (open addressing) --> slot --> Flow
//   token (slot, generation) -----------------------^
//   FlowChain of the guest: oldest <-> ... <-> newest
//
// Slots come in chunks, so that a flow never moves and a million idle slots were never touched; a slot that
// is used again has a new generation. Flow derives from FlowBase.
//
// Thread: confined to its stack.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "slirp/flow_chain.h"
#include "slirp/flow_hash.h"
#include "slirp/flow_key.h"
#include "slirp/flow_token.h"
#include "slirp/guest.h"

namespace wgr::slirp {

template <typename Flow>
class FlowTable {
 public:
  FlowTable(const FlowHash& hash, FlowKind kind, FlowChain Guest::* chain)
      : hash_(hash), kind_(kind), chain_(chain) {
    index_.resize(kMinIndex);
  }
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;
  ~FlowTable() {
    for (std::uint32_t slot = 0; slot < generations_.size(); ++slot) {
      if (is_live(slot)) flow_at(slot)->~Flow();
    }
  }

  Flow* find(const FlowKey& key) noexcept {
    const std::uint64_t hash = hash_(key);
    for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
      const Entry& entry = index_[at];
      if (entry.slot == kEmpty) return nullptr;
      if (entry.tag == tag_of(hash) && flow_at(entry.slot)->key == key) return flow_at(entry.slot);
    }
  }

  // The live flow with this token; null for a stale or foreign one.
  Flow* at(FlowToken token) noexcept {
    const std::uint32_t slot = token.slot();
    if (token.kind() != kind_ || slot >= generations_.size() || !is_live(slot)) return nullptr;
    Flow* flow = flow_at(slot);
    return flow->token == token ? flow : nullptr;
  }

  // The token insert() gives to the next flow: host sockets are opened before the flow exists.
  FlowToken next_token() {
    const std::uint32_t slot = free_.empty() ? static_cast<std::uint32_t>(generations_.size()) : free_.back();
    const std::uint32_t generation = free_.empty() ? 1 : generations_[slot].number;
    return FlowToken{kind_, generation, slot};
  }

  // REQUIRES: no flow has this key. The new flow is its guest's newest.
  template <typename... Args>
  Flow& insert(const FlowKey& key, Guest& guest, Args&&... args) {
    assert(find(key) == nullptr);
    if ((size_ + 1) * 2 > index_.size()) rebuild(index_.size() * 2);
    const FlowToken token = next_token();
    const std::uint32_t slot = token.slot();
    if (free_.empty()) {
      if (slot % kChunk == 0) chunks_.push_back(std::make_unique_for_overwrite<Storage[]>(kChunk));
      generations_.push_back({});
      free_.reserve(generations_.capacity());  // erase() never allocates
    } else {
      free_.pop_back();
    }
    Flow* flow = new (storage_at(slot)) Flow(std::forward<Args>(args)...);
    flow->key = key;
    flow->token = token;
    flow->guest = &guest;
    generations_[slot] = {token.generation(), true};
    chain_of(*flow).add(*flow);
    place(hash_(key), slot);
    ++size_;
    return *flow;
  }

  void erase(Flow& flow) noexcept {
    const std::uint32_t slot = flow.token.slot();
    remove_from_index(hash_(flow.key), slot);
    chain_of(flow).remove(flow);
    flow.~Flow();
    generations_[slot] = {(generations_[slot].number + 1) & FlowToken::kGenerationMask, false};
    free_.push_back(slot);
    --size_;
  }

  // The flow was used: its guest's newest.
  void touch(Flow& flow) noexcept {
    FlowChain& chain = chain_of(flow);
    if (chain.newest() == &flow) return;
    chain.remove(flow);
    chain.add(flow);
  }

  // The flow of this guest that was not used for longest; null if it has none.
  Flow* oldest(const Guest& guest) noexcept { return static_cast<Flow*>((guest.*chain_).oldest()); }

  std::size_t size() const noexcept { return size_; }
  std::size_t count(const Guest& guest) const noexcept { return (guest.*chain_).size(); }

 private:
  static constexpr std::size_t kChunk = 32;
  static constexpr std::size_t kMinIndex = 64;
  static constexpr std::uint32_t kEmpty = ~std::uint32_t{0};

  struct Storage {
    alignas(Flow) std::byte bytes[sizeof(Flow)];
  };
  struct Entry {
    std::uint32_t slot = kEmpty;
    std::uint32_t tag = 0;  // the high half of the hash: keys are compared only when it agrees
  };
  struct Generation {
    std::uint32_t number = 1;
    bool is_live = false;
  };

  static std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }
  std::size_t mask() const noexcept { return index_.size() - 1; }
  bool is_live(std::uint32_t slot) const noexcept { return generations_[slot].is_live; }
  void* storage_at(std::uint32_t slot) noexcept { return chunks_[slot / kChunk][slot % kChunk].bytes; }
  Flow* flow_at(std::uint32_t slot) noexcept { return std::launder(static_cast<Flow*>(storage_at(slot))); }

  void place(std::uint64_t hash, std::uint32_t slot) noexcept {
    std::size_t at = hash & mask();
    while (index_[at].slot != kEmpty) at = (at + 1) & mask();
    index_[at] = {slot, tag_of(hash)};
  }

  // Linear probing without tombstones: what stood behind the hole moves up if that brings it nearer home.
  void remove_from_index(std::uint64_t hash, std::uint32_t slot) noexcept {
    std::size_t hole = hash & mask();
    while (index_[hole].slot != slot) hole = (hole + 1) & mask();
    for (std::size_t at = (hole + 1) & mask(); index_[at].slot != kEmpty; at = (at + 1) & mask()) {
      const std::size_t home = hash_(flow_at(index_[at].slot)->key) & mask();
      if (((at - home) & mask()) >= ((at - hole) & mask())) {
        index_[hole] = index_[at];
        hole = at;
      }
    }
    index_[hole] = {};
  }

  void rebuild(std::size_t size) {
    std::vector<Entry> old(size);
    old.swap(index_);
    for (const Entry& entry : old) {
      if (entry.slot != kEmpty) place(hash_(flow_at(entry.slot)->key), entry.slot);
    }
  }

  FlowChain& chain_of(const Flow& flow) const noexcept { return flow.guest->*chain_; }

  const FlowHash& hash_;
  const FlowKind kind_;
  FlowChain Guest::* const chain_;
  std::vector<std::unique_ptr<Storage[]>> chunks_;
  std::vector<Generation> generations_;  // per slot
  std::vector<std::uint32_t> free_;
  std::vector<Entry> index_;  // a power of two, at most half full
  std::size_t size_ = 0;
};

}  // namespace wgr::slirp
