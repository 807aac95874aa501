// Longest-prefix match for IPv4 and IPv6: a value per prefix, the most specific one wins.
//
// A trie per family, each in one vector: copying the table is copying vectors, so it serves as an immutable
// snapshot.
//
// Thread: a value; const calls may run on many threads at once.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/address_bits.h"
#include "core/bytes.h"
#include "core/prefix_trie.h"

namespace wgr {

template <typename T>
class PrefixTable {
 public:
  // Adds the prefix or replaces its value.
  void insert(const Prefix& prefix, T value) {
    trie(prefix.family()).insert(bits_of(prefix), prefix.length(), std::move(value));
  }
  // Whether the prefix was there.
  bool erase(const Prefix& prefix) { return trie(prefix.family()).erase(bits_of(prefix), prefix.length()); }
  // Erases the prefix only if it has this value.
  bool erase(const Prefix& prefix, const T& expected) {
    const T* const value = find(prefix);
    return value != nullptr && *value == expected && erase(prefix);
  }
  // Erases every entry for which predicate(prefix, value) holds; returns how many.
  template <typename Predicate>
  std::size_t erase_if(Predicate predicate) {
    std::vector<Prefix> doomed;
    for_each([&](const Prefix& prefix, const T& value) {
      if (predicate(prefix, value)) doomed.push_back(prefix);
    });
    for (const Prefix& prefix : doomed) erase(prefix);
    return doomed.size();
  }
  void clear() noexcept { *this = PrefixTable{}; }

  // The value of the longest prefix that contains the address; null if none does. Valid until a change.
  const T* lookup(const IpAddress& address) const noexcept { return lookup(address.bytes()); }
  // The same for an address in a packet. REQUIRES: address.size() == 4 or 16.
  const T* lookup(Bytes address) const noexcept {
    return trie(address.size() == 4 ? Family::kV4 : Family::kV6).lookup(AddressBits::of(address));
  }
  // The value of exactly this prefix.
  const T* find(const Prefix& prefix) const noexcept {
    return trie(prefix.family()).find(bits_of(prefix), prefix.length());
  }

  // visit(prefix, value), IPv4 first, in the order of addresses, a prefix before those it contains.
  template <typename Visitor>
  void for_each(Visitor visit) const {
    for (const Family family : {Family::kV4, Family::kV6}) {
      trie(family).for_each([&](const AddressBits& bits, unsigned length, const T& value) {
        visit(Prefix{bits.address(family), length}, value);
      });
    }
  }

  std::size_t size() const noexcept { return tries_[0].size() + tries_[1].size(); }
  bool empty() const noexcept { return size() == 0; }

 private:
  static AddressBits bits_of(const Prefix& prefix) noexcept {
    return AddressBits::of(prefix.address().bytes());
  }
  static std::size_t slot_of(Family family) noexcept { return family == Family::kV4 ? 0 : 1; }
  PrefixTrie<T>& trie(Family family) noexcept { return tries_[slot_of(family)]; }
  const PrefixTrie<T>& trie(Family family) const noexcept { return tries_[slot_of(family)]; }

  std::array<PrefixTrie<T>, 2> tries_;  // by family
};

}  // namespace wgr
