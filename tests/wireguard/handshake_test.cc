#include "wireguard/handshake.h"

#include "gtest/gtest.h"

#include "tests/wireguard/hex.h"
#include "tests/wireguard/low_order_points.h"

namespace wgr::wireguard {
namespace {

class HandshakeTest : public testing::Test {
 protected:
  HandshakeTest() {
    EXPECT_TRUE(diffie_hellman(static_shared_, initiator_.private_key, responder_.public_key));
  }

  // The initiator's first step.
  SentInitiation initiate() {
    auto sent =
        create_initiation(initiator_, responder_.public_key, static_shared_, stamp_, 0x01020304, initiation_);
    EXPECT_TRUE(sent);
    return std::move(*sent);
  }
  OpenedInitiation open() {
    auto opened = open_initiation(responder_, initiation_);
    EXPECT_TRUE(opened);
    return *opened;
  }

  const Identity initiator_{generate_private_key()};
  const Identity responder_{generate_private_key()};
  SecretKey static_shared_;
  SecretKey psk_;
  Timestamp stamp_ = tai64n(WallTime{std::chrono::seconds{1'700'000'000}});
  Initiation initiation_;
  Response response_;
};

std::string hex(const SecretBytes<32>& secret) { return to_hex(secret.bytes()); }

TEST(TranscriptTest, BeginsWithTheConstructionAndTheIdentifier) {
  const Transcript transcript = Transcript::begin(PublicKey{});
  EXPECT_EQ(hex(transcript.chaining_key), "60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36");
  const auto prologue = from_hex("2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3");
  EXPECT_EQ(hex(transcript.hash), to_hex(hash(prologue, PublicKey{})));
}

TEST_F(HandshakeTest, BothSidesAgreeAtEveryStep) {
  const SentInitiation sent = initiate();
  OpenedInitiation opened = open();
  EXPECT_EQ(opened.initiator, initiator_.public_key);
  EXPECT_EQ(opened.sender_index, 0x01020304u);
  const auto stamp = accept_initiation(opened, static_shared_);
  ASSERT_TRUE(stamp);
  EXPECT_EQ(*stamp, stamp_);
  EXPECT_EQ(hex(opened.transcript.hash), hex(sent.transcript.hash));
  EXPECT_EQ(hex(opened.transcript.chaining_key), hex(sent.transcript.chaining_key));

  const auto responders = create_response(opened, psk_, 0x05060708, response_);
  ASSERT_TRUE(responders);
  EXPECT_EQ(load_le<std::uint32_t>(response_.receiver.data()), 0x01020304u);
  const auto initiators = consume_response(initiator_, sent, psk_, response_);
  ASSERT_TRUE(initiators);
  EXPECT_EQ(hex(initiators->sending), hex(responders->receiving));
  EXPECT_EQ(hex(initiators->receiving), hex(responders->sending));
  EXPECT_NE(hex(initiators->sending), hex(initiators->receiving));
}

TEST_F(HandshakeTest, SamePskAgreesAndAnyOtherFails) {
  const SentInitiation sent = initiate();
  OpenedInitiation opened = open();
  ASSERT_TRUE(accept_initiation(opened, static_shared_));
  const SecretKey psk = SecretKey::random();
  ASSERT_TRUE(create_response(opened, psk, 2, response_));
  EXPECT_FALSE(consume_response(initiator_, sent, SecretKey{}, response_));
  EXPECT_FALSE(consume_response(initiator_, sent, SecretKey::random(), response_));
  EXPECT_TRUE(consume_response(initiator_, sent, psk, response_));
}

TEST_F(HandshakeTest, AnyChangedBitOfAnInitiationIsRefused) {
  initiate();
  for (std::size_t bit = 32; bit < (sizeof(Initiation) - kMacsSize) * 8; ++bit) {  // after the type
    Initiation forged = initiation_;
    auto* const bytes = reinterpret_cast<std::uint8_t*>(&forged);
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << (bit % 8));
    auto opened = open_initiation(responder_, forged);
    const bool is_accepted = opened && accept_initiation(*opened, static_shared_);
    const bool is_index = bit < 64;  // not covered by the AEAD, but by the MACs
    EXPECT_EQ(is_accepted, is_index) << bit;
  }
}

TEST_F(HandshakeTest, AnyChangedBitOfAResponseIsRefused) {
  const SentInitiation sent = initiate();
  OpenedInitiation opened = open();
  ASSERT_TRUE(accept_initiation(opened, static_shared_));
  ASSERT_TRUE(create_response(opened, psk_, 2, response_));
  for (std::size_t bit = 12 * 8; bit < (sizeof(Response) - kMacsSize) * 8; ++bit) {
    Response forged = response_;
    auto* const bytes = reinterpret_cast<std::uint8_t*>(&forged);
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << (bit % 8));
    EXPECT_FALSE(consume_response(initiator_, sent, psk_, forged)) << bit;
  }
  EXPECT_TRUE(consume_response(initiator_, sent, psk_, response_));  // forgeries leave the state alone
}

TEST_F(HandshakeTest, InitiationForAnotherResponderDoesNotOpen) {
  initiate();
  EXPECT_FALSE(open_initiation(Identity{generate_private_key()}, initiation_));
}

TEST_F(HandshakeTest, ClaimingAnothersKeyFailsAtTheStaticShared) {
  // The initiation says "initiator", but whoever made it does not hold the key.
  const Identity impostor{generate_private_key()};
  Identity claimed = impostor;
  claimed.public_key = initiator_.public_key;
  SecretKey wrong;
  ASSERT_TRUE(diffie_hellman(wrong, impostor.private_key, responder_.public_key));
  ASSERT_TRUE(create_initiation(claimed, responder_.public_key, wrong, stamp_, 1, initiation_));
  OpenedInitiation opened = open();
  EXPECT_EQ(opened.initiator, initiator_.public_key);
  EXPECT_FALSE(accept_initiation(opened, static_shared_));
}

TEST_F(HandshakeTest, LowOrderPointsAreRefusedAsEphemeralAndAsStatic) {
  for (const std::string_view text : kLowOrderPoints) {
    const auto point = array_from_hex<32>(text);
    Initiation message;
    EXPECT_FALSE(create_initiation(initiator_, point, static_shared_, stamp_, 1, message)) << text;

    const SentInitiation sent = initiate();
    OpenedInitiation opened = open();
    ASSERT_TRUE(accept_initiation(opened, static_shared_));
    OpenedInitiation low_ephemeral = opened;
    low_ephemeral.ephemeral = point;
    EXPECT_FALSE(create_response(low_ephemeral, psk_, 2, response_)) << text;
    OpenedInitiation low_static = opened;
    low_static.initiator = point;
    EXPECT_FALSE(create_response(low_static, psk_, 2, response_)) << text;

    initiation_.ephemeral = point;
    EXPECT_FALSE(open_initiation(responder_, initiation_)) << text;
    response_.ephemeral = point;
    EXPECT_FALSE(consume_response(initiator_, sent, psk_, response_)) << text;
  }
}

}  // namespace
}  // namespace wgr::wireguard
