#include "core/wire/dhcp.h"

#include <algorithm>
#include <string_view>

#include "gtest/gtest.h"

namespace wgr::wire {
namespace {

using Message = std::vector<std::uint8_t>;

constexpr MacAddress kMac{{2, 0, 0, 0, 0, 1}};
constexpr std::size_t kSname = 44;
constexpr std::size_t kFile = 108;

Message plain() {
  DhcpWriter writer{{.op = DhcpOp::kRequest, .xid = 0x01020304, .broadcast = true, .mac = kMac}, 548};
  return writer.finish();
}

// A message with these option bytes and nothing behind them.
Message with_options(std::initializer_list<std::uint8_t> options) {
  Message message = plain();
  message.resize(kDhcpFixedSize);
  message.insert(message.end(), options);
  return message;
}

TEST(DhcpTest, WritesAndReadsTheHeader) {
  DhcpWriter writer{{.op = DhcpOp::kReply,
                     .xid = 7,
                     .broadcast = false,
                     .ciaddr = IpAddress::v4(10, 0, 0, 1),
                     .yiaddr = IpAddress::v4(10, 0, 0, 2),
                     .siaddr = IpAddress::v4(10, 0, 0, 3),
                     .giaddr = IpAddress::v4(10, 0, 0, 4),
                     .mac = kMac},
                    548};
  const Message message = writer.finish();
  const auto view = DhcpView::parse(message);

  ASSERT_TRUE(view);
  EXPECT_EQ(view->op(), DhcpOp::kReply);
  EXPECT_EQ(view->xid(), 7u);
  EXPECT_FALSE(view->wants_broadcast());
  EXPECT_EQ(view->ciaddr(), IpAddress::v4(10, 0, 0, 1));
  EXPECT_EQ(view->yiaddr(), IpAddress::v4(10, 0, 0, 2));
  EXPECT_EQ(view->siaddr(), IpAddress::v4(10, 0, 0, 3));
  EXPECT_EQ(view->giaddr(), IpAddress::v4(10, 0, 0, 4));
  EXPECT_EQ(view->mac(), kMac);
  EXPECT_EQ(view->type(), std::nullopt);
}

TEST(DhcpTest, IsAsLongAsBootpWantsIt) { EXPECT_EQ(plain().size(), 300u); }

// smoltcp read the flag from the wrong end of its field (548).
TEST(DhcpTest, TheBroadcastFlagIsTheLeftmostBit) {
  Message message = plain();
  EXPECT_TRUE(DhcpView::parse(message)->wants_broadcast());
  message[10] = 0x00;
  message[11] = 0x01;
  EXPECT_FALSE(DhcpView::parse(message)->wants_broadcast());
  message[10] = 0x7f;
  EXPECT_FALSE(DhcpView::parse(message)->wants_broadcast());
}

// libslirp took a BOOTP header for granted (CVE-2021-3592): every length below it is refused.
TEST(DhcpTest, AMessageShorterThanItsHeaderIsRefused) {
  const Message message = plain();
  for (std::size_t size = 0; size < kDhcpFixedSize; ++size) {
    EXPECT_EQ(DhcpView::parse(Bytes{message}.first(size)).error(), DropReason::kDhcpMalformed) << size;
  }
  EXPECT_TRUE(DhcpView::parse(Bytes{message}.first(kDhcpFixedSize)));
}

TEST(DhcpTest, RefusesWhatIsNoDhcp) {
  struct {
    const char* what;
    std::size_t offset;
    std::uint8_t value;
  } const kCases[] = {
      {"op 0", 0, 0}, {"op 3", 0, 3}, {"hlen 17", 2, 17}, {"cookie", 236, 0}, {"cookie", 239, 0}};
  for (const auto& c : kCases) {
    Message message = plain();
    message[c.offset] = c.value;
    EXPECT_FALSE(DhcpView::parse(message)) << c.what;
  }
  Message endless = plain();
  endless.resize(kDhcpMaxMessage + 1);
  EXPECT_FALSE(DhcpView::parse(endless));
}

TEST(DhcpTest, HardwareAddressIsOfAnEthernetOrNone) {
  Message message = plain();
  message[1] = 6;
  EXPECT_EQ(DhcpView::parse(message)->mac(), std::nullopt);
  message = plain();
  message[2] = 16;
  EXPECT_EQ(DhcpView::parse(message)->mac(), std::nullopt);
  EXPECT_EQ(DhcpView::parse(message)->chaddr().size(), 16u);
}

// libslirp read beyond the end of the options (2773158). Numbered: how options may end.
TEST(DhcpTest, OptionsStayWithinTheMessage) {
  const struct {
    Message message;
    bool is_valid;
  } kCases[] = {
      /* 1 */ {with_options({}), true},
      /* 2 */ {with_options({255}), true},
      /* 3 */ {with_options({0, 0, 0}), true},
      /* 4 */ {with_options({53, 1, 1}), true},             // no end option
      /* 5 */ {with_options({53}), false},                  // no length
      /* 6 */ {with_options({53, 1}), false},               // no data
      /* 7 */ {with_options({53, 2, 1}), false},            // too little data
      /* 8 */ {with_options({53, 255, 1, 255}), false},     // far too little
      /* 9 */ {with_options({53, 1, 1, 255, 9, 9}), true},  // nothing counts after the end
      /* 10 */ {with_options({60, 0, 53, 1, 1}), true},     // empty data
  };
  int number = 0;
  for (const auto& c : kCases) {
    SCOPED_TRACE(++number);
    EXPECT_EQ(DhcpView::parse(c.message).has_value(), c.is_valid);
  }
  EXPECT_EQ(DhcpView::parse(kCases[3].message)->type(), DhcpType::kDiscover);
  EXPECT_EQ(DhcpView::parse(kCases[9].message)->option(DhcpOption{60}), DhcpView::Data{});
}

// RFC 3396: parts in the order options, file, sname are one option.
TEST(DhcpTest, ReadsSplitAndOverloadedOptions) {
  Message message = with_options({12, 2, 'a', 'b', 52, 1, 3, 12, 1, 'c', 255});
  const Message in_file{12, 1, 'd', 52, 1, 0, 255};
  const Message in_sname{12, 1, 'e', 53, 1, 3, 255};
  std::ranges::copy(in_file, message.begin() + kFile);
  std::ranges::copy(in_sname, message.begin() + kSname);
  const auto view = DhcpView::parse(message);

  ASSERT_TRUE(view);
  EXPECT_EQ(view->option(DhcpOption::kHostName), (DhcpView::Data{'a', 'b', 'c', 'd', 'e'}));
  EXPECT_EQ(view->type(), DhcpType::kRequest);
}

TEST(DhcpTest, FileAndNameAreNotReadUnlessOverloaded) {
  Message message = with_options({52, 1, 2, 255});
  message[kFile] = 53;  // would leave the field
  message[kFile + 1] = 200;

  EXPECT_TRUE(DhcpView::parse(message));
  message[kDhcpFixedSize + 2] = 1;
  EXPECT_FALSE(DhcpView::parse(message));
}

// smoltcp took four bytes from an address option of any length (843).
TEST(DhcpTest, AnAddressOptionOfAnotherLengthIsNone) {
  const Message shorter = with_options({50, 3, 10, 0, 0, 255});
  const Message longer = with_options({50, 5, 10, 0, 0, 1, 0, 255});
  const Message right = with_options({50, 4, 10, 0, 0, 1, 57, 1, 2, 255});

  EXPECT_EQ(DhcpView::parse(shorter)->address_option(DhcpOption::kRequestedAddress), std::nullopt);
  EXPECT_EQ(DhcpView::parse(longer)->address_option(DhcpOption::kRequestedAddress), std::nullopt);
  EXPECT_EQ(DhcpView::parse(right)->address_option(DhcpOption::kRequestedAddress),
            IpAddress::v4(10, 0, 0, 1));
  EXPECT_EQ(DhcpView::parse(right)->number_option(DhcpOption::kMaxMessageSize), std::nullopt);
  EXPECT_TRUE(DhcpView::parse(right)->has(DhcpOption::kMaxMessageSize));
}

TEST(DhcpTest, TypesThatDoNotExistAreNone) {
  for (const std::uint8_t type : {0, 9, 255}) {
    EXPECT_EQ(DhcpView::parse(with_options({53, 1, type}))->type(), std::nullopt);
  }
  EXPECT_EQ(DhcpView::parse(with_options({53, 2, 1, 1}))->type(), std::nullopt);
}

TEST(DhcpTest, WriterStaysWithinItsLimitAndSplitsLongData) {
  DhcpWriter writer{{.mac = kMac}, 548};
  const Message long_data(300, 'x');
  EXPECT_TRUE(writer.add(DhcpOption::kDomainSearch, long_data));
  EXPECT_FALSE(writer.add(DhcpOption::kHostName, Bytes{long_data}.first(2)));  // 304 of 308 and the end
  EXPECT_TRUE(writer.add_byte(DhcpOption::kMessageType, 5));
  const Message message = writer.finish();

  EXPECT_EQ(message.size(), 548u);
  const auto view = DhcpView::parse(message);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->option(DhcpOption::kDomainSearch), long_data);
  EXPECT_EQ(view->type(), DhcpType::kAck);
}

}  // namespace
}  // namespace wgr::wire
