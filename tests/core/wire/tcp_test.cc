#include "core/wire/tcp.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::wire {
namespace {

using Memory = std::vector<std::uint8_t>;

const IpAddress kSource = IpAddress::v4(10, 0, 0, 2);
const IpAddress kDestination = IpAddress::v4(198, 51, 100, 7);
const IpAddress kSourceV6 = *IpAddress::parse("fd00::2");
const IpAddress kDestinationV6 = *IpAddress::parse("2001:db8::7");

TcpHeader make_header() {
  TcpHeader header;
  header.source_port = 40000;
  header.destination_port = 443;
  header.sequence = 0xfffffff0;
  header.acknowledgement = 0x12345678;
  header.flags = kTcpAck | kTcpPsh;
  header.window = 0xabcd;
  return header;
}

TEST(TcpTest, WhatWasWrittenIsRead) {
  for (const bool is_v6 : {false, true}) {
    const IpAddress& source = is_v6 ? kSourceV6 : kSource;
    const IpAddress& destination = is_v6 ? kDestinationV6 : kDestination;
    TcpHeader header = make_header();
    header.options.timestamps = Timestamps{1, 2};
    Memory segment(header.size() + 101, 0x5a);
    write_tcp(segment, header, source, destination);

    const Result<TcpView> view = TcpView::parse(segment);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->source_port(), 40000);
    EXPECT_EQ(view->destination_port(), 443);
    EXPECT_EQ(view->sequence(), 0xfffffff0u);
    EXPECT_EQ(view->acknowledgement(), 0x12345678u);
    EXPECT_EQ(view->flags(), kTcpAck | kTcpPsh);
    EXPECT_EQ(view->window(), 0xabcd);
    EXPECT_EQ(view->urgent_pointer(), 0);
    EXPECT_EQ(view->header_length(), kTcpHeaderSize + kTcpTimestampsSize);
    EXPECT_EQ(view->payload().size(), 101u);
    EXPECT_EQ(view->options(), header.options);
    EXPECT_TRUE(view->checksum_is_valid(source, destination));
    EXPECT_FALSE(view->checksum_is_valid(source, source));
    segment.back() ^= 1;
    EXPECT_FALSE(view->checksum_is_valid(source, destination));
  }
}

TEST(TcpTest, KeptSumsGiveTheSameChecksum) {
  TcpHeader header = make_header();
  for (const std::size_t payload_size : {0u, 1u, 7u, 1399u, 1400u}) {
    Memory whole(header.size() + payload_size, 0x5a);
    Memory parts = whole;
    write_tcp(whole, header, kSource, kDestination);
    const PartialSum payload = PartialSum::of(Bytes{parts}.subspan(header.size()));
    write_tcp(parts, header, address_sum(kSource, kDestination), payload);
    EXPECT_EQ(whole, parts) << payload_size;
  }
}

TEST(TcpTest, FlagsHaveTheirBits) {
  EXPECT_TRUE(TcpFlags{0x01}.fin());
  EXPECT_TRUE(TcpFlags{0x02}.syn());
  EXPECT_TRUE(TcpFlags{0x04}.rst());
  EXPECT_TRUE(TcpFlags{0x08}.psh());
  EXPECT_TRUE(TcpFlags{0x10}.ack());
  EXPECT_TRUE(TcpFlags{0x20}.urg());
  EXPECT_TRUE(TcpFlags{0x40}.ece());
  EXPECT_TRUE(TcpFlags{0x80}.cwr());
  const TcpFlags all{0xff};
  EXPECT_EQ(kTcpFin | kTcpSyn | kTcpRst | kTcpPsh | kTcpAck | kTcpUrg | kTcpEce | kTcpCwr, all);
  EXPECT_FALSE(kTcpSyn.ack());
}

TEST(TcpTest, EveryTruncationAndDataOffsetIsChecked) {
  Memory whole(60, 0);
  for (unsigned offset = 0; offset < 16; ++offset) {
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      Memory segment(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      if (size > 12) segment[12] = static_cast<std::uint8_t>(offset << 4);
      const bool fits = size >= kTcpHeaderSize && offset >= 5 && offset * 4 <= size;
      const Result<TcpView> view = TcpView::parse(segment);
      ASSERT_EQ(view.has_value(), fits) << offset << ' ' << size;
      if (view) {
        EXPECT_EQ(view->payload().size(), size - offset * 4);
      }
    }
  }
}

TEST(TcpTest, EveryCombinationOfOptionsRoundTrips) {
  for (unsigned choice = 0; choice < 80; ++choice) {
    TcpHeader header = make_header();
    if (choice & 1) header.options.mss = 1380;
    if (choice & 2) header.options.window_scale = 9;
    if (choice & 4) header.options.sack_permitted = true;
    if (choice & 8) header.options.timestamps = Timestamps{0xdeadbeef, 0xcafef00d};
    const unsigned blocks = choice / 16;
    for (std::uint8_t i = 0; i < blocks; ++i) header.options.sack[i] = {1000u * i, 1000u * i + 500};
    header.options.sack_count = static_cast<std::uint8_t>(blocks);
    if (header.size() > kTcpMaxHeaderSize) continue;

    EXPECT_EQ(header.size() % 4, 0u);
    Memory segment(header.size() + 3, 0x77);
    write_tcp(segment, header, kSource, kDestination);
    const Result<TcpView> view = TcpView::parse(segment);
    ASSERT_TRUE(view) << choice;
    EXPECT_EQ(view->header_length(), header.size()) << choice;
    EXPECT_EQ(view->options(), header.options) << choice;
    EXPECT_EQ(view->payload()[0], 0x77) << choice;
    EXPECT_TRUE(view->checksum_is_valid(kSource, kDestination)) << choice;
  }
}

TEST(TcpTest, SackBlocksFitBesideTimestamps) {
  for (const bool with_timestamps : {false, true}) {
    TcpHeader header;
    if (with_timestamps) header.options.timestamps = Timestamps{};
    header.options.sack_count = max_sack_blocks(with_timestamps);
    EXPECT_LE(header.size(), kTcpMaxHeaderSize);
    if (with_timestamps) {
      ++header.options.sack_count;
      EXPECT_GT(header.size(), kTcpMaxHeaderSize);
    }
  }
}

TEST(TcpOptionsTest, LayoutsOfRealSendersAreRead) {
  // Linux SYN: mss 1460, sack permitted, timestamps, nop, window scale 7.
  const Memory linux_syn = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
  TcpOptions options = parse_tcp_options(linux_syn);
  EXPECT_EQ(options.mss, 1460);
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_EQ(options.timestamps, (Timestamps{1, 0}));
  EXPECT_EQ(options.window_scale, 7);
  // Windows SYN: mss 1460, nop, window scale 8, nop, nop, sack permitted.
  const Memory windows_syn = {2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2};
  options = parse_tcp_options(windows_syn);
  EXPECT_EQ(options.mss, 1460);
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_EQ(options.window_scale, 8);
  EXPECT_FALSE(options.timestamps);
  // Linux ACK of a hole: nop, nop, timestamps, nop, nop, one block.
  const Memory hole = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8, 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2};
  options = parse_tcp_options(hole);
  EXPECT_EQ(options.timestamps, (Timestamps{9, 8}));
  ASSERT_EQ(options.sack_count, 1);
  EXPECT_EQ(options.sack[0], (SackBlock{1, 2}));
}

// RFC 7323 2.3.
TEST(TcpOptionsTest, Rfc7323_WindowScaleAbove14CountsAs14) {
  for (const auto& [said, used] :
       {std::pair{0, 0}, std::pair{14, 14}, std::pair{15, 14}, std::pair{255, 14}}) {
    const Memory bytes = {3, 3, static_cast<std::uint8_t>(said), 0};
    EXPECT_EQ(parse_tcp_options(bytes).window_scale, used) << said;
  }
}

TEST(TcpOptionsTest, Rfc9293_Must5_NothingIsReadBehindTheEnd) {
  EXPECT_EQ(parse_tcp_options(Memory{0, 2, 4, 5, 0xb4, 0, 0, 0}), TcpOptions{});
}

TEST(TcpOptionsTest, Rfc9293_Must6_UnknownOptionsAreSkipped) {
  for (unsigned kind = 6; kind < 256; ++kind) {
    if (kind == 8) continue;
    const Memory bytes = {static_cast<std::uint8_t>(kind), 4, 9, 9, 2, 4, 5, 0xb4};
    EXPECT_EQ(parse_tcp_options(bytes).mss, 1460) << kind;
  }
}

TEST(TcpOptionsTest, SecondSackOptionTakesThePlaceOfTheFirst) {
  Memory bytes = {5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 5, 10, 0, 0, 0, 7, 0, 0, 0, 8};
  TcpOptions expected;
  expected.sack_count = 1;
  expected.sack[0] = {7, 8};
  EXPECT_EQ(parse_tcp_options(bytes), expected);
}

// Every kind with every length 0, 1, 2, 255 and its own, at every offset of a full option area.
TEST(TcpOptionsTest, Rfc9293_Must7_IllegalLengthsAreSurvivedAtEveryOffset) {
  for (const std::uint8_t kind : {2, 3, 4, 5, 8, 19, 254}) {
    for (const unsigned length :
         {0u, 1u, 2u, 3u, 4u, 5u, 9u, 10u, 11u, 17u, 18u, 34u, 35u, 40u, 254u, 255u}) {
      for (std::size_t offset = 0; offset < kTcpMaxOptionsSize; ++offset) {
        Memory bytes(kTcpMaxOptionsSize, 1);
        bytes[offset] = kind;
        if (offset + 1 < bytes.size()) bytes[offset + 1] = static_cast<std::uint8_t>(length);
        const TcpOptions options = parse_tcp_options(bytes);
        const bool is_whole = length >= 2 && offset + length <= bytes.size();
        EXPECT_EQ(options.mss.has_value(), kind == 2 && length == 4 && is_whole);
        EXPECT_EQ(options.window_scale.has_value(), kind == 3 && length == 3 && is_whole);
        EXPECT_EQ(options.sack_permitted, kind == 4 && length == 2 && is_whole);
        EXPECT_EQ(options.timestamps.has_value(), kind == 8 && length == 10 && is_whole);
        const bool is_sack = kind == 5 && is_whole && length > 2 && (length - 2) % 8 == 0;
        EXPECT_EQ(options.sack_count, is_sack ? (length - 2) / 8 : 0u) << length << ' ' << offset;
      }
    }
  }
}

TEST(TcpOptionsTest, Rfc9293_Must64_OptionsNeedNoAlignment) {
  for (std::size_t padding = 0; padding <= 26; ++padding) {
    Memory bytes(padding, 1);
    const Memory options = {2, 4, 5, 0xb4, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
    bytes.insert(bytes.end(), options.begin(), options.end());
    EXPECT_EQ(parse_tcp_options(bytes).mss, 1460) << padding;
    EXPECT_EQ(parse_tcp_options(bytes).timestamps, (Timestamps{1, 2})) << padding;
  }
}

// The fast path for aligned timestamps and the plain walk tell the same.
TEST(TcpOptionsTest, AlignedTimestampsReadLikeAnyOther) {
  constexpr std::uint64_t kSeed = 3;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Rng rng{kSeed};
  for (int round = 0; round < 20'000; ++round) {
    Memory aligned = {1, 1, 8, 10};
    while (aligned.size() < 40) aligned.push_back(static_cast<std::uint8_t>(rng.below(12)));
    Memory walked = aligned;
    walked.insert(walked.begin(), 1);  // one more NOP: no fast path
    EXPECT_EQ(parse_tcp_options(aligned), parse_tcp_options(walked)) << round;
  }
}

}  // namespace
}  // namespace wgr::wire
