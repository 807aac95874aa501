#include "wireguard/key_text.h"

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::wireguard {
namespace {

// `wg pubkey` of the all-ones private key, and its bytes.
constexpr char kBase64[] = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";
constexpr char kHex[] = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";

TEST(KeyTextTest, ReadsBase64AndHexAlike) {
  const auto from_base64 = parse_public_key(kBase64);
  ASSERT_TRUE(from_base64);
  EXPECT_EQ(from_base64, parse_public_key(kHex));
  EXPECT_EQ((*from_base64)[0], 0x85);
  EXPECT_EQ((*from_base64)[31], 0x6a);
  EXPECT_EQ(to_base64(*from_base64), kBase64);
}

TEST(KeyTextTest, RefusesEveryOtherForm) {
  const std::string good = kBase64;
  const std::string bad[] = {
      "",
      good.substr(1),
      good + "=",
      " " + good.substr(1),
      good.substr(0, 43) + "A",   // no padding
      good.substr(0, 42) + "p=",  // two stray bits after the key
      good.substr(0, 42) + "==",
      "-" + good.substr(1),  // URL alphabet
      std::string(1, '\0') + good.substr(1),
      "\xff" + good.substr(1),
      std::string(kHex).substr(1),
      "g" + std::string(kHex).substr(1),
      "0x" + std::string(kHex).substr(2),
  };
  for (const std::string& text : bad) {
    EXPECT_FALSE(parse_public_key(text)) << text;
    EXPECT_FALSE(parse_secret_key(text)) << text;
  }
}

TEST(KeyTextTest, EveryByteThatIsNotBase64IsRefused) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int byte = 0; byte < 256; ++byte) {
    std::string text = kBase64;
    text[7] = static_cast<char>(byte);
    const bool is_base64 = alphabet.find(static_cast<char>(byte)) != std::string::npos;
    EXPECT_EQ(parse_public_key(text).has_value(), is_base64) << byte;
  }
}

TEST(KeyTextTest, RandomKeysSurviveTheRoundTrip) {
  const std::uint64_t seed = 20240117;
  SCOPED_TRACE(seed);
  Rng rng{seed};
  for (int round = 0; round < 500; ++round) {
    PublicKey key;
    for (auto& byte : key) byte = static_cast<std::uint8_t>(rng.next());
    EXPECT_EQ(parse_public_key(to_base64(key)), key);
    const auto secret = parse_secret_key(secret_to_base64(SecretBytes<32>{key}));
    ASSERT_TRUE(secret);
    EXPECT_TRUE(equal_secret(secret->bytes(), key));
  }
}

}  // namespace
}  // namespace wgr::wireguard
