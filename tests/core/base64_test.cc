#include "core/base64.h"

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr {
namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr std::string_view kSharedCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

TEST(Base64Test, Rfc4648_10_VectorsHoldBothWays) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, encoded] : rows) {
    EXPECT_EQ(to_base64(bytes_of(plain)), encoded);
    const auto decoded = from_base64(encoded);
    ASSERT_TRUE(decoded) << encoded;
    EXPECT_EQ(text_of(*decoded), plain);

    const std::string_view bare = encoded.substr(0, encoded.find('='));
    EXPECT_EQ(to_base64url(bytes_of(plain)), bare);
    const auto from_url = from_base64url(bare);
    ASSERT_TRUE(from_url) << bare;
    EXPECT_EQ(text_of(*from_url), plain);
  }
}

TEST(Base64Test, FormsDifferInTwoCharacters) {
  const Buffer bytes{0xfb, 0xff, 0xbf};
  EXPECT_EQ(to_base64(bytes), "+/+/");
  EXPECT_EQ(to_base64url(bytes), "-_-_");
  EXPECT_EQ(from_base64("+/+/"), bytes);
  EXPECT_EQ(from_base64url("-_-_"), bytes);
}

TEST(Base64Test, EveryByteOutsideTheAlphabetIsRefused) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("AA") + static_cast<char>(byte) + "A";
    const bool is_shared = kSharedCharacters.find(static_cast<char>(byte)) != std::string_view::npos;
    EXPECT_EQ(from_base64(text).has_value(), is_shared || byte == '+' || byte == '/') << byte;
    EXPECT_EQ(from_base64url(text).has_value(), is_shared || byte == '-' || byte == '_') << byte;
  }
}

// RFC 4648 3.2, 3.5: one text for each value.
TEST(Base64Test, PaddingAndSpareBitsMustBeRight) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "==", "Zm8",
        "Zm9v=", "Zm9v====", "Zg==Zg==", "Z=g=", "Zh==", "Zm9=", "Zg==\n", " Zg=", "Zm 9v"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
  for (const std::string_view text : {"Z", "Zg==", "Zm8=", "Zh", "Zm9", "Zm9vZ"}) {
    EXPECT_FALSE(from_base64url(text)) << text;
  }
}

TEST(Base64Test, MemoryOfTheCallerMustFit) {
  Buffer three(3);
  EXPECT_TRUE(decode_base64("Zm9v", three));
  EXPECT_EQ(text_of(three), "foo");
  EXPECT_FALSE(decode_base64("Zm8=", three));
  EXPECT_FALSE(decode_base64("Zm9vYg==", three));
  EXPECT_FALSE(decode_base64("Zm9", three));
  EXPECT_FALSE(decode_base64("", three));
  EXPECT_TRUE(decode_base64("", {}));
}

TEST(Base64Test, RandomBytesSurviveTheRoundTrip) {
  const std::uint64_t seed = 4648;
  SCOPED_TRACE(seed);
  Rng rng{seed};
  for (std::size_t size = 0; size < 300; ++size) {
    Buffer bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
  }
}

TEST(HexTest, DigitsOfEitherCaseMakeBytes) {
  Buffer bytes(3);
  EXPECT_TRUE(decode_hex("00fFa5", bytes));
  EXPECT_EQ(bytes, (Buffer{0x00, 0xff, 0xa5}));
  EXPECT_EQ(to_hex_with_colons(bytes), "00:ff:a5");
  EXPECT_EQ(to_hex_with_colons({}), "");
  for (const std::string_view text :
       {"", "00ff", "00ffa", "00ffa500", "00ffg5", "0x00ff", "00ff:5", " 00ff5"}) {
    EXPECT_FALSE(decode_hex(text, bytes)) << text;
  }
}

TEST(HexTest, EveryByteThatIsNoDigitIsRefused) {
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  for (int byte = 0; byte < 256; ++byte) {
    std::uint8_t out = 0;
    const std::string text{'0', static_cast<char>(byte)};
    const bool is_digit = kDigits.find(static_cast<char>(byte)) != std::string_view::npos;
    EXPECT_EQ(decode_hex(text, {&out, 1}), is_digit) << byte;
  }
}

}  // namespace
}  // namespace wgr
