#include "core/address_bits.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

AddressBits bits_of(const char* text) {
  const auto parsed = IpAddress::parse(text);
  EXPECT_TRUE(parsed) << text;
  return AddressBits::of(parsed.value_or(IpAddress{}).bytes());
}

TEST(AddressBitsTest, CountFromTheMostSignificant) {
  const AddressBits bits = bits_of("8000::1");
  for (unsigned i = 0; i < AddressBits::kCount; ++i) EXPECT_EQ(bits[i], i == 0 || i == 127 ? 1u : 0u) << i;
}

TEST(AddressBitsTest, V4IsTheFirst32) {
  const AddressBits bits = bits_of("128.0.0.1");
  for (unsigned i = 0; i < AddressBits::kCount; ++i) EXPECT_EQ(bits[i], i == 0 || i == 31 ? 1u : 0u) << i;
}

TEST(AddressBitsTest, CommonCountsUpToTheFirstThatDiffers) {
  const struct {
    const char* a;
    const char* b;
    unsigned expected;
  } kCases[] = {
      {"10.0.0.0", "10.0.0.0", 128},
      {"10.0.0.0", "10.0.0.1", 31},
      {"0.0.0.0", "128.0.0.0", 0},
      {"2001:db8::", "2001:db8::1", 127},
      {"2001:db8::", "2001:db8:0:0:8000::", 64},
      {"2001:db8::", "2001:db8:0:1::", 63},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(AddressBits::common(bits_of(c.a), bits_of(c.b)), c.expected) << c.a << " " << c.b;
    EXPECT_EQ(AddressBits::common(bits_of(c.b), bits_of(c.a)), c.expected) << c.b << " " << c.a;
  }
}

TEST(AddressBitsTest, FirstClearsWhatIsBehind) {
  const AddressBits ones = bits_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  for (unsigned length = 0; length <= AddressBits::kCount; ++length) {
    const AddressBits first = ones.first(length);
    EXPECT_EQ(AddressBits::common(first, ones), length);
    EXPECT_EQ(AddressBits::common(first, AddressBits{}), length == 0 ? 128u : 0u);
  }
}

TEST(AddressBitsTest, GivesTheAddressBack) {
  for (const char* const text : {"0.0.0.0", "192.0.2.255", "::", "2001:db8:1:2:3:4:5:6"}) {
    const IpAddress address = IpAddress::parse(text).value_or(IpAddress{});
    EXPECT_EQ(AddressBits::of(address.bytes()).address(address.family()), address) << text;
  }
}

}  // namespace
}  // namespace wgr
