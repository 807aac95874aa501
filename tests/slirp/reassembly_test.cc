#include "slirp/reassembly.h"

#include <algorithm>
#include <string>

#include "gtest/gtest.h"

#include "core/rng.h"
#include "core/wire/checksum.h"
#include "tests/slirp/test_packets.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using test::fragment_of;
using test::Packet;
using test::split;
using test::udp_packet;

class ReassemblyTest : public testing::TestWithParam<Family> {
 protected:
  ReassemblyTest() { config_.own_addresses = {test::kOwnV4, test::kOwnV6}; }

  // The whole packet if `bytes` completed one. The fragment's memory is gone when this returns.
  std::optional<Packet> receive(Packet bytes, GuestId guest = kGuest) {
    const Result<wire::IpView> ip = wire::IpView::parse(bytes);
    if (!ip || !ip->is_fragment) {
      ADD_FAILURE() << "not a fragment";
      return std::nullopt;
    }
    const std::optional<wire::IpView> whole = reassembly_.receive(guest, *ip, now_, out_);
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0xdd});
    if (!whole) return std::nullopt;
    EXPECT_FALSE(whole->is_fragment);
    return Packet(whole->packet.begin(), whole->packet.end());
  }
  void advance(Duration by) { reassembly_.on_deadline(now_ += by, out_); }
  std::uint64_t drops(DropReason reason) const { return drops_.value(reason); }

  Family family() const { return GetParam(); }
  Duration lifetime() const { return family() == Family::kV4 ? kReassemblyTimeV4 : kReassemblyTimeV6; }
  std::size_t ip_header_size() const { return test::ip_header_size(family()); }
  // As the router that was never asked to split it would see it.
  Packet unsplit(std::size_t size) const {
    Packet packet = udp_packet(family(), size);
    if (family() == Family::kV4) {  // reassembly clears the don't-fragment bit and keeps the identification
      wire::Ipv4Header header;
      header.source = test::kGuestV4;
      header.destination = test::kRemoteV4;
      header.identification = 77;
      header.dont_fragment = false;
      wire::write_ipv4(packet, header);
    }
    return packet;
  }

  static constexpr GuestId kGuest{0, 1};
  static constexpr GuestId kOther{0, 2};

  Config config_;
  DropCounters drops_;
  IcmpErrors errors_{config_};
  Reassembly reassembly_{config_.limits, errors_, drops_};
  PacketBatch out_;
  Instant now_{1h};
};

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

TEST_P(ReassemblyTest, DatagramEndsWhenItsTimeIsOver) {
  const Packet whole = unsplit(1500);
  EXPECT_EQ(reassembly_.next_deadline(), kNever);
  receive(fragment_of(whole, 0, 600));
  EXPECT_EQ(reassembly_.next_deadline(), now_ + lifetime());

  advance(lifetime() - 1ms);
  EXPECT_EQ(reassembly_.datagrams_held(), 1u);
  EXPECT_TRUE(out_.empty());
  advance(1ms);
  EXPECT_EQ(reassembly_.datagrams_held(), 0u);
  EXPECT_EQ(reassembly_.bytes_held(), 0u);
  EXPECT_EQ(reassembly_.next_deadline(), kNever);
  EXPECT_EQ(drops(DropReason::kFragmentTimeout), 1u);
}

TEST_P(ReassemblyTest, SenderOfTheFirstFragmentLearnsOfTheTimeOut) {
  const Packet first = fragment_of(unsplit(1500), 0, 600);
  receive(first);
  advance(lifetime());

  ASSERT_EQ(out_.packets().size(), 1u);
  EXPECT_EQ(out_.packets()[0].guest, kGuest);
  const Result<wire::IpView> error = wire::IpView::parse(out_.packets()[0].bytes);
  const auto icmp = wire::IcmpView::parse(family(), error->payload);
  EXPECT_EQ(icmp->type(),
            family() == Family::kV4 ? wire::icmpv4::kTimeExceeded : wire::icmpv6::kTimeExceeded);
  EXPECT_EQ(icmp->code(), 1);
  const Bytes quote = icmp->payload();
  EXPECT_TRUE(std::equal(quote.begin(), quote.end(), first.begin())) << "the fragment as it came";
}

TEST_P(ReassemblyTest, TimeOutWithoutTheFirstFragmentIsSilent) {
  receive(fragment_of(unsplit(1500), 600, 600));
  advance(lifetime());
  EXPECT_EQ(drops(DropReason::kFragmentTimeout), 1u);
  EXPECT_TRUE(out_.empty());
}

TEST_P(ReassemblyTest, LaterFragmentsDoNotExtendTheTime) {
  const Packet whole = unsplit(1500);
  receive(fragment_of(whole, 0, 600));
  advance(lifetime() - 1s);
  receive(fragment_of(whole, 600, 600));
  advance(1s);
  EXPECT_EQ(reassembly_.datagrams_held(), 0u);
}

TEST_P(ReassemblyTest, DeadlinesAreAtMostOneTickApartFromTheTruth) {
  now_ += 1ms;
  receive(fragment_of(unsplit(1500), 0, 600));
  EXPECT_GE(reassembly_.next_deadline(), now_ + lifetime());
  EXPECT_LE(reassembly_.next_deadline(), now_ + lifetime() + kReassemblyTick);
}

TEST_P(ReassemblyTest, DatagramsOfOneNameStayApartByGuest) {
  const Packet whole = unsplit(1500);
  const std::vector<Packet> fragments = split(whole, 800);
  receive(fragments[0], kGuest);
  EXPECT_EQ(receive(fragments[1], kOther), std::nullopt);
  EXPECT_EQ(receive(fragments[1], kGuest), whole);
}

TEST_P(ReassemblyTest, Rfc4787_Req14_GuestAtItsCapLosesItsOldestDatagramOnly) {
  const Packet whole = unsplit(1500);
  receive(fragment_of(whole, 0, 800, 9), kOther);
  const std::size_t cap = config_.limits.reassembly_datagrams_per_guest;
  for (std::uint32_t id = 0; id < cap; ++id) receive(fragment_of(whole, 0, 800, id));
  EXPECT_EQ(drops_.total(), 0u);

  receive(fragment_of(whole, 0, 800, 1000));
  EXPECT_EQ(drops(DropReason::kFragmentLimit), 1u);
  EXPECT_EQ(reassembly_.datagrams_held(), cap + 1);
  EXPECT_TRUE(receive(fragment_of(whole, 800, 708, 1))) << "the second oldest lives";
  EXPECT_TRUE(receive(fragment_of(whole, 800, 708, 9), kOther)) << "the other guest is not touched";
  EXPECT_FALSE(receive(fragment_of(whole, 800, 708, 0))) << "the oldest is gone";
}

TEST_P(ReassemblyTest, Rfc4787_Req14_FloodOfPartialDatagramsStaysWithinItsCaps) {
  const Packet whole = unsplit(65000);
  Rng rng{31};
  SCOPED_TRACE("seed 31");
  for (std::uint32_t id = 0; id < 100'000; ++id) {
    receive(fragment_of(whole, rng.below(8000) * 8, 8, id), GuestId{0, 1 + id % 3});
    ASSERT_LE(reassembly_.bytes_held(), 3 * config_.limits.reassembly_bytes_per_guest);
  }
  EXPECT_LE(reassembly_.datagrams_held(), 3 * config_.limits.reassembly_datagrams_per_guest);
  EXPECT_EQ(drops(DropReason::kFragmentLimit) + reassembly_.datagrams_held(), 100'000u);
}

TEST_P(ReassemblyTest, MemoryOfAGuestIsCapped) {
  config_.limits.reassembly_bytes_per_guest = 8000;
  const Packet whole = unsplit(5000);
  receive(fragment_of(whole, 0, 2000, 1));
  receive(fragment_of(whole, 0, 2000, 2));
  receive(fragment_of(whole, 0, 2000, 3));
  EXPECT_EQ(drops_.total(), 0u);
  receive(fragment_of(whole, 0, 2000, 4));
  EXPECT_EQ(drops(DropReason::kFragmentLimit), 1u);
  EXPECT_EQ(reassembly_.datagrams_held(), 3u);
  EXPECT_LE(reassembly_.bytes_held(), 8000u);
}

TEST_P(ReassemblyTest, DatagramThatExceedsTheCapAloneIsDropped) {
  config_.limits.reassembly_bytes_per_guest = 4000;
  const Packet whole = unsplit(6000);
  receive(fragment_of(whole, 0, 1200));
  receive(fragment_of(whole, 4800, 1208));
  EXPECT_EQ(drops(DropReason::kFragmentLimit), 1u);
  EXPECT_EQ(reassembly_.bytes_held(), 0u);
}

TEST_P(ReassemblyTest, GuestIsRefusedWhenOthersHoldAllMemory) {
  config_.limits.reassembly_bytes = 6000;
  const Packet whole = unsplit(3000);
  receive(fragment_of(whole, 0, 1200, 1), kGuest);
  receive(fragment_of(whole, 0, 1200, 2), kGuest);
  receive(fragment_of(whole, 0, 1200, 1), kOther);
  EXPECT_EQ(drops(DropReason::kFragmentLimit), 1u);
  EXPECT_TRUE(receive(fragment_of(whole, 1200, 1808, 1), kGuest).has_value() ||
              drops(DropReason::kFragmentLimit) > 1u);
  EXPECT_LE(reassembly_.bytes_held(), 6000u);
}

TEST_P(ReassemblyTest, CompletedPacketsHoldMemoryUntilTheTurnEnds) {
  const std::vector<Packet> fragments = split(unsplit(1500), 800);
  receive(fragments[0]);
  receive(fragments[1]);
  EXPECT_GT(reassembly_.bytes_held(), 0u);
  EXPECT_EQ(reassembly_.datagrams_held(), 0u);
  reassembly_.end_turn();
  EXPECT_EQ(reassembly_.bytes_held(), 0u);
}

TEST_P(ReassemblyTest, RemovedGuestLeavesNothing) {
  const Packet whole = unsplit(1500);
  receive(fragment_of(whole, 0, 800), kGuest);
  receive(fragment_of(whole, 0, 800), kOther);
  reassembly_.remove_guest(kGuest);
  EXPECT_EQ(reassembly_.datagrams_held(), 1u);
  reassembly_.remove_guest(kOther);
  EXPECT_EQ(reassembly_.bytes_held(), 0u);
  advance(lifetime());
  EXPECT_EQ(drops_.total(), 0u);
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
