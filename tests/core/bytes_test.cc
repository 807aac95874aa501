#include "core/bytes.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

TEST(BytesTest, LoadsBothByteOrdersFromOddPlaces) {
  const std::uint8_t memory[] = {0xff, 1, 2, 3, 4, 5, 6, 7, 8};
  const std::uint8_t* const odd = memory + 1;
  EXPECT_EQ(load_be<std::uint8_t>(odd), 1);
  EXPECT_EQ(load_be<std::uint16_t>(odd), 0x0102);
  EXPECT_EQ(load_be<std::uint32_t>(odd), 0x01020304u);
  EXPECT_EQ(load_be<std::uint64_t>(odd), 0x0102030405060708u);
  EXPECT_EQ(load_le<std::uint16_t>(odd), 0x0201);
  EXPECT_EQ(load_le<std::uint32_t>(odd), 0x04030201u);
  EXPECT_EQ(load_le<std::uint64_t>(odd), 0x0807060504030201u);
}

TEST(BytesTest, StoresWhatIsLoadedAndNothingElse) {
  std::uint8_t memory[10];
  std::fill(std::begin(memory), std::end(memory), std::uint8_t{0xee});
  store_be(memory + 1, std::uint64_t{0x0102030405060708});
  EXPECT_EQ(memory[0], 0xee);
  EXPECT_EQ(memory[1], 1);
  EXPECT_EQ(memory[8], 8);
  EXPECT_EQ(memory[9], 0xee);
  EXPECT_EQ(load_be<std::uint64_t>(memory + 1), 0x0102030405060708u);

  store_le(memory + 1, std::uint32_t{0x0a0b0c0d});
  EXPECT_EQ(memory[1], 0x0d);
  EXPECT_EQ(memory[4], 0x0a);
  EXPECT_EQ(memory[5], 5);
  store_be(memory + 1, std::uint16_t{0xabcd});
  EXPECT_EQ(memory[1], 0xab);
  EXPECT_EQ(memory[2], 0xcd);
  EXPECT_EQ(memory[3], 0x0b);
}

TEST(BytesTest, TextAndBytesAreTheSameMemory) {
  const std::string_view text{"a\0\xff", 3};
  const Bytes bytes = bytes_of(text);
  EXPECT_EQ(bytes.size(), 3u);
  EXPECT_EQ(bytes[2], 0xff);
  EXPECT_EQ(text_of(bytes).data(), text.data());
  EXPECT_EQ(text_of(bytes), text);
  EXPECT_TRUE(bytes_of({}).empty());
  EXPECT_TRUE(text_of({}).empty());
}

}  // namespace
}  // namespace wgr
