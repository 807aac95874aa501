#include "core/keyed_hash.h"

#include <array>
#include <numeric>
#include <unordered_map>

#include "gtest/gtest.h"

namespace wgr {
namespace {

constexpr std::array<std::uint8_t, 16> kKey = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

IpAddress parse(const char* text) { return IpAddress::parse(text).value(); }

// The example of the paper by Aumasson and Bernstein, appendix A, and the first rows of the table beside the
// reference implementation: the input is 0, 1, 2, ... of each length.
TEST(KeyedHashTest, IsSipHash24) {
  std::array<std::uint8_t, 15> input{};
  std::iota(input.begin(), input.end(), std::uint8_t{0});
  const KeyedHash hash{kKey};
  EXPECT_EQ(hash(Bytes{input}), 0xa129ca6149be45e5u);
  EXPECT_EQ(hash(Bytes{}), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(hash(Bytes{input}.first(1)), 0x74f839c593dc67fdu);
}

TEST(KeyedHashTest, EachHasAKeyOfItsOwnUnlessItIsGivenOne) {
  const std::array<std::uint8_t, 4> input = {192, 0, 2, 1};
  EXPECT_EQ(KeyedHash{kKey}(input), KeyedHash{kKey}(input));
  EXPECT_NE(KeyedHash{}(input), KeyedHash{}(input));  // fails once in 2^64 runs

  const KeyedHash hash;
  const KeyedHash copy = hash;
  EXPECT_EQ(hash(input), copy(input));
}

TEST(KeyedAddressHashTest, EqualAddressesMeetHoweverTheyAreWritten) {
  const KeyedAddressHash hash{KeyedHash{kKey}};
  EXPECT_EQ(hash(parse("fe80::1")), hash(parse("FE80:0:0:0:0:0:0:1")));
  EXPECT_EQ(hash(parse("192.0.2.1")), hash(IpAddress::v4(192, 0, 2, 1)));
  EXPECT_NE(hash(parse("fe80::1")), hash(parse("fe80::2")));

  std::unordered_map<IpAddress, int, KeyedAddressHash> table;
  for (int i = 0; i < 1000; ++i) {
    table[parse(("fd00::" + std::to_string(i)).c_str())] = i;
  }
  EXPECT_EQ(table.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(table.at(parse(("FD00:0::" + std::to_string(i)).c_str())), i);
}

// Whoever knows what falls together in one process knows nothing about another.
TEST(KeyedAddressHashTest, OtherKeysMakeOtherTables) {
  const KeyedAddressHash one;
  const KeyedAddressHash other;
  std::size_t same_bucket = 0;
  constexpr std::size_t kBuckets = 64;
  for (int i = 0; i < 1000; ++i) {
    const IpAddress address = parse(("fd00::" + std::to_string(i)).c_str());
    if (one(address) % kBuckets == other(address) % kBuckets) ++same_bucket;
  }
  EXPECT_LT(same_bucket, 100u);  // 16 are expected
}

}  // namespace
}  // namespace wgr
