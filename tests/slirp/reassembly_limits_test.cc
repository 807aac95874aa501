// How long fragments wait and how much memory they may hold.
#include "core/rng.h"
#include "tests/slirp/reassembly_fixture.h"

namespace wgr::slirp {
namespace {

using test::fragment_of;
using test::Packet;
using test::split;

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

}  // namespace
}  // namespace wgr::slirp
