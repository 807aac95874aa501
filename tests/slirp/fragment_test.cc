#include "slirp/fragment.h"

#include "gtest/gtest.h"

#include "slirp/reassembly.h"
#include "tests/slirp/test_packets.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using test::Packet;

class FragmentTest : public testing::TestWithParam<Family> {
 protected:
  Family family() const { return GetParam(); }

  static constexpr GuestId kGuest{0, 1};

  Rng rng_{5};
  Fragmenter fragmenter_{rng_};
  PacketBatch out_;
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, FragmentTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(FragmentTest, PacketThatFitsIsPassedAsItIs) {
  Packet packet = test::udp_packet(family(), 1000);
  fragmenter_.push(kGuest, packet, packet.size(), out_);
  ASSERT_EQ(out_.packets().size(), 1u);
  EXPECT_EQ(out_.packets()[0].bytes.data(), packet.data());
}

TEST_P(FragmentTest, Rfc4787_Req13_FragmentsFitTheMtuAndGoInOrder) {
  Packet packet = test::udp_packet(family(), 5000);
  fragmenter_.push(kGuest, packet, 1420, out_);
  std::uint32_t expected_offset = 0;
  for (const PacketView& fragment : out_.packets()) {
    EXPECT_EQ(fragment.guest, kGuest);
    EXPECT_LE(fragment.bytes.size(), 1420u);
    const Result<wire::IpView> ip = wire::IpView::parse(fragment.bytes);
    ASSERT_TRUE(ip);
    EXPECT_TRUE(ip->is_fragment);
    EXPECT_EQ(ip->fragment.offset, expected_offset);
    expected_offset += static_cast<std::uint32_t>(ip->fragment.data.size());
    EXPECT_EQ(ip->fragment.more, &fragment != &out_.packets().back());
    if (family() == Family::kV4) {
      EXPECT_TRUE(wire::Ipv4View::parse(fragment.bytes)->checksum_is_valid());
      EXPECT_FALSE(ip->dont_fragment);
    }
  }
  EXPECT_EQ(expected_offset, 5008u);
}

TEST_P(FragmentTest, IdentificationsDiffer) {
  Packet packet = test::udp_packet(family(), 2000);
  fragmenter_.push(kGuest, packet, 1420, out_);
  fragmenter_.push(kGuest, packet, 1420, out_);
  ASSERT_EQ(out_.packets().size(), 4u);
  std::uint32_t ids[4];
  for (int i = 0; i < 4; ++i) ids[i] = wire::IpView::parse(out_.packets()[i].bytes)->fragment.identification;
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[2], ids[3]);
  EXPECT_NE(ids[0], ids[2]);
}

TEST_P(FragmentTest, ReassemblyGivesThePayloadBackForEveryMtu) {
  Config config;
  DropCounters drops;
  IcmpErrors errors{config};
  Reassembly reassembly{config.limits, errors, drops};
  for (std::size_t mtu = 68; mtu < 1500; mtu += 13) {
    Packet packet = test::udp_packet(family(), 1600);
    out_.clear();
    fragmenter_.push(kGuest, packet, mtu, out_);
    std::optional<wire::IpView> whole;
    PacketBatch answers;
    for (const PacketView& fragment : out_.packets()) {
      whole = reassembly.receive(kGuest, *wire::IpView::parse(fragment.bytes), Instant{1h}, answers);
    }
    ASSERT_TRUE(whole) << mtu;
    const Result<wire::IpView> original = wire::IpView::parse(packet);
    EXPECT_EQ(whole->source, original->source);
    EXPECT_EQ(whole->destination, original->destination);
    EXPECT_EQ(whole->protocol, original->protocol);
    EXPECT_EQ(whole->ttl, original->ttl);
    EXPECT_TRUE(std::ranges::equal(whole->payload, original->payload)) << mtu;
    reassembly.end_turn();
  }
  EXPECT_EQ(drops.total(), 0u);
}

TEST_P(FragmentTest, LongestPacketIsSplit) {
  const std::size_t header = family() == Family::kV4 ? wire::kIpv4HeaderSize : 0;
  Packet packet = test::udp_packet(family(), 65535 - wire::kUdpHeaderSize - header);
  fragmenter_.push(kGuest, packet, 1280, out_);
  std::size_t total = 0;
  for (const PacketView& fragment : out_.packets())
    total += wire::IpView::parse(fragment.bytes)->fragment.data.size();
  EXPECT_EQ(total, 65535 - header);
}

// --- packets of others, on their way ---

Packet without_dont_fragment(Packet packet, std::uint16_t identification) {
  store_be(packet.data() + 4, identification);
  store_be<std::uint16_t>(packet.data() + 6, 0);
  store_be<std::uint16_t>(packet.data() + 10, 0);
  const std::size_t header = std::size_t{packet[0] & 0x0fu} * 4;
  store_be(packet.data() + 10, wire::PartialSum::of(Bytes{packet}.first(header)).checksum());
  return packet;
}

// Options: one that is copied (128 | 20, router alert), one that is not (7, record route).
Packet with_options(const Packet& packet) {
  const Packet options{148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0};
  Packet longer(packet.begin(), packet.begin() + 20);
  longer.insert(longer.end(), options.begin(), options.end());
  longer.insert(longer.end(), packet.begin() + 20, packet.end());
  longer[0] = 0x48;
  store_be(longer.data() + 2, static_cast<std::uint16_t>(longer.size()));
  return longer;
}

Packet joined(const PacketBatch& batch) {
  Packet payload;
  for (const PacketView& view : batch.packets()) {
    const auto ip = wire::Ipv4View::parse(view.bytes);
    EXPECT_TRUE(ip && ip->checksum_is_valid());
    EXPECT_EQ(ip->fragment_offset() % 8, 0u);
    payload.insert(payload.end(), ip->payload().begin(), ip->payload().end());
  }
  return payload;
}

TEST(CutIpv4Test, KeepsIdentificationAndOrderAndEveryByte) {
  Packet packet = without_dont_fragment(test::udp_packet(Family::kV4, 3000), 0x1234);
  const Packet before = packet;
  PacketBatch out;
  cut_ipv4({0, 9}, packet, 1300, out);
  ASSERT_EQ(out.packets().size(), 3u);
  for (const PacketView& view : out.packets()) {
    EXPECT_LE(view.bytes.size(), 1300u);
    EXPECT_EQ(wire::Ipv4View::parse(view.bytes)->identification(), 0x1234);
  }
  EXPECT_EQ(joined(out), Packet(before.begin() + 20, before.end()));
}

TEST(CutIpv4Test, AFragmentIsCutWhereItStands) {
  const Packet whole = without_dont_fragment(test::udp_packet(Family::kV4, 3000), 7);
  Packet middle = test::fragment_of(whole, 800, 1200);
  PacketBatch out;
  cut_ipv4({0, 9}, middle, 820, out);
  ASSERT_EQ(out.packets().size(), 2u);
  EXPECT_EQ(wire::Ipv4View::parse(out.packets()[0].bytes)->fragment_offset(), 800u);
  EXPECT_EQ(wire::Ipv4View::parse(out.packets()[1].bytes)->fragment_offset(), 1600u);
  EXPECT_TRUE(wire::Ipv4View::parse(out.packets()[1].bytes)->more_fragments());
}

TEST(CutIpv4Test, Rfc791_3_1_OnlyCopiedOptionsAreInLaterFragments) {
  Packet packet = without_dont_fragment(with_options(test::udp_packet(Family::kV4, 2000)), 7);
  const Packet before = packet;
  PacketBatch out;
  cut_ipv4({0, 9}, packet, 1000, out);
  ASSERT_EQ(out.packets().size(), 3u);
  EXPECT_EQ(wire::Ipv4View::parse(out.packets()[0].bytes)->header_length(), 32u);
  for (const PacketView& view : out.packets().subspan(1)) {
    const auto later = wire::Ipv4View::parse(view.bytes);
    EXPECT_EQ(later->header_length(), 24u);
    EXPECT_EQ(later->header()[20], 148);
  }
  EXPECT_EQ(joined(out), Packet(before.begin() + 32, before.end()));
}

TEST(CutIpv4Test, WhatFitsIsPassedAsItIs) {
  Packet packet = without_dont_fragment(test::udp_packet(Family::kV4, 100), 7);
  PacketBatch out;
  cut_ipv4({0, 9}, packet, packet.size(), out);
  ASSERT_EQ(out.packets().size(), 1u);
  EXPECT_EQ(out.packets()[0].bytes.data(), packet.data());
}

}  // namespace
}  // namespace wgr::slirp
