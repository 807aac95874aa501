// What PrefixTable's tests cannot see: prefixes of bits that are no address's.
#include "core/prefix_trie.h"

#include <tuple>
#include <vector>

#include "gtest/gtest.h"

namespace wgr {
namespace {

constexpr std::uint64_t kTop = std::uint64_t{1} << 63;

TEST(PrefixTrieTest, TheEmptyPrefixIsOfEveryAddress) {
  PrefixTrie<int> trie;
  EXPECT_EQ(trie.lookup({}), nullptr);
  trie.insert({}, 0, 7);
  ASSERT_NE(trie.lookup({kTop, 1}), nullptr);
  EXPECT_EQ(*trie.lookup({kTop, 1}), 7);
  EXPECT_TRUE(trie.erase({}, 0));
  EXPECT_FALSE(trie.erase({}, 0));
  EXPECT_EQ(trie.size(), 0u);
}

TEST(PrefixTrieTest, BranchesOnEveryBitOfBothWords) {
  PrefixTrie<unsigned> trie;
  const AddressBits ones{~std::uint64_t{0}, ~std::uint64_t{0}};
  for (unsigned length = 0; length <= AddressBits::kCount; ++length) {
    trie.insert(ones.first(length), length, length);
  }
  EXPECT_EQ(trie.size(), AddressBits::kCount + 1);
  for (unsigned length = 0; length <= AddressBits::kCount; ++length) {
    EXPECT_EQ(*trie.lookup(ones.first(length)), length) << "zeros follow the ones";
    EXPECT_EQ(*trie.find(ones.first(length), length), length);
  }
}

TEST(PrefixTrieTest, AForkIsNoEntryAndGoesWithItsBranches) {
  PrefixTrie<int> trie;
  trie.insert({0, 2}, 127, 1);
  trie.insert({0, 0}, 127, 2);  // part at bit 126
  EXPECT_EQ(trie.find({0, 0}, 126), nullptr);
  EXPECT_FALSE(trie.erase({0, 0}, 126));
  using Entry = std::tuple<std::uint64_t, unsigned, int>;
  std::vector<Entry> entries;
  const auto visit = [&](const AddressBits& bits, unsigned length, int value) {
    entries.emplace_back(bits.low, length, value);
  };
  trie.for_each(visit);
  EXPECT_EQ(entries, (std::vector<Entry>{{0, 127, 2}, {2, 127, 1}}));

  entries.clear();
  EXPECT_TRUE(trie.erase({0, 2}, 127));
  trie.for_each(visit);
  EXPECT_EQ(entries, (std::vector<Entry>{{0, 127, 2}}));
  EXPECT_TRUE(trie.erase({0, 0}, 127));
  EXPECT_EQ(trie.lookup({0, 0}), nullptr);
}

}  // namespace
}  // namespace wgr
