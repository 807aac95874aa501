#include "slirp/segment_run.h"

#include "gtest/gtest.h"

#include "core/wire/checksum.h"
#include "tests/slirp/test_packets.h"

namespace wgr::slirp {
namespace {

using test::Packet;

constexpr std::uint32_t kFirst = 0xfffffe00;  // wraps within the run
constexpr GuestId kGuest{0, 1};

wire::TcpHeader with_flags(wire::TcpFlags flags) {
  wire::TcpHeader header;
  header.flags = flags;
  return header;
}
wire::TcpHeader with_timestamps(std::uint32_t value) {
  wire::TcpHeader header;
  header.options.timestamps = wire::Timestamps{value, /*echo=*/2};
  return header;
}

class SegmentRunTest : public testing::TestWithParam<Family> {
 protected:
  Packet segment(std::uint32_t sequence, std::size_t size, wire::TcpHeader header = {}) const {
    header.source_port = 4000;
    header.destination_port = 80;
    header.sequence = sequence;
    header.acknowledgement = 77;
    if (header.flags == wire::TcpFlags{}) header.flags = wire::kTcpAck;
    header.window = 500;
    Packet upper = test::payload(header.size() + size, sequence);
    wire::write_tcp(upper, header, test::guest_address(GetParam()), test::remote_address(GetParam()));
    return test::ip_packet(test::guest_address(GetParam()), test::remote_address(GetParam()),
                           wire::IpProtocol::kTcp, upper);
  }
  // How many of the packets behind the first belong to its run.
  std::size_t followers(std::vector<Packet> packets) {
    std::vector<PacketView> views;
    for (Packet& packet : packets) views.push_back({kGuest, packet});
    return run_.find(views).size();
  }
  std::size_t header_size() const { return test::ip_header_size(GetParam()) + wire::kTcpHeaderSize; }

  SegmentRun run_;
};

INSTANTIATE_TEST_SUITE_P(Families, SegmentRunTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& family) { return family.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(SegmentRunTest, SegmentsInSequenceAreOneRun) {
  std::vector<Packet> packets{segment(kFirst, 1000), segment(kFirst + 1000, 1000),
                              segment(kFirst + 2000, 300, with_flags(wire::kTcpAck | wire::kTcpPsh))};
  std::vector<PacketView> views;
  for (Packet& packet : packets) views.push_back({kGuest, packet});
  const auto payloads = run_.find(views);
  ASSERT_EQ(payloads.size(), 2u);
  EXPECT_EQ(payloads[0].data(), packets[1].data() + header_size());
  EXPECT_EQ(payloads[0].size(), 1000u);
  EXPECT_EQ(payloads[1].data(), packets[2].data() + header_size());
  EXPECT_EQ(payloads[1].size(), 300u);
}

TEST_P(SegmentRunTest, EqualTimestampsAreOneRunAndOthersAreNot) {
  const wire::TcpHeader then = with_timestamps(1);
  const wire::TcpHeader later = with_timestamps(2);
  EXPECT_EQ(followers({segment(kFirst, 100, then), segment(kFirst + 100, 100, then)}), 1u);
  EXPECT_EQ(followers({segment(kFirst, 100, then), segment(kFirst + 100, 100, later)}), 0u);
  EXPECT_EQ(followers({segment(kFirst, 100, then), segment(kFirst + 100, 100)}), 0u);
}

TEST_P(SegmentRunTest, GapsAndRepetitionsEndTheRun) {
  EXPECT_EQ(followers({segment(kFirst, 100), segment(kFirst + 101, 100)}), 0u);
  EXPECT_EQ(followers({segment(kFirst, 100), segment(kFirst, 100)}), 0u);
  EXPECT_EQ(followers({segment(kFirst, 100), segment(kFirst + 100, 100), segment(kFirst + 100, 100)}), 1u);
}

TEST_P(SegmentRunTest, SegmentsThatSayMoreThanTheirPlaceAreNotInTheRun) {
  const Packet first = segment(kFirst, 100);
  for (const wire::TcpFlags flag :
       {wire::kTcpFin, wire::kTcpSyn, wire::kTcpRst, wire::kTcpUrg, wire::kTcpEce, wire::kTcpCwr}) {
    const wire::TcpHeader header = with_flags(wire::kTcpAck | flag);
    EXPECT_EQ(followers({first, segment(kFirst + 100, 100, header)}), 0u) << int{flag.bits};
    EXPECT_EQ(followers({segment(kFirst, 100, header), segment(kFirst + 100, 100, header)}), 0u);
  }
  EXPECT_EQ(followers({first, segment(kFirst + 100, 0)}), 0u);
  EXPECT_EQ(followers({segment(kFirst, 0), segment(kFirst, 100)}), 0u);
}

// Every byte of the headers counts but lengths, identification, sums, sequence number and urgent pointer. (A
// change to IPv4's length and identification shows in its sum.)
TEST_P(SegmentRunTest, AnyOtherDifferenceInTheHeadersEndsTheRun) {
  const std::size_t ip = test::ip_header_size(GetParam());
  for (std::size_t i = 0; i < header_size(); ++i) {
    const bool is_length = GetParam() == Family::kV6 && (i == 4 || i == 5);
    const bool is_sum_or_urgent_pointer = i >= ip + 16;
    if (is_length || is_sum_or_urgent_pointer) continue;
    Packet second = segment(kFirst + 100, 100);
    second[i] ^= 0x10;
    EXPECT_EQ(followers({segment(kFirst, 100), second}), 0u) << i;
  }
}

TEST_P(SegmentRunTest, LengthBeyondThePacketEndsTheRunAndPaddingDoesNot) {
  Packet padded = segment(kFirst + 100, 100);
  padded.resize(padded.size() + 12);
  EXPECT_EQ(followers({segment(kFirst, 100), padded, segment(kFirst + 200, 100)}), 2u);
  Packet cut = segment(kFirst + 100, 100);
  cut.pop_back();
  EXPECT_EQ(followers({segment(kFirst, 100), cut}), 0u);
  cut.resize(header_size());
  EXPECT_EQ(followers({segment(kFirst, 100), cut}), 0u);
  cut.resize(3);
  EXPECT_EQ(followers({segment(kFirst, 100), cut}), 0u);
  EXPECT_EQ(followers({cut, segment(kFirst, 100)}), 0u);
}

TEST_P(SegmentRunTest, IdentificationMayDifferButItsSumMustBeRight) {
  if (GetParam() == Family::kV6) return;  // which has neither
  Packet second = segment(kFirst + 100, 100);
  second[5] ^= 1;
  EXPECT_EQ(followers({segment(kFirst, 100), second}), 0u);
  store_be(&second[10], std::uint16_t{0});
  store_be(&second[10], wire::PartialSum::of(Bytes{second}.first(wire::kIpv4HeaderSize)).checksum());
  EXPECT_EQ(followers({segment(kFirst, 100), second}), 1u);
}

TEST_P(SegmentRunTest, AnotherGuestEndsTheRun) {
  Packet first = segment(kFirst, 100);
  Packet second = segment(kFirst + 100, 100);
  const PacketView views[] = {{kGuest, first}, {GuestId{0, 2}, second}};
  EXPECT_TRUE(run_.find(views).empty());
  EXPECT_TRUE(run_.find(std::span{views}.first(1)).empty());
}

}  // namespace
}  // namespace wgr::slirp
