#include "core/wire/checksum.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::wire {
namespace {

// The definition, byte by byte.
std::uint16_t naive_checksum(Bytes bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::vector<std::uint8_t> random_bytes(Rng& rng, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return bytes;
}

class ChecksumTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kSeed = 20;

  Rng rng_{kSeed};
  testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(kSeed)};
};

// RFC 1071 3: the worked example.
TEST_F(ChecksumTest, MatchesTheExampleOfRfc1071) {
  const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(PartialSum::of(bytes).checksum(), static_cast<std::uint16_t>(~0xddf2));
}

TEST_F(ChecksumTest, SumOfNothingIsZero) {
  EXPECT_EQ(PartialSum::of({}).checksum(), 0xffff);
  EXPECT_EQ(PartialSum{}.checksum(), 0xffff);
}

TEST_F(ChecksumTest, EveryLengthAndBaseMatchesTheDefinition) {
  const std::vector<std::uint8_t> memory = random_bytes(rng_, 400);
  for (std::size_t base = 0; base < 16; ++base) {
    for (std::size_t size = 0; size + base <= memory.size(); ++size) {
      const Bytes bytes = Bytes{memory}.subspan(base, size);
      ASSERT_EQ(PartialSum::of(bytes).checksum(), naive_checksum(bytes)) << base << ' ' << size;
    }
  }
}

TEST_F(ChecksumTest, CarriesOfLongRunsOfOnesAreKept) {
  for (const std::size_t size : {1u, 2u, 3u, 63u, 64u, 65u, 1480u, 65535u}) {
    const std::vector<std::uint8_t> ones(size, 0xff);
    EXPECT_EQ(PartialSum::of(ones).checksum(), naive_checksum(ones)) << size;
  }
}

TEST_F(ChecksumTest, PartsJoinedAtAnyOffsetSumToTheWhole) {
  const std::vector<std::uint8_t> whole = random_bytes(rng_, 301);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    const PartialSum head = PartialSum::of(Bytes{whole}.first(cut));
    const PartialSum tail = PartialSum::of(Bytes{whole}.subspan(cut));
    const PartialSum joined = head + (cut % 2 == 0 ? tail : tail.at_odd_offset());
    ASSERT_EQ(joined.checksum(), naive_checksum(whole)) << cut;
  }
}

TEST_F(ChecksumTest, WordsCountAsTheyStandInMemory) {
  const std::uint8_t bytes[] = {0x12, 0x34};
  EXPECT_EQ(PartialSum::of_word(0x1234).checksum(), PartialSum::of(bytes).checksum());
}

TEST_F(ChecksumTest, IncrementalUpdateAgreesWithSummingAgain) {
  std::vector<std::uint8_t> bytes = random_bytes(rng_, 20);
  for (int round = 0; round < 2000; ++round) {
    const std::uint16_t before = naive_checksum(bytes);
    const std::size_t at = rng_.below(bytes.size() / 2) * 2;
    const auto old_word = load_be<std::uint16_t>(&bytes[at]);
    const auto new_word = static_cast<std::uint16_t>(rng_.next());
    store_be(&bytes[at], new_word);
    ASSERT_EQ(updated_checksum(before, old_word, new_word), naive_checksum(bytes)) << round;
  }
}

// RFC 1624 4: where equation 2 of RFC 1141 gives 0xffff.
TEST_F(ChecksumTest, IncrementalUpdateMatchesTheExampleOfRfc1624) {
  EXPECT_EQ(updated_checksum(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST_F(ChecksumTest, PseudoHeaderIsTheBytesOfTheRfc) {
  const std::uint8_t v4[] = {10, 0, 0, 1, 192, 168, 2, 3, 0, 17, 0x05, 0x6c};
  EXPECT_EQ(
      pseudo_header_sum(IpAddress::v4(10, 0, 0, 1), IpAddress::v4(192, 168, 2, 3), IpProtocol::kUdp, 0x056c)
          .checksum(),
      naive_checksum(v4));

  std::vector<std::uint8_t> v6 = random_bytes(rng_, 40);
  const IpAddress source = IpAddress::from_bytes(Bytes{v6}.first(16));
  const IpAddress destination = IpAddress::from_bytes(Bytes{v6}.subspan(16, 16));
  store_be(&v6[32], std::uint32_t{0xfedc});
  store_be(&v6[36], std::uint32_t{6});
  EXPECT_EQ(pseudo_header_sum(source, destination, IpProtocol::kTcp, 0xfedc).checksum(), naive_checksum(v6));
}

}  // namespace
}  // namespace wgr::wire
