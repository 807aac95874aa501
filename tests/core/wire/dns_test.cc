#include "core/wire/dns.h"

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace wgr::wire {
namespace {

using Message = std::vector<std::uint8_t>;

void put16(Message& to, unsigned value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

void put_label(Message& to, std::string_view label) {
  to.push_back(static_cast<std::uint8_t>(label.size()));
  to.insert(to.end(), label.begin(), label.end());
}

Message header(unsigned id, unsigned flags, std::initializer_list<unsigned> counts) {
  Message message;
  put16(message, id);
  put16(message, flags);
  for (const unsigned count : counts) put16(message, count);
  return message;
}

void put_question(Message& to, std::initializer_list<std::string_view> labels, unsigned type = 1) {
  for (const std::string_view label : labels) put_label(to, label);
  to.push_back(0);
  put16(to, type);
  put16(to, 1);
}

void put_opt(Message& to, unsigned udp_size) {
  to.push_back(0);
  put16(to, 41);
  put16(to, udp_size);
  put16(to, 0);
  put16(to, 0);
  put16(to, 0);
}

Message query(unsigned id = 0x1234) {
  Message message = header(id, 0x0100, {1, 0, 0, 0});
  put_question(message, {"www", "Example", "com"});
  return message;
}

TEST(DnsTest, QueryIsWrittenAsItIsRead) {
  Message expected = header(0x1234, 0x0100, {1, 0, 0, 0});
  put_question(expected, {"www", "Example", "com"});
  EXPECT_EQ(write_dns_query(0x1234, *DnsName::parse("www.Example.com"), DnsType::kA), expected);

  const std::string label(63, 'a');
  const auto longest = *DnsName::parse(label + "." + label + "." + label + "." + label.substr(2));
  const Message query = write_dns_query(1, longest, DnsType::kPtr);
  const auto question = DnsView::parse(query)->question();
  ASSERT_TRUE(question);
  EXPECT_EQ(*question, (DnsQuestion{.name = longest, .type = DnsType::kPtr}));
  EXPECT_TRUE(DnsView::parse(query)->recursion_desired());
}

DnsView view(const Message& message) { return *DnsView::parse(message); }

TEST(DnsTest, ReadsHeaderAndQuestion) {
  const Message message = query();
  const DnsView dns = view(message);

  EXPECT_EQ(dns.id(), 0x1234);
  EXPECT_FALSE(dns.is_response());
  EXPECT_FALSE(dns.is_truncated());
  EXPECT_TRUE(dns.recursion_desired());
  EXPECT_EQ(dns.opcode(), 0);
  EXPECT_EQ(dns.question_count(), 1);
  const Result<DnsQuestion> question = dns.question();
  ASSERT_TRUE(question);
  EXPECT_EQ(question->name.to_string(), "www.Example.com");
  EXPECT_EQ(question->type, DnsType::kA);
  EXPECT_EQ(question->klass, 1);
}

TEST(DnsTest, EveryTruncationIsRefusedOrHasNoQuestion) {
  const Message whole = query();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Message cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const Result<DnsView> dns = DnsView::parse(cut);
    ASSERT_EQ(dns.has_value(), size >= kDnsHeaderSize) << size;
    if (dns) {
      EXPECT_FALSE(dns->question()) << size;
    }
  }
}

TEST(DnsTest, QuestionCountOtherThanOneIsRefused) {
  for (const unsigned count : {0u, 2u, 65535u}) {
    Message message = header(1, 0, {count, 0, 0, 0});
    put_question(message, {"a"});
    EXPECT_FALSE(view(message).question()) << count;
  }
}

// 4 x 63 bytes exceed a name, 3 x 63 + 61 is the longest there is.
TEST(DnsTest, NameOf255BytesIsReadAndOf256Refused) {
  const std::string full(63, 'a');
  for (const auto& [last, is_read] : {std::pair{61u, true}, std::pair{62u, false}}) {
    Message message = header(1, 0, {1, 0, 0, 0});
    put_question(message, {full, full, full, std::string(last, 'b')});
    const Result<DnsQuestion> question = view(message).question();
    ASSERT_EQ(question.has_value(), is_read) << last;
    if (question) {
      EXPECT_EQ(question->name.wire().size(), kDnsMaxName);
    }
  }
}

TEST(DnsTest, LabelsAbove63AndReservedLabelTypesAreRefused) {
  for (const unsigned length : {64u, 0x7fu, 0x80u, 0xbfu}) {
    Message message = header(1, 0, {1, 0, 0, 0});
    message.push_back(static_cast<std::uint8_t>(length));
    message.insert(message.end(), 300, 'x');
    EXPECT_FALSE(view(message).question()) << length;
  }
}

// NAME:WRECK: pointers to themselves, forward, into the header, in circles.
TEST(DnsTest, PointersMayOnlyLeadBackward) {
  struct Case {
    const char* what;
    unsigned pointer;
    bool is_read;
  };
  // Name "ab" at 12, ends at 16; the pointer under test stands at 16.
  constexpr Case kCases[] = {
      {"to the name before", 12, true}, {"to the root of it", 15, true}, {"to itself", 16, false},
      {"forward", 18, false},           {"into the header", 11, false},  {"to the id", 0, false},
      {"outside", 0x3fff, false},
  };
  for (const Case& c : kCases) {
    Message message = header(1, 0, {1, 0, 0, 0});
    put_label(message, "ab");
    message.push_back(0);
    ASSERT_EQ(message.size(), 16u);
    put16(message, 0xc000 | c.pointer);
    put16(message, 0);
    const auto read = DnsName::read(message, 16);
    EXPECT_EQ(read.has_value(), c.is_read) << c.what;
    if (read) {
      EXPECT_EQ(read->end, 18u) << c.what;
    }
  }
}

TEST(DnsTest, LabelsThatPointBackIntoTheirOwnRunAreRefused) {
  Message message = header(1, 0, {1, 0, 0, 0});
  put_label(message, "loop");  // at 12
  put16(message, 0xc00c);
  EXPECT_FALSE(DnsName::read(message, 12));
}

TEST(DnsTest, ChainsOfPointersEndAt128Jumps) {
  for (const auto& [jumps, is_read] : {std::pair{128u, true}, std::pair{129u, false}}) {
    Message message = header(1, 0, {1, 0, 0, 0});
    message.push_back(0);  // the root at 12
    message.push_back(0);  // so that pointers stand at even offsets
    unsigned target = 12;
    for (unsigned i = 0; i < jumps; ++i) {
      const auto here = static_cast<unsigned>(message.size());
      put16(message, 0xc000 | target);
      target = here;
    }
    EXPECT_EQ(DnsName::read(message, target).has_value(), is_read) << jumps;
  }
}

TEST(DnsTest, OddBytesOfNamesAreEscaped) {
  Message message = header(1, 0, {1, 0, 0, 0});
  put_question(message, {std::string_view{"a.b\0\n", 5}, "_x-1"});
  EXPECT_EQ(view(message).question()->name.to_string(), "a\\046b\\000\\010._x-1");
}

TEST(DnsTest, RootNameIsADot) {
  Message message = header(1, 0, {1, 0, 0, 0});
  put_question(message, {});
  EXPECT_EQ(view(message).question()->name.to_string(), ".");
}

TEST(DnsTest, ADomainHoldsItselfAndWhatIsBelow) {
  const DnsName domain = *DnsName::parse("example.com");
  const std::pair<std::string_view, bool> kCases[] = {
      {"example.com", true}, {"www.example.com", true},  {"a.b.EXAMPLE.Com.", true}, {"wexample.com", false},
      {"com", false},        {"example.com.org", false}, {"example.org", false},
  };
  for (const auto& [name, is_within] : kCases) {
    EXPECT_EQ(DnsName::parse(name)->is_within(domain), is_within) << name;
    EXPECT_TRUE(DnsName::parse(name)->is_within(DnsName{})) << name;
  }
  EXPECT_FALSE(DnsName{}.is_within(domain));
}

TEST(DnsTest, NamesCompareExactlyAndIgnoringCase) {
  Message lower = header(1, 0, {1, 0, 0, 0});
  put_question(lower, {"www", "example", "com"});
  const Message mixed = query();
  const DnsName a = view(lower).question()->name;
  const DnsName b = view(mixed).question()->name;

  EXPECT_FALSE(a == b);
  EXPECT_TRUE(a.equals_ignoring_case(b));
  EXPECT_FALSE(a.equals_ignoring_case(DnsName{}));
}

// dnspooq: id, question and direction all have to match.
TEST(DnsTest, ReplyAnswersOnlyItsQuery) {
  const Message asked = query();
  Message reply = query();
  reply[2] = 0x81;
  EXPECT_TRUE(view(reply).answers(view(asked)));
  EXPECT_FALSE(view(asked).answers(view(asked))) << "a query is no reply";

  Message other_id = reply;
  other_id[1] ^= 1;
  EXPECT_FALSE(view(other_id).answers(view(asked)));
  Message other_name = reply;
  other_name[13] = 'x';
  EXPECT_FALSE(view(other_name).answers(view(asked)));
  Message other_case = reply;
  other_case[13] = 'W';
  EXPECT_FALSE(view(other_case).answers(view(asked))) << "0x20 counts";
  Message other_type = reply;
  other_type[other_type.size() - 3] = 28;
  EXPECT_FALSE(view(other_type).answers(view(asked)));
  Message no_question = header(0x1234, 0x8180, {0, 0, 0, 0});
  EXPECT_FALSE(view(no_question).answers(view(asked)));
}

TEST(DnsTest, UdpReplyLimitFollowsTheOptRecord) {
  EXPECT_EQ(view(query()).udp_reply_limit(), 512u);
  EXPECT_FALSE(view(query()).has_edns());

  for (const auto& [said, limit] : {std::pair{0u, 512u}, std::pair{100u, 512u}, std::pair{1232u, 1232u},
                                    std::pair{4096u, 4096u}, std::pair{65535u, 65535u}}) {
    Message message = header(1, 0x0100, {1, 0, 0, 1});
    put_question(message, {"a"});
    put_opt(message, said);
    EXPECT_TRUE(view(message).has_edns());
    EXPECT_EQ(view(message).udp_reply_limit(), limit) << said;
  }
}

TEST(DnsTest, OptRecordIsOnlySoughtAmongAdditionalRecords) {
  Message message = header(1, 0x0100, {1, 1, 0, 0});
  put_question(message, {"a"});
  put_opt(message, 4096);
  EXPECT_FALSE(view(message).has_edns());
}

// RFC 7873 5.4: a query without question asks for a cookie.
TEST(DnsTest, OptRecordIsFoundWithoutAQuestion) {
  Message message = header(1, 0x0100, {0, 0, 0, 1});
  put_opt(message, 4096);
  EXPECT_EQ(view(message).udp_reply_limit(), 4096u);
}

TEST(DnsTest, CutOptRecordIsNone) {
  Message whole = header(1, 0x0100, {1, 0, 0, 1});
  put_question(whole, {"a"});
  put_opt(whole, 4096);
  for (std::size_t size = kDnsHeaderSize; size < whole.size(); ++size) {
    const Message cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(view(cut).has_edns()) << size;
  }
}

TEST(DnsTest, ErrorReplyRepeatsIdQuestionAndRecursion) {
  const Message asked = query();
  Message reply(kDnsMaxShortReply);
  reply.resize(write_dns_reply(reply, view(asked), DnsRcode::kServFail));

  EXPECT_TRUE(view(reply).answers(view(asked)));
  EXPECT_EQ(view(reply).rcode(), DnsRcode::kServFail);
  EXPECT_TRUE(view(reply).recursion_desired());
  EXPECT_FALSE(view(reply).is_truncated());
  EXPECT_EQ(view(reply).answer_count(), 0);
  EXPECT_EQ(reply.size(), asked.size());
}

TEST(DnsTest, ErrorReplyToUnreadableQuestionHasNone) {
  Message asked = header(7, 0x0100, {1, 0, 0, 0});
  asked.push_back(0xff);
  Message reply(kDnsMaxShortReply);
  reply.resize(write_dns_reply(reply, view(asked), DnsRcode::kFormErr));

  EXPECT_EQ(reply.size(), kDnsHeaderSize);
  EXPECT_EQ(view(reply).id(), 7);
  EXPECT_EQ(view(reply).question_count(), 0);
  EXPECT_EQ(view(reply).rcode(), DnsRcode::kFormErr);
}

TEST(DnsTest, TruncatedReplySpeaksEdnsWhenTheQueryDoes) {
  Message asked = header(9, 0x0100, {1, 0, 0, 1});
  put_question(asked, {"a"});
  put_opt(asked, 4096);
  Message reply(kDnsMaxShortReply);
  reply.resize(write_dns_reply(reply, view(asked), DnsRcode::kNoError, DnsTruncation::kTruncated));

  EXPECT_TRUE(view(reply).is_truncated());
  EXPECT_TRUE(view(reply).has_edns());
  EXPECT_EQ(view(reply).udp_reply_limit(), kDnsSafeUdpSize);
}

TEST(DnsTest, LongestReplyFitsItsBound) {
  const std::string full(63, 'a');
  Message asked = header(9, 0x0100, {1, 0, 0, 1});
  put_question(asked, {full, full, full, std::string(61, 'b')});
  put_opt(asked, 4096);
  Message reply(kDnsMaxShortReply);
  EXPECT_EQ(write_dns_reply(reply, view(asked), DnsRcode::kRefused), kDnsMaxShortReply);
}

// Numbered: text, and how it is spelled as a name; empty for what is none.
TEST(DnsTest, NamesAreParsedFromText) {
  const std::string label(63, 'a');
  const struct {
    std::string text;
    std::string name;
  } kCases[] = {
      /* 1 */ {"www.Example.com", "www.Example.com"},
      /* 2 */ {"lan.", "lan"},
      /* 3 */ {".", "."},
      /* 4 */ {"", "."},
      /* 5 */ {"a..b", ""},
      /* 6 */ {".a", ""},
      /* 7 */ {"a..", ""},
      /* 8 */ {label + ".x", label + ".x"},
      /* 9 */ {label + "a.x", ""},
      /* 10 */ {label + "." + label + "." + label + "." + label, ""},
  };
  int number = 0;
  for (const auto& c : kCases) {
    SCOPED_TRACE(++number);
    const auto name = DnsName::parse(c.text);
    EXPECT_EQ(name ? name->to_string() : "", c.name);
  }
}

TEST(DnsTest, AddressesOfAnswersAreRead) {
  const Message asked = query();
  const std::array<std::uint8_t, 4> v4{192, 0, 2, 1};
  const std::array<std::uint8_t, 5> no_address{1, 2, 3, 4, 5};
  const DnsRecord records[] = {{.type = DnsType::kA, .data = v4}, {.type = DnsType::kA, .data = no_address}};
  Message reply = write_dns_answer(view(asked), DnsRcode::kNoError, records, 60, 512);
  std::vector<IpAddress> found;
  const auto add = [&](const IpAddress& address) { found.push_back(address); };

  EXPECT_TRUE(view(reply).visit_addresses(add));
  EXPECT_EQ(found, std::vector{IpAddress::v4(192, 0, 2, 1)});
  for (std::size_t size = asked.size(); size < reply.size(); ++size) {
    EXPECT_FALSE(view(Message(reply.begin(), reply.begin() + static_cast<long>(size))).visit_addresses(add));
  }
  store_be<std::uint16_t>(reply.data() + 6, kDnsMaxAnswers + 1);
  EXPECT_FALSE(view(reply).visit_addresses(add));
}

}  // namespace
}  // namespace wgr::wire
