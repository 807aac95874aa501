#include "core/egress/rule.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wgr::egress {
namespace {

using testing::HasSubstr;

Rule parsed(const std::string& text) {
  std::string error;
  const auto rule = Rule::parse(text, error);
  EXPECT_TRUE(rule) << error;
  return rule.value_or(Rule{});
}

SocketAddress at(const char* text) { return SocketAddress::parse(text).value(); }

TEST(RuleTest, EveryFormIsReadAndWrittenBack) {
  const std::pair<const char*, const char*> forms[] = {
      {"10.0.0.0/8", "10.0.0.0/8"},
      {"10.0.0.0/8:443", "10.0.0.0/8:443"},
      {"192.168.1.1:8000-8080", "192.168.1.1/32:8000-8080"},
      {"[fd00::/8]:53/udp", "[fd00::/8]:53/udp"},
      {"[fd00::/8]", "fd00::/8"},
      {"[::1]:80", "[::1/128]:80"},
      {"fd00::/8", "fd00::/8"},
      {"fd00::1:80", "fd00::1:80/128"},
      {"tcp://10.1.2.3:80", "10.1.2.3/32:80/tcp"},
      {"udp://[2001:4860::/32]:443", "[2001:4860::/32]:443/udp"},
      {"10.0.0.0/8/udp", "10.0.0.0/8/udp"},
      {"icmp://10.0.0.0/8", "10.0.0.0/8/icmp"},
      {"private", "private"},
      {"private:443/tcp", "private:443/tcp"},
      {"link-local", "link-local"},
      {"metadata", "metadata"},
      {"any", "any"},
      {"any:25/tcp", "any:25/tcp"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"any:1-65535", "any:1-65535"},
  };
  for (const auto& [text, canonical] : forms) {
    const Rule rule = parsed(text);
    EXPECT_EQ(rule.to_string(), canonical);
    EXPECT_EQ(parsed(canonical), rule) << text;
  }
}

TEST(RuleTest, BadTextIsOneSentenceThatQuotesItAndSaysWhy) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "expected ADDRESS"},
      {"example.org", "expected ADDRESS"},
      {"127.1", "expected ADDRESS"},
      {"0177.0.0.1", "expected ADDRESS"},
      {"2130706433", "expected ADDRESS"},
      {"0x7f.1", "expected ADDRESS"},
      {"10.0.0.0.", "expected ADDRESS"},
      {"fe80::1%eth0", "expected ADDRESS"},
      {"10.0.0.0/33", "expected ADDRESS"},
      {"10.0.0.0/", "expected ADDRESS"},
      {"10.0.0.0/08", "expected ADDRESS"},
      {" 10.0.0.0/8", "expected ADDRESS"},
      {"Private", "expected ADDRESS"},
      {"10.1.0.0/8", "write 10.0.0.0/8"},
      {"10.0.0.0/8:", "a port is a number"},
      {"10.0.0.0/8:0", "a port is a number"},
      {"10.0.0.0/8:65536", "a port is a number"},
      {"10.0.0.0/8:080", "a port is a number"},
      {"10.0.0.0/8:80-", "a port is a number"},
      {"10.0.0.0/8:http", "a port is a number"},
      {"10.0.0.0/8:90-80", "backwards"},
      {"10.0.0.0/8:80/sctp", "tcp, udp or icmp"},
      {"http://10.0.0.0/8", "tcp, udp or icmp"},
      {"://10.0.0.0/8", "tcp, udp or icmp"},
      {"tcp://10.0.0.0/8/udp", "given twice"},
      {"icmp://10.0.0.0/8:80", "icmp has no ports"},
      {"[fd00::/8", "not closed"},
      {"[fd00::/8]53", "only :PORT"},
      {"[10.0.0.0/8]:80", "IPv6 only"},
      {"[private]:80", "IPv6 only"},
  };
  for (const auto& [text, reason] : cases) {
    std::string error;
    EXPECT_EQ(Rule::parse(text, error), std::nullopt) << text;
    EXPECT_THAT(error, HasSubstr("\"" + std::string{text} + "\""));
    EXPECT_THAT(error, HasSubstr(reason)) << text;
  }
}

TEST(RuleTest, AnEmbeddedNulOrEndlessTextIsRefused) {
  std::string error;
  EXPECT_FALSE(Rule::parse(std::string_view{"10.0.0.0\0/8", 11}, error));
  EXPECT_FALSE(Rule::parse(std::string(4096, '1'), error));
  EXPECT_LT(error.size(), 200u);
}

TEST(RuleTest, PortsAndProtocolBoundTheMatch) {
  const Rule rule = parsed("10.0.0.0/8:80-90/tcp");

  EXPECT_TRUE(rule.matches(Protocol::kTcp, at("10.1.2.3:80"), AddressClass::kPrivate));
  EXPECT_TRUE(rule.matches(Protocol::kTcp, at("10.1.2.3:90"), AddressClass::kPrivate));
  EXPECT_FALSE(rule.matches(Protocol::kTcp, at("10.1.2.3:79"), AddressClass::kPrivate));
  EXPECT_FALSE(rule.matches(Protocol::kTcp, at("10.1.2.3:91"), AddressClass::kPrivate));
  EXPECT_FALSE(rule.matches(Protocol::kUdp, at("10.1.2.3:80"), AddressClass::kPrivate));
  EXPECT_FALSE(rule.matches(Protocol::kTcp, at("11.1.2.3:80"), AddressClass::kPublic));
}

TEST(RuleTest, ARuleWithPortsDoesNotSpeakOfIcmp) {
  EXPECT_FALSE(parsed("10.0.0.0/8:80").matches(Protocol::kIcmp, at("10.0.0.1:0"), AddressClass::kPrivate));
  EXPECT_TRUE(parsed("10.0.0.0/8").matches(Protocol::kIcmp, at("10.0.0.1:0"), AddressClass::kPrivate));
}

TEST(RuleTest, AnyMatchesBothFamilies) {
  EXPECT_TRUE(parsed("any:25").matches(Protocol::kTcp, at("8.8.8.8:25"), AddressClass::kPublic));
  EXPECT_TRUE(parsed("any:25").matches(Protocol::kTcp, at("[2606::1]:25"), AddressClass::kPublic));
  EXPECT_FALSE(parsed("any:25").matches(Protocol::kTcp, at("8.8.8.8:26"), AddressClass::kPublic));
}

}  // namespace
}  // namespace wgr::egress
