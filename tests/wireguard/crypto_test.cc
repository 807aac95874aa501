// BLAKE2s, HMAC, the key derivation, X25519 and both AEADs against the vectors of their documents.
#include "wireguard/crypto.h"

#include <numeric>

#include "gtest/gtest.h"

#include "tests/wireguard/hex.h"
#include "tests/wireguard/low_order_points.h"
#include "wireguard/blake2s.h"
#include "wireguard/kdf.h"
#include "wireguard/tai64n.h"

namespace wgr::wireguard {
namespace {

std::vector<std::uint8_t> counting(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

// --- BLAKE2s ---

TEST(Blake2sTest, Rfc7693_AppendixB_HashesAbc) {
  EXPECT_EQ(to_hex(hash(bytes_of_text("abc"))),
            "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

// The deterministic sequence of RFC 7693 appendix E.
std::vector<std::uint8_t> selftest_sequence(std::size_t size, std::uint32_t seed) {
  std::uint32_t a = 0xdead4bad * seed, b = 1;
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t t = a + b;
    a = b;
    b = t;
    bytes.push_back(static_cast<std::uint8_t>(t >> 24));
  }
  return bytes;
}

TEST(Blake2sTest, Rfc7693_AppendixE_SelfTestOfAllSizes) {
  Blake2s all;
  for (const std::size_t digest_size : {16u, 20u, 28u, 32u}) {
    for (const std::size_t input_size : {0u, 3u, 64u, 65u, 255u, 1024u}) {
      const auto input = selftest_sequence(input_size, static_cast<std::uint32_t>(input_size));
      const auto key = selftest_sequence(digest_size, static_cast<std::uint32_t>(digest_size));
      std::uint8_t digest[32];
      Blake2s{digest_size}.update(input).finish(digest);
      all.update({digest, digest_size});
      Blake2s{digest_size, key}.update(input).finish(digest);
      all.update({digest, digest_size});
    }
  }
  Hash result;
  all.finish(result.data());
  EXPECT_EQ(to_hex(result), "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

TEST(Blake2sTest, KeyedHashMatchesTheKnownAnswers) {
  const auto key = counting(32);
  Hash digest;
  Blake2s{32, key}.finish(digest.data());
  EXPECT_EQ(to_hex(digest), "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49");
  Blake2s{32, key}.update(counting(1)).finish(digest.data());
  EXPECT_EQ(to_hex(digest), "40d15fee7c328830166ac3f918650f807e7e01e177258cdc0a39b11f598066f1");
}

TEST(Blake2sTest, PiecesHashLikeTheWhole) {
  const auto input = counting(200);
  const Hash whole = hash(input);
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    EXPECT_EQ(hash(Bytes{input}.first(cut), Bytes{input}.subspan(cut)), whole) << cut;
  }
}

// --- key derivation ---

TEST(KdfTest, MatchesTheGoldenValues) {
  SecretKey first, second, third;
  derive(bytes_of_text("test-key"), bytes_of_text("test-input"), first, second, third);
  EXPECT_EQ(to_hex(first.bytes()), "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633");
  EXPECT_EQ(to_hex(second.bytes()), "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a");
  EXPECT_EQ(to_hex(third.bytes()), "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24");

  derive({}, {}, first, second, third);
  EXPECT_EQ(to_hex(first.bytes()), "8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5d0");
  EXPECT_EQ(to_hex(second.bytes()), "58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e86e");
  EXPECT_EQ(to_hex(third.bytes()), "0ce6ea98ec548f8e281e93e32db65621c45eb18dc6f0a7ad94178610a2f7338e");
}

TEST(KdfTest, FewerKeysAreAPrefixOfMore) {
  SecretKey a1, b1, b2, c1, c2, c3;
  const Bytes key = bytes_of_text("test-key"), input = bytes_of_text("test-input");
  derive(key, input, a1);
  derive(key, input, b1, b2);
  derive(key, input, c1, c2, c3);
  EXPECT_TRUE(equal_secret(a1.bytes(), c1.bytes()));
  EXPECT_TRUE(equal_secret(b1.bytes(), c1.bytes()));
  EXPECT_TRUE(equal_secret(b2.bytes(), c2.bytes()));
}

TEST(KdfTest, KeyMayBeAnOutput) {
  SecretKey expected, key{hash(bytes_of_text("key"))};
  derive(key.bytes(), bytes_of_text("input"), expected);
  derive(key.bytes(), bytes_of_text("input"), key);
  EXPECT_TRUE(equal_secret(key.bytes(), expected.bytes()));
}

// --- X25519 ---

PrivateKey private_key(std::string_view hex) { return PrivateKey{array_from_hex<32>(hex)}; }

TEST(X25519Test, Rfc7748_Section5_2_Vectors) {
  SecretBytes<32> shared;
  ASSERT_TRUE(
      diffie_hellman(shared, private_key("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                     array_from_hex<32>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")));
  EXPECT_EQ(to_hex(shared.bytes()), "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  ASSERT_TRUE(
      diffie_hellman(shared, private_key("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                     array_from_hex<32>("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")));
  EXPECT_EQ(to_hex(shared.bytes()), "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST(X25519Test, Rfc7748_Section6_1_BothSidesAgree) {
  const PrivateKey alice = private_key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const PrivateKey bob = private_key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  EXPECT_EQ(to_hex(public_key_of(alice)), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(public_key_of(bob)), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  SecretBytes<32> ours, theirs;
  ASSERT_TRUE(diffie_hellman(ours, alice, public_key_of(bob)));
  ASSERT_TRUE(diffie_hellman(theirs, bob, public_key_of(alice)));
  EXPECT_EQ(to_hex(ours.bytes()), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  EXPECT_EQ(to_hex(theirs.bytes()), to_hex(ours.bytes()));
}

TEST(X25519Test, RefusesLowOrderPoints) {
  for (const std::string_view point : kLowOrderPoints) {
    SecretBytes<32> shared;
    EXPECT_FALSE(diffie_hellman(shared, generate_private_key(), array_from_hex<32>(point))) << point;
  }
}

TEST(X25519Test, GeneratedKeysAreClamped) {
  for (int i = 0; i < 64; ++i) {
    const PrivateKey key = generate_private_key();
    EXPECT_EQ(key.data()[0] & 7, 0);
    EXPECT_EQ(key.data()[31] & 0xc0, 0x40);
  }
}

// --- ChaCha20-Poly1305 ---

constexpr std::string_view kRfc8439Key = "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0";
constexpr std::uint64_t kRfc8439Nonce = 0x0807060504030201;  // after four zero bytes
constexpr std::string_view kRfc8439Text =
    "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or "
    "obsoleted by other documents at any time. It is inappropriate to use Internet-Drafts as reference "
    "material "
    "or to cite them other than as /\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
constexpr std::string_view kRfc8439Sealed =
    "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c"
    "321b0100"
    "d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e"
    "2b350638"
    "3606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7"
    "f83fa115"
    "5b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a67276"
    "27097a10"
    "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336"
    "fea1851f"
    "38";

TEST(AeadKeyTest, Rfc8439_AppendixA5_SealsAndOpens) {
  const AeadKey key{SecretBytes<32>{array_from_hex<32>(kRfc8439Key)}};
  const auto additional = from_hex("f33388860000000000004e91");
  std::vector<std::uint8_t> sealed(kRfc8439Text.size() + kTagSize);
  key.seal(kRfc8439Nonce, bytes_of_text(kRfc8439Text), additional, sealed.data());
  EXPECT_EQ(to_hex(sealed), kRfc8439Sealed);

  ASSERT_TRUE(key.open(kRfc8439Nonce, sealed, additional));
  sealed.resize(kRfc8439Text.size());
  EXPECT_EQ(to_hex(sealed), to_hex(bytes_of_text(kRfc8439Text)));
}

TEST(AeadKeyTest, AnyChangedBitIsRefused) {
  const AeadKey key{SecretBytes<32>::random()};
  std::vector<std::uint8_t> sealed(20 + kTagSize);
  key.seal(7, counting(20), {}, sealed.data());
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto forged = sealed;
    forged[bit / 8] = static_cast<std::uint8_t>(forged[bit / 8] ^ 1u << (bit % 8));
    EXPECT_FALSE(key.open(7, forged)) << bit;
  }
  auto copy = sealed;
  EXPECT_FALSE(key.open(8, copy));
  copy = sealed;
  EXPECT_FALSE(key.open(7, copy, bytes_of_text("x")));
  copy = sealed;
  EXPECT_TRUE(key.open(7, copy));
}

TEST(AeadKeyTest, SealsInPlaceAsOutOfPlaceAtEverySize) {
  const AeadKey key{SecretBytes<32>::random()};
  for (std::size_t size = 0; size < 600; size += 7) {
    const auto text = counting(size);
    std::vector<std::uint8_t> apart(size + kTagSize), in_place(size + kTagSize);
    key.seal(size, text, {}, apart.data());
    std::copy(text.begin(), text.end(), in_place.begin());
    key.seal(size, Bytes{in_place}.first(size), {}, in_place.data());
    ASSERT_EQ(apart, in_place) << size;
  }
}

// draft-irtf-cfrg-xchacha A.3.1
TEST(XChaCha20Poly1305Test, DraftVectorSealsAndOpens) {
  const SecretBytes<32> key{
      array_from_hex<32>("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")};
  const auto nonce = array_from_hex<24>("404142434445464748494a4b4c4d4e4f5051525354555657");
  const auto additional = from_hex("50515253c0c1c2c3c4c5c6c7");
  const Bytes text = bytes_of_text(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
      "would be "
      "it.");
  std::vector<std::uint8_t> sealed(text.size() + kTagSize);
  xseal(key, nonce, text, additional, sealed.data());
  EXPECT_EQ(to_hex(sealed),
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
            "ae64c6708c54"
            "c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c9763"
            "7da9768812f6"
            "15c68b13b52ec0875924c1c7987947deafd8780acf49");
  std::vector<std::uint8_t> opened(text.size());
  ASSERT_TRUE(xopen(key, nonce, sealed, additional, opened.data()));
  EXPECT_EQ(to_hex(opened), to_hex(text));
  sealed[3] ^= 1;
  EXPECT_FALSE(xopen(key, nonce, sealed, additional, opened.data()));
}

// --- TAI64N ---

TEST(Tai64nTest, EpochIsTheOneEveryImplementationUses) {
  EXPECT_EQ(to_hex(tai64n(WallTime{})), "400000000000000a00000000");
}

TEST(Tai64nTest, NanosecondsAreWhitened) {
  const WallTime second{std::chrono::seconds{1'700'000'000}};
  EXPECT_EQ(tai64n(second + std::chrono::nanoseconds{(1 << 24) - 1}), tai64n(second));
  EXPECT_GT(tai64n(second + std::chrono::nanoseconds{1 << 24}), tai64n(second));
  EXPECT_GT(tai64n(second + std::chrono::seconds{1}), tai64n(second + std::chrono::nanoseconds{999'999'999}));
}

TEST(Tai64nTest, AbsurdStampsAreClamped) {
  Timestamp stamp;
  stamp.fill(0xff);
  EXPECT_GT(wall_time(stamp), WallTime{std::chrono::seconds{1'700'000'000}});
  stamp.fill(0);
  EXPECT_EQ(wall_time(stamp), WallTime{});
  const WallTime when{std::chrono::seconds{1'700'000'000}};
  EXPECT_EQ(wall_time(tai64n(when)), when);
}

}  // namespace
}  // namespace wgr::wireguard
