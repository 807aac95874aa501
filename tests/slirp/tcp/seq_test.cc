#include "slirp/tcp/seq.h"

#include "gtest/gtest.h"

namespace wgr::slirp::tcp {
namespace {

TEST(SeqNumberTest, ComparesAcrossTheWrap) {
  const SeqNumber before{0xfffffff0};
  const SeqNumber after = before + 0x20;
  EXPECT_EQ(after.value(), 0x10u);
  EXPECT_TRUE(before < after);
  EXPECT_TRUE(after > before);
  EXPECT_FALSE(after <= before);
  EXPECT_EQ(SeqNumber::distance(before, after), 0x20u);
  EXPECT_EQ(max(before, after), after);
  EXPECT_EQ(min(before, after), before);
  EXPECT_EQ(after - 0x20, before);
}

}  // namespace
}  // namespace wgr::slirp::tcp
