#include "core/wire/ethernet.h"

#include <vector>

#include "gtest/gtest.h"

namespace wgr::wire {
namespace {

using Memory = std::vector<std::uint8_t>;

const MacAddress kA = *MacAddress::parse("02:00:00:00:00:0a");
const MacAddress kB = *MacAddress::parse("00:22:15:34:61:e5");

TEST(EthernetTest, WhatWasWrittenIsRead) {
  Memory frame(kEthernetHeaderSize + 3, 0x3c);
  write_ethernet(frame, kA, kB, EtherType::kIpv6);
  const Result<EthernetView> view = EthernetView::parse(frame);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->destination(), kA);
  EXPECT_EQ(view->source(), kB);
  EXPECT_EQ(view->type(), EtherType::kIpv6);
  EXPECT_EQ(view->payload().size(), 3u);
  EXPECT_EQ(view->payload()[0], 0x3c);
}

// virtio does not pad: a header alone is a frame.
TEST(EthernetTest, FramesBeginAtFourteenBytes) {
  Memory frame(kEthernetHeaderSize);
  EXPECT_TRUE(EthernetView::parse(frame));
  frame.pop_back();
  ASSERT_FALSE(EthernetView::parse(frame));
  EXPECT_EQ(EthernetView::parse(frame).error(), DropReason::kFrameMalformed);
}

TEST(EthernetTest, TagsAreRecognised) {
  Memory frame(18);
  for (const EtherType type : {EtherType::kVlan, EtherType::kProviderVlan}) {
    write_ethernet(frame, kA, kB, type);
    EXPECT_TRUE(EthernetView::parse(frame)->is_tagged());
  }
  write_ethernet(frame, kA, kB, EtherType::kArp);
  EXPECT_FALSE(EthernetView::parse(frame)->is_tagged());
}

TEST(EthernetTest, GroupsOfOneLinkAreKnown) {
  EXPECT_TRUE(is_link_constrained(*MacAddress::parse("01:80:c2:00:00:00")));
  EXPECT_TRUE(is_link_constrained(*MacAddress::parse("01:80:c2:00:00:0f")));
  EXPECT_FALSE(is_link_constrained(*MacAddress::parse("01:80:c2:00:00:10")));
  EXPECT_FALSE(is_link_constrained(MacAddress::broadcast()));
}

// RFC 4291 appendix A.
TEST(EthernetTest, LinkLocalAddressComesFromTheMac) {
  EXPECT_EQ(link_local_of(*MacAddress::parse("34:56:78:9a:bc:de")).to_string(), "fe80::3656:78ff:fe9a:bcde");
  EXPECT_EQ(link_local_of(kA).to_string(), "fe80::ff:fe00:a");
}

}  // namespace
}  // namespace wgr::wire
