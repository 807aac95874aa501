#include "core/size_histogram.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

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

}  // namespace
}  // namespace wgr
