#include "ws/frame.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::ws {
namespace {

TEST(FrameTest, LengthsTakeTheFewestBytes) {
  struct Row {
    std::uint64_t length;
    std::size_t size;
  };
  for (const auto& [length, size] :
       {Row{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}, {~std::uint64_t{0} >> 1, 10}}) {
    for (const bool is_masked : {false, true}) {
      const FrameHeader header{
          .opcode = Opcode::kText, .is_masked = is_masked, .length = length, .key = {1, 2, 3, 4}};
      std::uint8_t bytes[kMaxFrameHeader];
      const std::size_t written = write_frame_header(bytes, header);
      ASSERT_EQ(written, size + (is_masked ? 4 : 0));
      ASSERT_EQ(frame_header_size(header), written);
      ASSERT_EQ(frame_header_size(bytes[0], bytes[1]), written);
      const FrameHeader read = read_frame_header({bytes, written});
      EXPECT_EQ(read.length, length);
      EXPECT_EQ(read.is_masked, is_masked);
      EXPECT_EQ(read.opcode, Opcode::kText);
      EXPECT_TRUE(read.is_final);
      EXPECT_TRUE(length_is_minimal({bytes, written}));
      EXPECT_EQ(read.key, is_masked ? header.key : MaskingKey{});
    }
  }
}

// RFC 6455 5.7: "Hello", masked.
TEST(FrameTest, ReadsTheExampleOfTheStandard) {
  std::uint8_t bytes[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
  const FrameHeader header = read_frame_header(Bytes{bytes}.first(6));
  EXPECT_EQ(header.opcode, Opcode::kText);
  EXPECT_EQ(header.length, 5u);
  apply_mask(MutableBytes{bytes}.subspan(6), header.key);
  EXPECT_EQ(std::string(bytes + 6, bytes + 11), "Hello");
}

TEST(FrameTest, MaskingIsTheXorOfEveryByteAtAnyPlaceAndSize) {
  Rng rng{1};
  std::vector<std::uint8_t> source(300);
  for (std::uint8_t& byte : source) byte = static_cast<std::uint8_t>(rng.next());
  const MaskingKey key{0x11, 0x22, 0x33, 0x44};
  for (std::size_t offset = 0; offset < 9; ++offset) {
    for (std::size_t size = 0; size <= 200; ++size) {
      std::vector<std::uint8_t> in_place = source;
      std::vector<std::uint8_t> copied(source.size(), 0xee);
      apply_mask(MutableBytes{in_place}.subspan(offset, size), key);
      copy_masked(copied.data() + offset, Bytes{source}.subspan(offset, size), key);
      for (std::size_t i = 0; i < source.size(); ++i) {
        const bool is_inside = i >= offset && i < offset + size;
        const auto masked = static_cast<std::uint8_t>(source[i] ^ key[(i - offset) % 4]);
        ASSERT_EQ(in_place[i], is_inside ? masked : source[i]) << offset << " " << size << " " << i;
        ASSERT_EQ(copied[i], is_inside ? masked : 0xee);
      }
    }
  }
}

TEST(FrameTest, KeyAdvancesWithTheBytesBeforeIt) {
  EXPECT_EQ(advance_key({1, 2, 3, 4}, 0), (MaskingKey{1, 2, 3, 4}));
  EXPECT_EQ(advance_key({1, 2, 3, 4}, 7), (MaskingKey{4, 1, 2, 3}));
}

}  // namespace
}  // namespace wgr::ws
