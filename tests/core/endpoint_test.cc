#include "core/endpoint.h"

#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr {
namespace {

Endpoint endpoint(std::uint16_t port) { return Endpoint::udp({IpAddress::v4(192, 0, 2, 1), port}); }

TEST(EndpointTest, DefaultIsNobody) {
  EXPECT_FALSE(Endpoint{});
  EXPECT_TRUE(endpoint(1));
  EXPECT_EQ(endpoint(1), endpoint(1));
  EXPECT_NE(endpoint(1), endpoint(2));
}

TEST(EndpointTest, LocalAddressIsPartOfIt) {
  Endpoint other = endpoint(1);
  other.local = IpAddress::v4(10, 0, 0, 1);
  EXPECT_NE(other, endpoint(1));
}

// What two sockets send cannot leave in one run.
TEST(EndpointTest, SocketIsPartOfIt) {
  Endpoint other = endpoint(1);
  other.socket = 1;
  EXPECT_NE(other, endpoint(1));
}

TEST(DatagramBatchTest, NeighboursOfOneSizeFormARun) {
  DatagramBatch batch;
  for (int i = 0; i < 10; ++i) batch.append(endpoint(1), 1400);
  ASSERT_EQ(batch.runs().size(), 1u);
  EXPECT_EQ(batch.runs()[0].count, 10u);
  EXPECT_EQ(batch.runs()[0].segment_size, 1400u);
  EXPECT_EQ(batch.runs()[0].bytes.size(), 14'000u);
}

TEST(DatagramBatchTest, ShorterDatagramClosesTheRun) {
  DatagramBatch batch;
  batch.append(endpoint(1), 1400);
  batch.append(endpoint(1), 900);
  batch.append(endpoint(1), 900);
  ASSERT_EQ(batch.runs().size(), 2u);
  EXPECT_EQ(batch.runs()[0].count, 2u);
  EXPECT_EQ(batch.runs()[0].bytes.size(), 2300u);
  EXPECT_EQ(batch.runs()[1].segment_size, 900u);
}

TEST(DatagramBatchTest, LongerDatagramBeginsARun) {
  DatagramBatch batch;
  batch.append(endpoint(1), 900);
  batch.append(endpoint(1), 1400);
  EXPECT_EQ(batch.runs().size(), 2u);
}

TEST(DatagramBatchTest, OtherEndpointBeginsARun) {
  DatagramBatch batch;
  batch.append(endpoint(1), 100);
  batch.append(endpoint(2), 100);
  batch.append(endpoint(1), 100);
  EXPECT_EQ(batch.runs().size(), 3u);
}

TEST(DatagramBatchTest, RunsEndAt64DatagramsAndAtTheBytesOfOneSend) {
  DatagramBatch small;
  for (int i = 0; i < 65; ++i) small.append(endpoint(1), 32);
  ASSERT_EQ(small.runs().size(), 2u);
  EXPECT_EQ(small.runs()[0].count, DatagramBatch::kMaxRunDatagrams);

  DatagramBatch large;
  for (int i = 0; i < 50; ++i) large.append(endpoint(1), 1452);
  ASSERT_EQ(large.runs().size(), 2u);
  EXPECT_EQ(large.runs()[0].count, DatagramBatch::kMaxRunBytes / 1452);
}

// Against a model that is a list of datagrams.
TEST(DatagramBatchTest, EveryDatagramIsInExactlyOneRunInOrder) {
  constexpr std::uint64_t kSeed = 99;
  SCOPED_TRACE("seed 99");
  Rng rng{kSeed};
  DatagramBatch batch;
  for (int turn = 0; turn < 50; ++turn) {
    std::vector<std::pair<Endpoint, std::vector<std::uint8_t>>> sent;
    while (!batch.is_full() && sent.size() < 2000) {
      const Endpoint to = endpoint(static_cast<std::uint16_t>(1 + rng.below(8) / 7));
      const std::size_t size =
          rng.below(20) == 0 ? 1 + rng.below(DatagramBatch::kMaxRunBytes) : 1400 - rng.below(4) / 3;
      std::vector<std::uint8_t> bytes(size, static_cast<std::uint8_t>(rng.next()));
      std::ranges::copy(bytes, batch.append(to, size).begin());
      sent.emplace_back(to, std::move(bytes));
    }
    std::size_t index = 0;
    for (const DatagramBatch::Run& run : batch.runs()) {
      ASSERT_LE(run.count, DatagramBatch::kMaxRunDatagrams);
      ASSERT_LE(run.bytes.size(), DatagramBatch::kMaxRunBytes);
      std::size_t at = 0;
      for (std::size_t i = 0; i < run.count; ++i, ++index) {
        ASSERT_LT(index, sent.size());
        const std::size_t size = std::min(run.segment_size, run.bytes.size() - at);
        ASSERT_EQ(run.to, sent[index].first);
        ASSERT_TRUE(std::ranges::equal(run.bytes.subspan(at, size), sent[index].second)) << index;
        at += size;
      }
      ASSERT_EQ(at, run.bytes.size());
    }
    ASSERT_EQ(index, sent.size());
    batch.clear();
    ASSERT_TRUE(batch.empty());
  }
}

}  // namespace
}  // namespace wgr
