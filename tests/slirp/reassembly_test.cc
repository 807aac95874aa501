// Which fragments become a packet, and which spoil it.
#include <algorithm>
#include <string>

#include "core/rng.h"
#include "core/wire/checksum.h"
#include "tests/slirp/reassembly_fixture.h"

namespace wgr::slirp {
namespace {

using test::fragment_of;
using test::Packet;
using test::split;
using test::udp_packet;

// Of the tests in every file.
INSTANTIATE_TEST_SUITE_P(BothFamilies, ReassemblyTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(ReassemblyTest, Rfc4787_Req14_FragmentsInOrderBecomeThePacket) {
  const Packet whole = unsplit(3000);
  const std::vector<Packet> fragments = split(whole, 1200);
  ASSERT_EQ(fragments.size(), 3u);
  EXPECT_EQ(receive(fragments[0]), std::nullopt);
  EXPECT_EQ(receive(fragments[1]), std::nullopt);
  EXPECT_EQ(receive(fragments[2]), whole);
  EXPECT_EQ(drops_.total(), 0u);
}

TEST_P(ReassemblyTest, Rfc4787_Req14_EveryOrderOfFragmentsBecomesThePacket) {
  const Packet whole = unsplit(1500);
  std::vector<Packet> fragments = split(whole, 304);
  ASSERT_EQ(fragments.size(), 5u);
  std::vector<std::size_t> order = {0, 1, 2, 3, 4};
  do {
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::optional<Packet> packet = receive(fragments[order[i]]);
      ASSERT_EQ(packet.has_value(), i + 1 == order.size());
      if (packet) {
        ASSERT_EQ(*packet, whole);
      }
    }
    reassembly_.end_turn();
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(reassembly_.bytes_held(), 0u);
  EXPECT_EQ(drops_.total(), 0u);
}

TEST_P(ReassemblyTest, LongestPacketPasses) {
  const std::size_t size =
      65535 - wire::kUdpHeaderSize - (family() == Family::kV4 ? wire::kIpv4HeaderSize : 0);
  const Packet whole = unsplit(size);
  std::optional<Packet> packet;
  for (const Packet& fragment : split(whole, 1352)) packet = receive(fragment);
  EXPECT_EQ(packet, whole);
}

TEST_P(ReassemblyTest, BytesBeyondTheLongestPacketAreRefused) {
  const Packet whole = unsplit(1000);
  Packet last = fragment_of(whole, 992, 16);
  if (family() == Family::kV4) {
    store_be(&last[6], std::uint16_t{0x1fff});  // offset 65528
    store_be(&last[10], std::uint16_t{0});
  } else {
    store_be(&last[42], std::uint16_t{0xfff8});
  }
  EXPECT_EQ(receive(last), std::nullopt);
  EXPECT_EQ(drops(DropReason::kFragmentMalformed), 1u);
  EXPECT_EQ(reassembly_.datagrams_held(), 0u);
}

TEST_P(ReassemblyTest, RepeatedFragmentIsIgnored) {
  const Packet whole = unsplit(1500);
  const std::vector<Packet> fragments = split(whole, 600);
  receive(fragments[1]);
  receive(fragments[1]);
  receive(fragments[0]);
  receive(fragments[0]);
  EXPECT_EQ(receive(fragments[2]), whole);
  EXPECT_EQ(drops_.total(), 0u);
}

TEST_P(ReassemblyTest, Rfc5722_OverlapDropsTheDatagramAndWhatStillComes) {
  struct Case {
    const char* what;
    std::size_t offset, size;
  };
  constexpr Case kCases[] = {
      {"begins inside", 592, 600},      {"ends inside", 0, 608},        {"covers", 400, 800},
      {"within, other bytes", 808, 16}, {"one unit of eight", 1192, 8},
  };
  std::uint32_t id = 100;
  for (const Case& c : kCases) {
    const Packet whole = unsplit(2400);
    const Packet other = [&] {
      Packet changed = whole;
      for (std::size_t i = ip_header_size(); i < changed.size(); ++i) changed[i] ^= 0x55;
      if (c.offset == 0) std::copy_n(whole.begin(), ip_header_size() + 8, changed.begin());
      return changed;
    }();
    const std::uint64_t before = drops(DropReason::kFragmentOverlap);
    receive(fragment_of(whole, 600, 600, ++id));
    EXPECT_EQ(receive(fragment_of(other, c.offset, c.size, id)), std::nullopt) << c.what;
    EXPECT_EQ(drops(DropReason::kFragmentOverlap), before + 1) << c.what;
    EXPECT_EQ(reassembly_.bytes_held(), 0u) << c.what;
    for (const Packet& fragment : split(whole, 600, id)) EXPECT_EQ(receive(fragment), std::nullopt) << c.what;
    EXPECT_EQ(drops(DropReason::kFragmentOverlap), before + 6) << c.what;
  }
}

TEST_P(ReassemblyTest, TwoEndsDropTheDatagram) {
  const Packet longer = unsplit(2400);
  const Packet shorter = unsplit(1192);
  receive(fragment_of(longer, 1800, 608));
  EXPECT_EQ(receive(fragment_of(shorter, 600, 600)), std::nullopt);
  EXPECT_EQ(drops(DropReason::kFragmentOverlap), 1u);
}

TEST_P(ReassemblyTest, BytesBehindTheEndDropTheDatagram) {
  const Packet longer = unsplit(2400);
  const Packet shorter = unsplit(1192);
  receive(fragment_of(shorter, 600, 600));
  receive(fragment_of(longer, 1200, 600));
  EXPECT_EQ(drops(DropReason::kFragmentOverlap), 1u);
}

TEST_P(ReassemblyTest, TinyFirstFragmentIsRefused) {
  const IpAddress source = test::guest_address(family());
  const IpAddress destination = test::remote_address(family());
  EXPECT_EQ(receive(fragment_of(test::tcp_packet(source, destination, 100), 0, 16)), std::nullopt);
  EXPECT_EQ(drops(DropReason::kFragmentMalformed), 1u);
  EXPECT_EQ(reassembly_.datagrams_held(), 0u);

  receive(fragment_of(test::tcp_packet(source, destination, 100), 0, 24));
  EXPECT_EQ(drops(DropReason::kFragmentMalformed), 1u) << "the whole header is there";
}

TEST_P(ReassemblyTest, FragmentsThatAreNoMultipleOfEightAreRefused) {
  const Packet whole = unsplit(1500);
  EXPECT_EQ(receive(fragment_of(whole, 0, 601)), std::nullopt);
  EXPECT_EQ(drops(DropReason::kFragmentMalformed), 1u);
  // RFC 8200 4.5 wants it told; IPv4 does not.
  ASSERT_EQ(out_.packets().size(), family() == Family::kV6 ? 1u : 0u);
  if (family() == Family::kV6) {
    const MutableBytes told = out_.packets()[0].bytes;
    const auto icmp = wire::IcmpView::parse(Family::kV6, told.subspan(wire::kIpv6HeaderSize));
    EXPECT_EQ(icmp->type(), wire::icmpv6::kParameterProblem);
    EXPECT_EQ(icmp->code(), wire::icmpv6::kErroneousField);
    EXPECT_EQ(icmp->rest(), 4u);
  }
}

TEST_P(ReassemblyTest, EmptyFragmentIsRefused) {
  receive(fragment_of(unsplit(1500), 600, 0));
  EXPECT_EQ(drops(DropReason::kFragmentMalformed), 1u);
}

TEST_P(ReassemblyTest, MoreThan32HolesDropTheDatagram) {
  const Packet whole = unsplit(2000);
  for (std::size_t i = 0; i < kReassemblyMaxHoles; ++i) receive(fragment_of(whole, 8 + 16 * i, 8));
  EXPECT_EQ(drops_.total(), 0u);
  receive(fragment_of(whole, 8 + 16 * kReassemblyMaxHoles, 8));
  EXPECT_EQ(drops(DropReason::kFragmentLimit), 1u);
  EXPECT_EQ(reassembly_.bytes_held(), 0u);
}

// Against a model that knows nothing of holes: the bytes, and which of them were sent.
TEST_P(ReassemblyTest, AgreesWithANaiveModel) {
  constexpr std::uint64_t kSeed = 7;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Rng rng{kSeed};
  for (std::uint32_t round = 0; round < 3000; ++round) {
    const Packet whole = unsplit(16 + rng.below(600));
    const std::size_t units = (whole.size() - ip_header_size() + 7) / 8;
    std::vector<bool> here(units, false);
    bool is_dead = false;
    bool is_whole = false;
    for (int sent = 0; sent < 60 && !is_whole; ++sent) {
      const std::size_t first = rng.below(units);
      const std::size_t count =
          first == 0 ? std::min<std::size_t>(units, 1 + rng.below(units)) : 1 + rng.below(units - first);
      if (first == 0 && count == units) continue;  // no fragment at all
      const std::size_t size = std::min(count * 8, whole.size() - ip_header_size() - first * 8);
      const std::optional<Packet> got = receive(fragment_of(whole, first * 8, size, round));
      const auto begin = here.begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = begin + static_cast<std::ptrdiff_t>(count);
      const bool any = std::find(begin, end, true) != end;
      const bool all = std::find(begin, end, false) == end;
      if (any && !all) is_dead = true;
      if (!is_dead) std::fill(begin, end, true);
      is_whole = !is_dead && std::find(here.begin(), here.end(), false) == here.end();
      ASSERT_EQ(got.has_value(), is_whole) << "round " << round << " sent " << sent;
      if (got) {
        Packet expected = whole;
        if (family() == Family::kV4) {
          store_be(&expected[4], static_cast<std::uint16_t>(round));
          store_be(&expected[10], std::uint16_t{0});
          store_be(&expected[10], wire::PartialSum::of(Bytes{expected}.first(20)).checksum());
        }
        ASSERT_EQ(*got, expected) << "round " << round;
      }
    }
    reassembly_.end_turn();
  }
}

// RFC 8200 4.5: the headers before the fragment header stay, the fragment header goes.
TEST(ReassemblyV6Test, HeadersBeforeTheFragmentHeaderAreKept) {
  Packet options = {static_cast<std::uint8_t>(wire::IpProtocol::kFragment), 0, 1, 4, 0, 0, 0, 0};
  const Packet whole = udp_packet(Family::kV6, 400);
  const auto with_options = [&](const Packet& fragment) {
    Packet upper = options;
    upper.insert(upper.end(), fragment.begin() + wire::kIpv6HeaderSize, fragment.end());
    return test::ip_packet(test::kGuestV6, test::kRemoteV6, wire::IpProtocol::kDestinationOptions, upper);
  };
  Config config;
  DropCounters drops;
  IcmpErrors errors{config};
  Reassembly reassembly{config.limits, errors, drops};
  PacketBatch out;

  std::optional<wire::IpView> got;
  for (const Packet& fragment : split(whole, 200)) {
    Packet sent = with_options(fragment);
    const Result<wire::IpView> ip = wire::IpView::parse(sent);
    ASSERT_TRUE(ip && ip->is_fragment);
    got = reassembly.receive(GuestId{0, 1}, *ip, Instant{1h}, out);
  }
  ASSERT_TRUE(got);
  Packet upper = options;
  upper[0] = static_cast<std::uint8_t>(wire::IpProtocol::kUdp);
  upper.insert(upper.end(), whole.begin() + wire::kIpv6HeaderSize, whole.end());
  EXPECT_EQ(Packet(got->packet.begin(), got->packet.end()),
            test::ip_packet(test::kGuestV6, test::kRemoteV6, wire::IpProtocol::kDestinationOptions, upper));
  EXPECT_EQ(got->protocol, wire::IpProtocol::kUdp);
}

// RFC 6946: served at once, whatever fragments of the same name wait.
TEST(ReassemblyV6Test, AtomicFragmentIsNoFragment) {
  Packet packet = fragment_of(udp_packet(Family::kV6, 100), 0, 108);
  const Result<wire::IpView> ip = wire::IpView::parse(packet);
  ASSERT_TRUE(ip);
  EXPECT_FALSE(ip->is_fragment);
  EXPECT_EQ(ip->protocol, wire::IpProtocol::kUdp);
  EXPECT_EQ(ip->payload.size(), 108u);
}

}  // namespace
}  // namespace wgr::slirp
