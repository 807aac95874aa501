#include "core/histogram.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;

TEST(SizeHistogramTest, BucketsEndAtPowersOfTwoThatBelongToThem) {
  SizeHistogram sizes;
  for (const std::uint64_t size : {1, 2, 3, 4, 5, 2048}) sizes.record(size);

  EXPECT_EQ(sizes.bucket(0), 1u);   // 1
  EXPECT_EQ(sizes.bucket(1), 1u);   // 2
  EXPECT_EQ(sizes.bucket(2), 2u);   // 3, 4
  EXPECT_EQ(sizes.bucket(3), 1u);   // 5
  EXPECT_EQ(sizes.bucket(11), 1u);  // 2048
  EXPECT_EQ(sizes.total(), 2063u);
  EXPECT_EQ(sizes.count(), 6u);
}

TEST(SizeHistogramTest, NothingIsTheFirstBucketAndTheLastTakesTheRest) {
  SizeHistogram sizes;
  sizes.record(0);
  sizes.record(2049);
  sizes.record(std::uint64_t{1} << 40);

  EXPECT_EQ(sizes.bucket(0), 1u);
  EXPECT_EQ(sizes.bucket(SizeHistogram::kBuckets - 1), 2u);
}

TEST(DurationHistogramTest, CountsWholeMicroseconds) {
  DurationHistogram durations;
  durations.record(999ns);
  durations.record(1024us);
  durations.record(1025us);

  EXPECT_EQ(durations.bucket(0), 1u);
  EXPECT_EQ(durations.bucket(10), 1u);
  EXPECT_EQ(durations.bucket(11), 1u);
  EXPECT_EQ(durations.total(), 2049u);
}

// A clock that was set back is no reason for an endless duration.
TEST(DurationHistogramTest, WhatWentBackInTimeIsZero) {
  DurationHistogram durations;
  durations.record(-5s);

  EXPECT_EQ(durations.bucket(0), 1u);
  EXPECT_EQ(durations.total(), 0u);
}

}  // namespace
}  // namespace wgr
