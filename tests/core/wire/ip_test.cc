#include "core/wire/ip.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"
#include "core/wire/checksum.h"

namespace wgr::wire {
namespace {

using Packet = std::vector<std::uint8_t>;

const IpAddress kSourceV4 = IpAddress::v4(10, 1, 2, 3);
const IpAddress kDestinationV4 = IpAddress::v4(192, 0, 2, 200);
const IpAddress kSourceV6 = *IpAddress::parse("fd00::2");
const IpAddress kDestinationV6 = *IpAddress::parse("2001:db8::7");

Packet make_v4(std::size_t payload_size, Ipv4Header header = {}) {
  header.source = kSourceV4;
  header.destination = kDestinationV4;
  Packet packet(kIpv4HeaderSize + payload_size, 0xaa);
  write_ipv4(packet, header);
  return packet;
}

Packet make_v6(const Packet& upper, IpProtocol next_header) {
  Ipv6Header header;
  header.source = kSourceV6;
  header.destination = kDestinationV6;
  header.next_header = next_header;
  header.hop_limit = 3;
  header.traffic_class = 0xb8;
  header.flow_label = 0xabcde;
  Packet packet(kIpv6HeaderSize + upper.size());
  std::copy(upper.begin(), upper.end(), packet.begin() + kIpv6HeaderSize);
  write_ipv6(packet, header);
  return packet;
}

Packet cut(const Packet& whole, std::size_t size) {
  return Packet(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
}

// The header of RFC 1071 examples everywhere: sum 0xb861.
TEST(Ipv4Test, ReadsARealHeader) {
  Packet packet = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                   0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  packet.resize(0x73);
  const Result<Ipv4View> view = Ipv4View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header_length(), 20u);
  EXPECT_EQ(view->total_length(), 0x73u);
  EXPECT_EQ(view->ttl(), 64);
  EXPECT_EQ(view->protocol(), IpProtocol::kUdp);
  EXPECT_TRUE(view->dont_fragment());
  EXPECT_FALSE(view->is_fragment());
  EXPECT_EQ(view->source(), IpAddress::v4(192, 168, 0, 1));
  EXPECT_EQ(view->destination(), IpAddress::v4(192, 168, 0, 199));
  EXPECT_TRUE(view->checksum_is_valid());
}

TEST(Ipv4Test, WhatWasWrittenIsRead) {
  Ipv4Header header;
  header.protocol = IpProtocol::kTcp;
  header.ttl = 7;
  header.tos = 0x28;
  header.identification = 0xbeef;
  header.dont_fragment = false;
  header.more_fragments = true;
  header.fragment_offset = 1480;
  Packet packet = make_v4(100, header);
  const Result<Ipv4View> view = Ipv4View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->checksum_is_valid());
  EXPECT_EQ(view->source(), kSourceV4);
  EXPECT_EQ(view->destination(), kDestinationV4);
  EXPECT_EQ(view->protocol(), IpProtocol::kTcp);
  EXPECT_EQ(view->ttl(), 7);
  EXPECT_EQ(view->tos(), 0x28);
  EXPECT_EQ(view->identification(), 0xbeef);
  EXPECT_FALSE(view->dont_fragment());
  EXPECT_TRUE(view->more_fragments());
  EXPECT_EQ(view->fragment_offset(), 1480u);
  EXPECT_TRUE(view->is_fragment());
  EXPECT_EQ(view->payload().size(), 100u);
}

TEST(Ipv4Test, LengthsThatCannotBeAreRefused) {
  struct Case {
    const char* what;
    std::uint8_t version_ihl;
    std::uint16_t total_length;
    std::size_t size;
    bool passes;
  };
  constexpr Case kCases[] = {
      {"plain", 0x45, 40, 40, true},
      {"header only", 0x45, 20, 20, true},
      {"link padding", 0x45, 21, 60, true},
      {"longest header", 0x4f, 60, 60, true},
      {"ihl 0", 0x40, 40, 40, false},
      {"ihl 4", 0x44, 40, 40, false},
      {"header beyond total", 0x46, 23, 40, false},
      {"header beyond memory", 0x4f, 40, 40, false},
      {"total 0", 0x45, 0, 40, false},
      {"total below header", 0x45, 19, 40, false},
      {"total beyond memory", 0x45, 41, 40, false},
      {"total 65535", 0x45, 65535, 40, false},
      {"version 6", 0x65, 40, 40, false},
      {"version 0", 0x05, 40, 40, false},
  };
  for (const Case& c : kCases) {
    Packet packet(c.size);
    packet[0] = c.version_ihl;
    store_be(&packet[2], c.total_length);
    const Result<Ipv4View> view = Ipv4View::parse(packet);
    ASSERT_EQ(view.has_value(), c.passes) << c.what;
    if (view) {
      EXPECT_EQ(view->packet().size(), c.total_length) << c.what;
    }
  }
}

TEST(Ipv4Test, EveryTruncationIsRefused) {
  const Packet whole = make_v4(10);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Packet packet = cut(whole, size);
    EXPECT_FALSE(Ipv4View::parse(packet)) << size;
    EXPECT_FALSE(IpView::parse(packet)) << size;
    EXPECT_EQ(IpEnds::parse(packet).has_value(), size >= kIpv4HeaderSize) << size;
  }
}

TEST(Ipv4Test, TtlCountsDownWithTheRightSum) {
  Ipv4Header header;
  header.ttl = 255;
  Packet packet = make_v4(8, header);
  const Result<Ipv4View> view = Ipv4View::parse(packet);
  for (int ttl = 254; ttl >= 0; --ttl) {
    decrement_hops(packet);
    ASSERT_EQ(view->ttl(), ttl);
    ASSERT_TRUE(view->checksum_is_valid()) << ttl;
  }
}

// RFC 1624 4: of the two zeros, the one that a sum over the header gives.
TEST(Ipv4Test, SumThatBecomesZeroIsWrittenAsASumOfTheHeaderWouldBe) {
  Packet packet = make_v4(8, {});
  store_be(packet.data() + 10, std::uint16_t{0xfeff});
  decrement_hops(packet);

  EXPECT_EQ(load_be<std::uint16_t>(packet.data() + 10), 0x0000);
}

TEST(Ipv6Test, WhatWasWrittenIsRead) {
  Packet packet = make_v6(Packet(50, 1), IpProtocol::kTcp);
  const Result<Ipv6View, Ipv6Refusal> view = Ipv6View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->source(), kSourceV6);
  EXPECT_EQ(view->destination(), kDestinationV6);
  EXPECT_EQ(view->protocol(), IpProtocol::kTcp);
  EXPECT_EQ(view->hop_limit(), 3);
  EXPECT_EQ(view->traffic_class(), 0xb8);
  EXPECT_EQ(view->flow_label(), 0xabcdeu);
  EXPECT_EQ(view->payload().size(), 50u);
  EXPECT_FALSE(view->is_fragment());
  view->decrement_hop_limit();
  EXPECT_EQ(view->hop_limit(), 2);
}

TEST(Ipv6Test, EveryTruncationIsRefused) {
  const Packet whole = make_v6(Packet(10, 1), IpProtocol::kUdp);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Packet packet = cut(whole, size);
    EXPECT_FALSE(Ipv6View::parse(packet)) << size;
    EXPECT_EQ(IpEnds::parse(packet).has_value(), size >= kIpv6HeaderSize) << size;
  }
}

// Every extension header, with the packet ending at each of its bytes.
TEST(Ipv6Test, EveryTruncationOfAnExtensionHeaderIsRefused) {
  for (const IpProtocol kind : {IpProtocol::kHopByHop, IpProtocol::kDestinationOptions, IpProtocol::kRouting,
                                IpProtocol::kFragment}) {
    Packet header(24, 0);
    header[0] = static_cast<std::uint8_t>(IpProtocol::kUdp);
    header[1] = kind == IpProtocol::kFragment ? 0 : 2;
    const std::size_t length = kind == IpProtocol::kFragment ? 8 : 24;
    for (std::size_t size = 0; size <= length; ++size) {
      Packet packet = make_v6(cut(header, size), kind);
      EXPECT_EQ(Ipv6View::parse(packet).has_value(), size == length) << static_cast<int>(kind) << ' ' << size;
    }
  }
}

TEST(Ipv6Test, FragmentHeaderIsRead) {
  Ipv6Fragment written;
  written.next_header = IpProtocol::kUdp;
  written.offset = 1448;
  written.more_fragments = true;
  written.identification = 0xdeadbeef;
  Packet upper(kIpv6FragmentHeaderSize + 16);
  write_ipv6_fragment(upper.data(), written);
  Packet packet = make_v6(upper, IpProtocol::kFragment);
  const Result<Ipv6View, Ipv6Refusal> view = Ipv6View::parse(packet);
  ASSERT_TRUE(view && view->fragment());
  EXPECT_TRUE(view->is_fragment());
  EXPECT_EQ(view->fragment()->next_header, IpProtocol::kUdp);
  EXPECT_EQ(view->fragment()->offset, 1448u);
  EXPECT_TRUE(view->fragment()->more_fragments);
  EXPECT_EQ(view->fragment()->identification, 0xdeadbeefu);
  EXPECT_EQ(view->fragment()->header_offset, 40u);
  EXPECT_EQ(view->fragment()->next_header_field_offset, 6u);
  EXPECT_EQ(view->fragmentable_part().size(), 16u);
}

TEST(Ipv6Test, LaterFragmentsAreNotWalkedInto) {
  Ipv6Fragment fragment;
  fragment.next_header = IpProtocol::kDestinationOptions;  // what follows are bytes of no header
  fragment.offset = 8;
  Packet upper(kIpv6FragmentHeaderSize + 3, 0xff);
  write_ipv6_fragment(upper.data(), fragment);
  Packet packet = make_v6(upper, IpProtocol::kFragment);
  const Result<Ipv6View, Ipv6Refusal> view = Ipv6View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->payload().size(), 3u);
}

TEST(Ipv6Test, TwoFragmentHeadersAreRefused) {
  Ipv6Fragment fragment;
  fragment.next_header = IpProtocol::kFragment;
  Packet upper(2 * kIpv6FragmentHeaderSize);
  write_ipv6_fragment(upper.data(), fragment);
  write_ipv6_fragment(upper.data() + kIpv6FragmentHeaderSize, fragment);
  Packet packet = make_v6(upper, IpProtocol::kFragment);
  const Result<Ipv6View, Ipv6Refusal> view = Ipv6View::parse(packet);
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().reason, DropReason::kFragmentMalformed);
}

TEST(Ipv6Test, OptionsPerHeaderAreBounded) {
  for (const auto& [count, passes] :
       {std::pair{kIpv6MaxOptionsPerHeader, true}, std::pair{kIpv6MaxOptionsPerHeader + 1, false}}) {
    Packet header = {static_cast<std::uint8_t>(IpProtocol::kUdp), 0};
    for (std::size_t i = 0; i < count; ++i) header.insert(header.end(), {0x1e, 0});
    while (header.size() % 8 != 0) header.push_back(0);
    header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
    Packet packet = make_v6(header, IpProtocol::kDestinationOptions);
    EXPECT_EQ(Ipv6View::parse(packet).has_value(), passes) << count;
  }
}

TEST(Ipv6Test, LongestPaddingIsSkipped) {
  Packet header(2048, 0);  // 2046 times Pad1
  header[0] = static_cast<std::uint8_t>(IpProtocol::kUdp);
  header[1] = 255;
  Packet packet = make_v6(header, IpProtocol::kHopByHop);
  const Result<Ipv6View, Ipv6Refusal> view = Ipv6View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->protocol(), IpProtocol::kUdp);
  EXPECT_EQ(view->header_length(), kIpv6HeaderSize + 2048);
}

TEST(IpViewTest, FamiliesLookAlike) {
  Packet v4 = make_v4(30);
  Packet v6 = make_v6(Packet(30, 0xaa), IpProtocol::kUdp);
  for (Packet* packet : {&v4, &v6}) {
    const Result<IpView> ip = IpView::parse(*packet);
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->protocol, IpProtocol::kUdp);
    EXPECT_EQ(ip->payload.size(), 30u);
    EXPECT_EQ(ip->packet.size(), packet->size());
    EXPECT_FALSE(ip->is_fragment);
    EXPECT_TRUE(ip->is_first_fragment);
    EXPECT_TRUE(ip->dont_fragment);
    const Result<IpEnds> ends = IpEnds::parse(*packet);
    EXPECT_EQ(ends->source, ip->source);
    EXPECT_EQ(ends->destination, ip->destination);
  }
}

TEST(IpViewTest, RandomBytesNeverReachBeyondTheirMemory) {
  constexpr std::uint64_t kSeed = 11;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Rng rng{kSeed};
  for (int round = 0; round < 200'000; ++round) {
    Packet packet(rng.below(120));
    for (std::uint8_t& byte : packet) byte = static_cast<std::uint8_t>(rng.next());
    if (!packet.empty()) packet[0] = rng.below(2) == 0 ? 0x45 : 0x60;
    if (packet.size() > 7) {
      const std::size_t length =
          packet[0] == 0x45 ? packet.size() : packet.size() - std::min<std::size_t>(packet.size(), 40);
      store_be(&packet[packet[0] == 0x45 ? 2 : 4], static_cast<std::uint16_t>(length));
      constexpr std::uint8_t kHeaders[] = {0, 43, 44, 60, 17};
      if (packet[0] == 0x60) packet[6] = kHeaders[rng.below(5)];
    }
    const Result<IpView> ip = IpView::parse(packet);
    if (!ip) continue;
    ASSERT_LE(ip->packet.size(), packet.size());
    ASSERT_EQ(ip->payload.data() + ip->payload.size(), ip->packet.data() + ip->packet.size());
    ASSERT_EQ(ip->packet.data(), packet.data());
  }
}

}  // namespace
}  // namespace wgr::wire
