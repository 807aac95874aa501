#include "slirp/dns_names.h"

#include <gtest/gtest.h>

#include "slirp/dns_policy.h"

namespace wgr::slirp {
namespace {

using wire::DnsRcode;
using wire::DnsType;
using wire::DnsView;
using Message = std::vector<std::uint8_t>;

constexpr DnsType kTxt{16};

Message query_for(std::string_view name, DnsType type, std::uint16_t klass = 1) {
  Message query = wire::write_dns_query(0x1234, *wire::DnsName::parse(name), type);
  store_be(query.data() + query.size() - 2, klass);
  return query;
}

class DnsNamesTest : public testing::Test {
 protected:
  DnsNamesTest() {
    EXPECT_TRUE(names_.add_domain("lan"));
    names_.add_network(*Prefix::parse("10.86.1.0/24"));
    names_.add_network(*Prefix::parse("fd86:1::/64"));
    EXPECT_TRUE(names_.add("wgrouter.lan", {gateway_}));
    EXPECT_TRUE(names_.add("laptop.lan", {laptop_, laptop6_}));
  }

  // nullopt: for an upstream.
  std::optional<Message> ask(std::string_view name, DnsType type, std::uint16_t klass = 1) const {
    const Message query = query_for(name, type, klass);
    const auto question = DnsView::parse(query)->question();
    if (!names_.owns(*question)) return std::nullopt;
    return names_.answer(*DnsView::parse(query), *question, wire::kDnsClassicUdpSize);
  }
  static std::vector<IpAddress> addresses(const Message& reply) {
    std::vector<IpAddress> found;
    EXPECT_TRUE(DnsView::parse(reply)->visit_addresses([&](const IpAddress& a) { found.push_back(a); }));
    return found;
  }

  const IpAddress gateway_ = IpAddress::v4(10, 86, 1, 1);
  const IpAddress laptop_ = IpAddress::v4(10, 86, 1, 20);
  const IpAddress laptop6_ = *IpAddress::parse("fd86:1::20");
  DnsNames names_;
};

// An address without its zone is of no use to who asks.
TEST_F(DnsNamesTest, LinkLocalAddressesAreNotTold) {
  const IpAddress link_local = *IpAddress::parse("fe80::20");
  ASSERT_TRUE(names_.add("phone.lan", {link_local, *IpAddress::parse("fd86:1::30")}));
  const auto reply = ask("phone.lan", DnsType::kAaaa);
  ASSERT_TRUE(reply);
  EXPECT_EQ(addresses(*reply), std::vector<IpAddress>{*IpAddress::parse("fd86:1::30")});
}

TEST_F(DnsNamesTest, NameMayHaveNoWayBackFromItsAddress) {
  ASSERT_TRUE(names_.add("phone.lan", {IpAddress::v4(10, 86, 1, 30)}, DnsNames::Reverse::kUnknown));
  EXPECT_EQ(addresses(*ask("phone.lan", DnsType::kA)).size(), 1u);
  const auto reply = ask("30.1.86.10.in-addr.arpa", DnsType::kPtr);
  ASSERT_TRUE(reply);
  EXPECT_EQ(DnsView::parse(*reply)->rcode(), DnsRcode::kNxDomain);
}

// Numbered: a question, and what is said of it here.
TEST_F(DnsNamesTest, QuestionsAreAnsweredOrPassedOn) {
  constexpr auto kPtr = DnsType::kPtr;
  const struct {
    std::string_view name;
    DnsType type;
    std::optional<DnsRcode> rcode;
    int answers;
  } kCases[] = {
      /* 1 */ {"laptop.lan", DnsType::kA, DnsRcode::kNoError, 1},
      /* 2 */ {"LapTop.LAN", DnsType::kAaaa, DnsRcode::kNoError, 1},
      /* 3 */ {"laptop.lan", DnsType::kAny, DnsRcode::kNoError, 2},
      /* 4 */ {"laptop.lan", kTxt, DnsRcode::kNoError, 0},
      /* 5 */ {"wgrouter.lan", DnsType::kAaaa, DnsRcode::kNoError, 0},
      /* 6 */ {"unknown.lan", DnsType::kA, DnsRcode::kNxDomain, 0},
      /* 7 */ {"a.laptop.lan", DnsType::kA, DnsRcode::kNxDomain, 0},
      /* 8 */ {"lan", DnsType::kA, DnsRcode::kNoError, 0},
      /* 9 */ {"example.com", DnsType::kA, std::nullopt, 0},
      /* 10 */ {"vlan", DnsType::kA, std::nullopt, 0},
      /* 11 */ {"lan.example.com", DnsType::kA, std::nullopt, 0},
      /* 12 */ {".", DnsType::kA, std::nullopt, 0},
      /* 13 */ {"20.1.86.10.in-addr.arpa", kPtr, DnsRcode::kNoError, 1},
      /* 14 */ {"21.1.86.10.in-addr.arpa", kPtr, DnsRcode::kNxDomain, 0},
      /* 15 */ {"20.2.86.10.in-addr.arpa", kPtr, std::nullopt, 0},
      /* 16 */ {"20.1.86.10.in-addr.arpa", DnsType::kA, DnsRcode::kNoError, 0},
      /* 17 */ {"1.86.10.in-addr.arpa", kPtr, std::nullopt, 0},
      /* 18 */ {"x.20.1.86.10.in-addr.arpa", kPtr, std::nullopt, 0},
      /* 19 */ {"256.1.86.10.in-addr.arpa", kPtr, std::nullopt, 0},
      /* 20 */
      {"0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.6.8.d.f.ip6.arpa", kPtr, DnsRcode::kNoError,
       1},
      /* 21 */
      {"1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.6.8.d.f.ip6.arpa", kPtr, DnsRcode::kNxDomain,
       0},
      /* 22 */ {"6.8.d.f.ip6.arpa", kPtr, std::nullopt, 0},
  };
  int number = 0;
  for (const auto& c : kCases) {
    SCOPED_TRACE(++number);
    const auto reply = ask(c.name, c.type);
    ASSERT_EQ(reply.has_value(), c.rcode.has_value());
    if (!reply) continue;
    const DnsView view = *DnsView::parse(*reply);
    EXPECT_EQ(view.rcode(), *c.rcode);
    EXPECT_EQ(view.answer_count(), c.answers);
    EXPECT_TRUE(view.answers(*DnsView::parse(query_for(c.name, c.type))));
    EXPECT_EQ((*reply)[2] & 0x04, 0x04);  // authoritative
  }
}

TEST_F(DnsNamesTest, AnswersHoldTheAddressesOfTheirType) {
  EXPECT_EQ(addresses(*ask("laptop.lan", DnsType::kA)), std::vector{laptop_});
  EXPECT_EQ(addresses(*ask("laptop.lan", DnsType::kAaaa)), std::vector{laptop6_});
  EXPECT_EQ(DnsView::parse(*ask("laptop.lan", DnsType::kA, 3))->rcode(), DnsRcode::kRefused);  // CHAOS
}

TEST_F(DnsNamesTest, ANameBelongsToWhoeverHadItFirst) {
  EXPECT_FALSE(names_.add("WGROUTER.lan", {laptop_}));
  EXPECT_FALSE(names_.add("", {laptop_}));
  EXPECT_FALSE(names_.add("a..lan", {laptop_}));
  EXPECT_FALSE(names_.add(std::string(64, 'a') + ".lan", {laptop_}));
  EXPECT_FALSE(names_.add_domain("."));

  EXPECT_EQ(addresses(*ask("wgrouter.lan", DnsType::kA)), std::vector{gateway_});
}

TEST_F(DnsNamesTest, WhatDoesNotFitIsTruncated) {
  names_.add("many.lan", std::vector<IpAddress>(100, laptop_));
  const Message reply = *ask("many.lan", DnsType::kA);

  EXPECT_LE(reply.size(), wire::kDnsClassicUdpSize);
  EXPECT_TRUE(DnsView::parse(reply)->is_truncated());
  EXPECT_GT(addresses(reply).size(), 20u);
}

// --- DNS rebinding ---

// Numbered: an address in an answer, and whether a guest may be told it.
TEST(DnsPolicyTest, AnswersThatLeadInsideAreRefused) {
  DnsConfig config;
  config.rebind_protection = true;
  Counters counters;
  const DnsPolicy policy{config, counters};
  const struct {
    std::string_view address;
    bool is_refused;
  } kCases[] = {
      /* 1 */ {"93.184.216.34", false},
      /* 2 */ {"10.0.0.1", true},
      /* 3 */ {"127.0.0.1", true},
      /* 4 */ {"169.254.169.254", true},
      /* 5 */ {"192.168.1.1", true},
      /* 6 */ {"100.64.0.1", true},
      /* 7 */ {"0.0.0.0", true},
      /* 8 */ {"2620:fe::9", false},
      /* 9 */ {"::1", true},
      /* 10 */ {"fd00::1", true},
      /* 11 */ {"fe80::1", true},
      /* 12 */ {"::ffff:127.0.0.1", true},
  };
  std::uint64_t refused = 0;
  int number = 0;
  for (const auto& c : kCases) {
    SCOPED_TRACE(++number);
    const IpAddress address = *IpAddress::parse(c.address);
    const DnsType type = address.is_v4() ? DnsType::kA : DnsType::kAaaa;
    const Message query = query_for("attacker.example", type);
    const wire::DnsRecord records[] = {{.type = kTxt, .data = query},
                                       {.type = type, .data = address.bytes()}};
    const Message reply = wire::write_dns_answer(*DnsView::parse(query), DnsRcode::kNoError, records, 1, 512);

    const auto objection = policy.objection(*DnsView::parse(reply));
    ASSERT_EQ(objection.has_value(), c.is_refused);
    refused += c.is_refused ? 1 : 0;
    EXPECT_EQ(counters.drops.value(DropReason::kDnsRebind), refused);
    EXPECT_TRUE(!objection || DnsView::parse(*objection)->rcode() == DnsRcode::kRefused);
    EXPECT_TRUE(!objection || DnsView::parse(*objection)->answers(*DnsView::parse(query)));
  }
}

TEST(DnsPolicyTest, ExceptedDomainsMayLeadInside) {
  DnsConfig config;
  config.rebind_protection = true;
  config.rebind_exceptions = {*wire::DnsName::parse("corp.example"), *wire::DnsName::parse("lan")};
  Counters counters;
  const DnsPolicy policy{config, counters};
  const std::pair<std::string_view, bool> kCases[] = {
      {"corp.example", false},     {"www.CORP.example", false}, {"printer.lan", false},
      {"xcorp.example", true},     {"example", true},           {"corp.example.attacker", true},
      {"corp.example.lan2", true},
  };
  for (const auto& [name, is_refused] : kCases) {
    const Message query = query_for(name, DnsType::kA);
    const Message address{10, 0, 0, 1};
    const wire::DnsRecord records[] = {{.type = DnsType::kA, .data = address}};
    const Message reply = wire::write_dns_answer(*DnsView::parse(query), DnsRcode::kNoError, records, 1, 512);
    EXPECT_EQ(policy.objection(*DnsView::parse(reply)).has_value(), is_refused) << name;
  }
}

TEST(DnsPolicyTest, AnswersThatCannotBeReadDoNotPassEither) {
  DnsConfig config;
  config.rebind_protection = true;
  Counters counters;
  const DnsPolicy policy{config, counters};
  Message reply = query_for("attacker.example", DnsType::kA);
  reply[2] |= 0x80;
  EXPECT_FALSE(policy.objection(*DnsView::parse(reply)));  // no answers
  reply[7] = 1;

  const auto objection = policy.objection(*DnsView::parse(reply));
  ASSERT_TRUE(objection);
  EXPECT_EQ(DnsView::parse(*objection)->rcode(), DnsRcode::kServFail);
  config.rebind_protection = false;
  EXPECT_FALSE(policy.objection(*DnsView::parse(reply)));
}

}  // namespace
}  // namespace wgr::slirp
