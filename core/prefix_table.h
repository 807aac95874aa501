// Longest-prefix match for IPv4 and IPv6: a value per prefix, the most specific one wins.
//
// A path-compressed binary trie per family, its nodes in one vector: copying the table is copying a
// vector, so it serves as an immutable snapshot. No operation recurses; a lookup visits at most one
// node per prefix length.
//
//             10.0.0.0/8 *              every node holds a prefix; * has a value.
//             /         \               A node without a value has two children:
//      10.0.0.0/15     10.64.0.0/10 *   it is where two prefixes part.
//      /        \                       .
// 10.0.0.0/16 *  10.1.0.0/16 *          .
//
// Thread: a value; const calls may run on many threads at once.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"

namespace wgr {

template <typename T>
class PrefixTable {
 public:
  // Adds the prefix or replaces its value.
  void insert(const Prefix& prefix, T value);
  // Whether the prefix was there.
  bool erase(const Prefix& prefix);
  // Erases the prefix only if it has this value.
  bool erase(const Prefix& prefix, const T& expected);
  // Erases every entry for which predicate(prefix, value) holds; returns how many.
  template <typename Predicate>
  std::size_t erase_if(Predicate predicate);
  void clear() noexcept { *this = PrefixTable{}; }

  // The value of the longest prefix that contains the address; null if none does. Valid until a change.
  const T* lookup(const IpAddress& address) const noexcept { return lookup(address.bytes()); }
  // The same for an address in a packet. REQUIRES: address.size() == 4 or 16.
  const T* lookup(Bytes address) const noexcept;
  // The value of exactly this prefix.
  const T* find(const Prefix& prefix) const noexcept;

  // visit(prefix, value), IPv4 first, in the order of addresses, a prefix before those it contains.
  template <typename Visitor>
  void for_each(Visitor visit) const;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  using NodeIndex = std::uint32_t;
  static constexpr NodeIndex kNone = ~NodeIndex{0};
  static constexpr unsigned kMaxDepth = 129;  // lengths 0 to 128

  // The bits of an address, most significant first; an IPv4 address fills the upper half of `high`.
  struct Bits {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static Bits of(Bytes address) noexcept {
      if (address.size() == 4) return {std::uint64_t{load_be<std::uint32_t>(address.data())} << 32, 0};
      return {load_be<std::uint64_t>(address.data()), load_be<std::uint64_t>(address.data() + 8)};
    }
    // REQUIRES: index < 128.
    unsigned operator[](unsigned index) const noexcept {
      return static_cast<unsigned>((index < 64 ? high >> (63 - index) : low >> (127 - index)) & 1);
    }
    static unsigned common(const Bits& a, const Bits& b) noexcept {
      if (a.high != b.high) return static_cast<unsigned>(std::countl_zero(a.high ^ b.high));
      return 64 + static_cast<unsigned>(std::countl_zero(a.low ^ b.low));
    }
    Bits first(unsigned length) const noexcept {
      if (length == 0) return {};
      if (length <= 64) return {high & ~std::uint64_t{0} << (64 - length), 0};
      return {high, low & ~std::uint64_t{0} << (128 - length)};
    }
  };

  struct Node {
    Bits bits;
    std::array<NodeIndex, 2> children{kNone, kNone};
    std::uint8_t length = 0;
    std::optional<T> value;

    bool contains(const Bits& other) const noexcept { return Bits::common(bits, other) >= length; }
  };

  // The nodes from the root to `node`, so that an erased node's neighbours can be joined.
  struct Path {
    NodeIndex node = kNone;
    NodeIndex parent = kNone;
    NodeIndex grandparent = kNone;
  };

  static std::size_t slot_of(Family family) noexcept { return family == Family::kV4 ? 0 : 1; }
  NodeIndex make_node(const Bits& bits, unsigned length);
  void free_node(NodeIndex index) noexcept;
  Path find_path(const Prefix& prefix) const noexcept;
  // Puts `child` where `old_child` hangs: below `parent`, or at the root if there is no parent.
  void replace_child(Family family, NodeIndex parent, NodeIndex old_child, NodeIndex child) noexcept;
  void erase_at(Family family, const Path& path) noexcept;
  static Prefix prefix_of(Family family, const Node& node) noexcept;

  std::array<NodeIndex, 2> roots_{kNone, kNone};  // by family
  std::vector<Node> nodes_;
  std::vector<NodeIndex> free_;
  std::size_t size_ = 0;
};

template <typename T>
void PrefixTable<T>::insert(const Prefix& prefix, T value) {
  const Bits bits = Bits::of(prefix.address().bytes());
  const unsigned length = prefix.length();
  const Family family = prefix.family();

  NodeIndex parent = kNone;
  NodeIndex at = roots_[slot_of(family)];
  while (at != kNone && nodes_[at].length < length && nodes_[at].contains(bits)) {
    parent = at;
    at = nodes_[at].children[bits[nodes_[at].length]];
  }

  if (at != kNone && nodes_[at].length == length && nodes_[at].contains(bits)) {
    if (!nodes_[at].value) ++size_;
    nodes_[at].value = std::move(value);
    return;
  }

  const NodeIndex added = make_node(bits, length);
  nodes_[added].value = std::move(value);
  ++size_;
  if (at == kNone) {
    if (parent == kNone) {
      roots_[slot_of(family)] = added;
    } else {
      nodes_[parent].children[bits[nodes_[parent].length]] = added;
    }
    return;
  }
  const unsigned shared = std::min(Bits::common(bits, nodes_[at].bits), length);
  if (shared == length) {  // the new prefix contains the one found
    nodes_[added].children[nodes_[at].bits[length]] = at;
    replace_child(family, parent, at, added);
    return;
  }
  const NodeIndex fork = make_node(bits.first(shared), shared);
  nodes_[fork].children[bits[shared]] = added;
  nodes_[fork].children[nodes_[at].bits[shared]] = at;
  replace_child(family, parent, at, fork);
}

template <typename T>
bool PrefixTable<T>::erase(const Prefix& prefix) {
  const Path path = find_path(prefix);
  if (path.node == kNone) return false;
  erase_at(prefix.family(), path);
  return true;
}

template <typename T>
bool PrefixTable<T>::erase(const Prefix& prefix, const T& expected) {
  const Path path = find_path(prefix);
  if (path.node == kNone || !(*nodes_[path.node].value == expected)) return false;
  erase_at(prefix.family(), path);
  return true;
}

template <typename T>
template <typename Predicate>
std::size_t PrefixTable<T>::erase_if(Predicate predicate) {
  std::vector<Prefix> doomed;
  for_each([&](const Prefix& prefix, const T& value) {
    if (predicate(prefix, value)) doomed.push_back(prefix);
  });
  for (const Prefix& prefix : doomed) erase(prefix);
  return doomed.size();
}

template <typename T>
const T* PrefixTable<T>::lookup(Bytes address) const noexcept {
  assert(address.size() == 4 || address.size() == 16);
  const unsigned last = address.size() == 4 ? 32 : 128;
  const Bits bits = Bits::of(address);
  const T* best = nullptr;
  NodeIndex at = roots_[address.size() == 4 ? 0 : 1];
  while (at != kNone) {
    const Node& node = nodes_[at];
    if (!node.contains(bits)) break;
    if (node.value) best = &*node.value;
    if (node.length == last) break;
    at = node.children[bits[node.length]];
  }
  return best;
}

template <typename T>
const T* PrefixTable<T>::find(const Prefix& prefix) const noexcept {
  const Path path = find_path(prefix);
  return path.node == kNone ? nullptr : &*nodes_[path.node].value;
}

template <typename T>
template <typename Visitor>
void PrefixTable<T>::for_each(Visitor visit) const {
  for (const Family family : {Family::kV4, Family::kV6}) {
    std::array<NodeIndex, kMaxDepth + 1> waiting;  // at most one right child per level, and the next node
    std::size_t count = 0;
    if (const NodeIndex root = roots_[slot_of(family)]; root != kNone) waiting[count++] = root;
    while (count > 0) {
      const Node& node = nodes_[waiting[--count]];
      if (node.value) visit(prefix_of(family, node), *node.value);
      if (node.children[1] != kNone) waiting[count++] = node.children[1];
      if (node.children[0] != kNone) waiting[count++] = node.children[0];
    }
  }
}

template <typename T>
typename PrefixTable<T>::NodeIndex PrefixTable<T>::make_node(const Bits& bits, unsigned length) {
  NodeIndex index;
  if (free_.empty()) {
    index = static_cast<NodeIndex>(nodes_.size());
    nodes_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
    nodes_[index] = Node{};
  }
  nodes_[index].bits = bits;
  nodes_[index].length = static_cast<std::uint8_t>(length);
  return index;
}

template <typename T>
void PrefixTable<T>::free_node(NodeIndex index) noexcept {
  nodes_[index] = Node{};
  free_.push_back(index);
}

template <typename T>
typename PrefixTable<T>::Path PrefixTable<T>::find_path(const Prefix& prefix) const noexcept {
  const Bits bits = Bits::of(prefix.address().bytes());
  Path path{.node = roots_[slot_of(prefix.family())]};
  while (path.node != kNone) {
    const Node& node = nodes_[path.node];
    if (node.length > prefix.length() || !node.contains(bits)) return {};
    if (node.length == prefix.length()) return node.value ? path : Path{};
    path = {node.children[bits[node.length]], path.node, path.parent};
  }
  return {};
}

template <typename T>
void PrefixTable<T>::replace_child(Family family, NodeIndex parent, NodeIndex old_child,
                                   NodeIndex child) noexcept {
  if (parent == kNone) {
    roots_[slot_of(family)] = child;
    return;
  }
  auto& children = nodes_[parent].children;
  children[children[0] == old_child ? 0 : 1] = child;
}

template <typename T>
void PrefixTable<T>::erase_at(Family family, const Path& path) noexcept {
  Node& node = nodes_[path.node];
  node.value.reset();
  --size_;
  if (node.children[0] != kNone && node.children[1] != kNone) return;  // stays as a fork
  const NodeIndex only = node.children[0] != kNone ? node.children[0] : node.children[1];
  replace_child(family, path.parent, path.node, only);
  free_node(path.node);
  if (only != kNone || path.parent == kNone) return;
  // The parent lost a child: without a value it is no fork any more.
  const Node& parent = nodes_[path.parent];
  if (parent.value) return;
  const NodeIndex sibling = parent.children[0] != kNone ? parent.children[0] : parent.children[1];
  replace_child(family, path.grandparent, path.parent, sibling);
  free_node(path.parent);
}

template <typename T>
Prefix PrefixTable<T>::prefix_of(Family family, const Node& node) noexcept {
  std::uint8_t bytes[16];
  if (family == Family::kV4) {
    store_be(bytes, static_cast<std::uint32_t>(node.bits.high >> 32));
    return Prefix{IpAddress::from_bytes(Bytes{bytes, 4}), node.length};
  }
  store_be(bytes, node.bits.high);
  store_be(bytes + 8, node.bits.low);
  return Prefix{IpAddress::from_bytes(Bytes{bytes, 16}), node.length};
}

}  // namespace wgr
