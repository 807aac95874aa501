#include "wireguard/index_table.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "core/bytes.h"
#include "core/secret.h"

namespace wgr::wireguard {
namespace {

constexpr std::size_t kInitialSlots = 64;
// Far beyond four indices for each of a million peers, and still sparse in 24 bits.
constexpr std::size_t kMaxIndices = std::size_t{1} << 23;

}  // namespace

void LocalIndex::reset() noexcept {
  if (table_ != nullptr) table_->erase(value_);
  table_ = nullptr;
  value_ = 0;
}

void LocalIndex::bind(Keypair& keypair) noexcept {
  assert(table_ != nullptr);
  const IndexTable::Entry* const entry = table_->find(value_);
  assert(entry != nullptr);
  table_->slots_[static_cast<std::size_t>(entry - table_->slots_.data())].keypair = &keypair;
}

IndexTable::IndexTable(WorkerIndex worker) : worker_(worker), slots_(kInitialSlots) {}

IndexTable::~IndexTable() { assert(size_ == 0); }

LocalIndex IndexTable::take(Peer& peer) {
  assert(size_ < kMaxIndices);
  if (2 * (size_ + 1) > slots_.size()) grow();
  std::uint32_t index;
  do {
    std::array<std::uint8_t, 4> random;
    random_bytes(random);
    index = (load_le<std::uint32_t>(random.data()) & ~std::uint32_t{0xff}) | worker_;
  } while (find(index) != nullptr);
  insert({index, &peer, nullptr});
  ++size_;
  return LocalIndex{this, index};
}

void IndexTable::insert(const Entry& entry) noexcept {
  std::size_t slot = home_of(entry.index);
  while (slots_[slot].peer != nullptr) slot = next(slot);
  slots_[slot] = entry;
}

void IndexTable::grow() {
  std::vector<Entry> old(2 * slots_.size());
  std::swap(old, slots_);
  for (const Entry& entry : old) {
    if (entry.peer != nullptr) insert(entry);
  }
}

void IndexTable::erase(std::uint32_t index) noexcept {
  std::size_t hole = home_of(index);
  while (slots_[hole].index != index || slots_[hole].peer == nullptr) hole = next(hole);
  // Move back whoever would not be found across the hole.
  for (std::size_t slot = next(hole); slots_[slot].peer != nullptr; slot = next(slot)) {
    const std::size_t home = home_of(slots_[slot].index);
    const bool reaches_over_hole =
        ((slot - home) & (slots_.size() - 1)) >= ((slot - hole) & (slots_.size() - 1));
    if (!reaches_over_hole) continue;
    slots_[hole] = slots_[slot];
    hole = slot;
  }
  slots_[hole] = Entry{};
  --size_;
}

}  // namespace wgr::wireguard
