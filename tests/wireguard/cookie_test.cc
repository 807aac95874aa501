#include "wireguard/cookie.h"

#include "gtest/gtest.h"

#include "tests/wireguard/tunnel.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;
using Verdict = CookieChecker::Verdict;

class CookieTest : public testing::Test {
 protected:
  // Any body will do: MACs do not look inside.
  Octets message(std::uint8_t fill = 0x5a) {
    Octets bytes(sizeof(Initiation), fill);
    jar_.add_macs(bytes, now_);
    return bytes;
  }
  void get_cookie(const Endpoint& from) {
    const Octets sent = message();
    ASSERT_TRUE(jar_.consume_reply(checker_.create_reply(sent, /*sender_index=*/1377, from, now_), now_));
  }

  Instant now_{1h};
  PublicKey responder_ = public_key_of(generate_private_key());
  CookieChecker checker_{responder_};
  CookieJar jar_{responder_};
  Endpoint source_ = udp("192.0.2.13:4000");
};

TEST_F(CookieTest, Mac1IsValidOnAnyBodyAndMac2OnlyWithACookie) {
  for (const std::uint8_t fill : {0x00, 0x5a, 0xff}) {
    EXPECT_EQ(checker_.check(message(fill), source_, now_), Verdict::kMac1);
  }
  get_cookie(source_);
  for (const std::uint8_t fill : {0x00, 0x5a, 0xff}) {
    EXPECT_EQ(checker_.check(message(fill), source_, now_), Verdict::kMac1AndMac2);
  }
}

TEST_F(CookieTest, ReplyCarriesTheSendersIndex) {
  const CookieReply reply = checker_.create_reply(message(), 0x11223344, source_, now_);
  EXPECT_EQ(classify(bytes_of(reply)), MessageType::kCookieReply);
  EXPECT_EQ(receiver_index(bytes_of(reply), MessageType::kCookieReply), 0x11223344u);
}

TEST_F(CookieTest, ChangedBodyInvalidatesBothMacs) {
  get_cookie(source_);
  Octets bytes = message();
  bytes[5] ^= 0x20;
  EXPECT_FALSE(checker_.has_valid_mac1(bytes));
  EXPECT_FALSE(checker_.has_valid_mac2(bytes, source_, now_));
  bytes[5] ^= 0x20;
  EXPECT_EQ(checker_.check(bytes, source_, now_), Verdict::kMac1AndMac2);
  bytes[sizeof(Initiation) - 1] ^= 1;
  EXPECT_EQ(checker_.check(bytes, source_, now_), Verdict::kMac1);
}

TEST_F(CookieTest, CookieIsBoundToAddressAndPort) {
  get_cookie(source_);
  const Octets bytes = message();
  EXPECT_TRUE(checker_.has_valid_mac2(bytes, source_, now_));
  EXPECT_FALSE(checker_.has_valid_mac2(bytes, udp("192.0.2.14:4000"), now_));
  EXPECT_FALSE(checker_.has_valid_mac2(bytes, udp("192.0.2.13:4001"), now_));
  EXPECT_FALSE(checker_.has_valid_mac2(bytes, udp("[2001:db8::1]:4000"), now_));

  Endpoint session = source_;
  session.kind = Endpoint::Kind::kSession;
  session.session = 1;
  EXPECT_FALSE(checker_.has_valid_mac2(bytes, session, now_));
  get_cookie(session);
  EXPECT_TRUE(checker_.has_valid_mac2(message(), session, now_));
  session.session = 2;
  EXPECT_FALSE(checker_.has_valid_mac2(message(), session, now_));
}

TEST_F(CookieTest, SenderUsesACookieFor115Seconds) {
  get_cookie(source_);
  const Mac zeros{};
  const auto has_mac2 = [&] {
    const Octets bytes = message();
    return !std::equal(zeros.begin(), zeros.end(), bytes.end() - sizeof(Mac));
  };
  now_ += 115s - 1ns;
  EXPECT_TRUE(has_mac2());
  now_ += 1ns;
  EXPECT_FALSE(has_mac2());
}

TEST_F(CookieTest, SecretIsRenewedAfterTwoMinutes) {
  get_cookie(source_);
  const Octets bytes = message();
  EXPECT_TRUE(checker_.has_valid_mac2(bytes, source_, now_ + 120s - 1ns));
  EXPECT_FALSE(checker_.has_valid_mac2(bytes, source_, now_ + 120s));
}

TEST_F(CookieTest, ReplyMustAnswerTheLastMessage) {
  const Octets old = message(1);
  const CookieReply late = checker_.create_reply(old, 1, source_, now_);
  const Octets latest = message(2);
  EXPECT_FALSE(jar_.consume_reply(late, now_));

  CookieReply forged = checker_.create_reply(latest, 1, source_, now_);
  forged.sealed_cookie[0] ^= 1;
  EXPECT_FALSE(jar_.consume_reply(forged, now_));

  const CookieReply good = checker_.create_reply(latest, 1, source_, now_);
  EXPECT_TRUE(jar_.consume_reply(good, now_));
  EXPECT_FALSE(jar_.consume_reply(good, now_));  // once
}

TEST_F(CookieTest, ReplyBeforeAnyMessageIsRefused) {
  CookieJar fresh{responder_};
  EXPECT_FALSE(fresh.consume_reply(checker_.create_reply(message(), 1, source_, now_), now_));
}

TEST_F(CookieTest, ReplyOfAnotherResponderIsRefused) {
  CookieChecker other{public_key_of(generate_private_key())};
  EXPECT_FALSE(jar_.consume_reply(other.create_reply(message(), 1, source_, now_), now_));
}

}  // namespace
}  // namespace wgr::wireguard
