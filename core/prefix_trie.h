// A path-compressed binary trie: a value per string of up to 128 bits, the longest that an address begins
// with wins. PrefixTable has one for each family.
//
// The nodes are in one vector: copying the trie is copying a vector. No operation recurses; a lookup visits
// at most one node per length.
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
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/address_bits.h"

namespace wgr {

template <typename T>
class PrefixTrie {
 public:
  // Adds the prefix, the first `length` of `bits`, or replaces its value. REQUIRES: those behind are zero.
  void insert(const AddressBits& bits, unsigned length, T value);
  // Whether the prefix was there.
  bool erase(const AddressBits& bits, unsigned length);

  // The value of the longest prefix of the address; null if there is none. Valid until a change.
  const T* lookup(const AddressBits& address) const noexcept;
  // The value of exactly this prefix.
  const T* find(const AddressBits& bits, unsigned length) const noexcept {
    const Path path = find_path(bits, length);
    return path.node == kNone ? nullptr : &*nodes_[path.node].value;
  }

  // visit(bits, length, value) in the order of bits, a prefix before those it contains.
  template <typename Visitor>
  void for_each(Visitor visit) const;

  std::size_t size() const noexcept { return size_; }

 private:
  using NodeIndex = std::uint32_t;
  static constexpr NodeIndex kNone = ~NodeIndex{0};

  struct Node {
    AddressBits bits;
    std::array<NodeIndex, 2> children{kNone, kNone};
    std::uint8_t length = 0;
    std::optional<T> value;

    bool contains(const AddressBits& other) const noexcept {
      return AddressBits::common(bits, other) >= length;
    }
  };

  // The nodes from the root to `node`, so that an erased node's neighbours can be joined.
  struct Path {
    NodeIndex node = kNone;
    NodeIndex parent = kNone;
    NodeIndex grandparent = kNone;
  };

  NodeIndex make_node(const AddressBits& bits, unsigned length) {
    if (free_.empty()) {
      free_.push_back(static_cast<NodeIndex>(nodes_.size()));
      nodes_.emplace_back();
    }
    const NodeIndex index = free_.back();
    free_.pop_back();
    nodes_[index].bits = bits;
    nodes_[index].length = static_cast<std::uint8_t>(length);
    return index;
  }
  void free_node(NodeIndex index) {
    nodes_[index] = Node{};
    free_.push_back(index);
  }
  Path find_path(const AddressBits& bits, unsigned length) const noexcept;
  // Puts `child` where `old_child` hangs: below `parent`, or at the root if there is no parent.
  void replace_child(NodeIndex parent, NodeIndex old_child, NodeIndex child) noexcept {
    if (parent == kNone) {
      root_ = child;
      return;
    }
    auto& children = nodes_[parent].children;
    children[children[0] == old_child ? 0 : 1] = child;
  }

  NodeIndex root_ = kNone;
  std::vector<Node> nodes_;
  std::vector<NodeIndex> free_;
  std::size_t size_ = 0;
};

template <typename T>
void PrefixTrie<T>::insert(const AddressBits& bits, unsigned length, T value) {
  NodeIndex parent = kNone;
  NodeIndex at = root_;
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
    (parent == kNone ? root_ : nodes_[parent].children[bits[nodes_[parent].length]]) = added;
    return;
  }
  const unsigned shared = std::min(AddressBits::common(bits, nodes_[at].bits), length);
  if (shared == length) {  // the new prefix contains the one found
    nodes_[added].children[nodes_[at].bits[length]] = at;
    replace_child(parent, at, added);
    return;
  }
  const NodeIndex fork = make_node(bits.first(shared), shared);
  nodes_[fork].children[bits[shared]] = added;
  nodes_[fork].children[nodes_[at].bits[shared]] = at;
  replace_child(parent, at, fork);
}

template <typename T>
bool PrefixTrie<T>::erase(const AddressBits& bits, unsigned length) {
  const Path path = find_path(bits, length);
  if (path.node == kNone) return false;
  Node& node = nodes_[path.node];
  node.value.reset();
  --size_;
  if (node.children[0] != kNone && node.children[1] != kNone) return true;  // stays as a fork
  const NodeIndex only = node.children[0] != kNone ? node.children[0] : node.children[1];
  replace_child(path.parent, path.node, only);
  free_node(path.node);
  if (only != kNone || path.parent == kNone) return true;
  // The parent lost a child: without a value it is no fork any more.
  const Node& parent = nodes_[path.parent];
  if (parent.value) return true;
  const NodeIndex sibling = parent.children[0] != kNone ? parent.children[0] : parent.children[1];
  replace_child(path.grandparent, path.parent, sibling);
  free_node(path.parent);
  return true;
}

template <typename T>
const T* PrefixTrie<T>::lookup(const AddressBits& address) const noexcept {
  const T* best = nullptr;
  NodeIndex at = root_;
  while (at != kNone) {
    const Node& node = nodes_[at];
    if (!node.contains(address)) break;
    if (node.value) best = &*node.value;
    if (node.length == AddressBits::kCount) break;
    at = node.children[address[node.length]];
  }
  return best;
}

template <typename T>
template <typename Visitor>
void PrefixTrie<T>::for_each(Visitor visit) const {
  // At most one right child per length, 0 to 128, and the next node.
  std::array<NodeIndex, AddressBits::kCount + 2> waiting;
  std::size_t count = 0;
  if (root_ != kNone) waiting[count++] = root_;
  while (count > 0) {
    const Node& node = nodes_[waiting[--count]];
    if (node.value) visit(node.bits, unsigned{node.length}, *node.value);
    if (node.children[1] != kNone) waiting[count++] = node.children[1];
    if (node.children[0] != kNone) waiting[count++] = node.children[0];
  }
}

template <typename T>
typename PrefixTrie<T>::Path PrefixTrie<T>::find_path(const AddressBits& bits,
                                                      unsigned length) const noexcept {
  Path path{.node = root_};
  while (path.node != kNone) {
    const Node& node = nodes_[path.node];
    if (node.length > length || !node.contains(bits)) return {};
    if (node.length == length) return node.value ? path : Path{};
    path = {node.children[bits[node.length]], path.node, path.parent};
  }
  return {};
}

}  // namespace wgr
