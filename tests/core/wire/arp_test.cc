#include "core/wire/arp.h"

#include <vector>

#include "gtest/gtest.h"

namespace wgr::wire {
namespace {

using Memory = std::vector<std::uint8_t>;

const ArpMessage kRequest{.operation = ArpOperation::kRequest,
                          .sender_mac = *MacAddress::parse("02:00:00:00:00:0a"),
                          .sender = IpAddress::v4(192, 168, 86, 7),
                          .target_mac = {},
                          .target = IpAddress::v4(192, 168, 86, 1)};

Memory written(const ArpMessage& message, std::size_t size = kArpSize) {
  Memory payload(size);
  write_arp(payload, message);
  return payload;
}

TEST(ArpTest, WhatWasWrittenIsRead) {
  const Memory expected{0,    1,    0x08, 0, 6, 4, 0, 1, 0x02, 0, 0,    0,    0,    0x0a,
                        0xc0, 0xa8, 0x56, 7, 0, 0, 0, 0, 0,    0, 0xc0, 0xa8, 0x56, 1};
  EXPECT_EQ(written(kRequest), expected);
  const Result<ArpMessage> read = ArpMessage::parse(written(kRequest, 46));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, kRequest);
}

TEST(ArpTest, ProbesAndAnnouncementsAreTold) {
  ArpMessage message = kRequest;
  EXPECT_FALSE(message.is_probe() || message.is_announcement());
  message.sender = IpAddress{};
  EXPECT_TRUE(message.is_probe());
  message.sender = message.target;
  EXPECT_TRUE(message.is_announcement());
}

// Short ARP messages were CVE-2020-29129 elsewhere.
TEST(ArpTest, OtherShapesAreRefused) {
  const Memory good = written(kRequest);
  for (std::size_t size = 0; size < kArpSize; ++size) {
    EXPECT_FALSE(ArpMessage::parse(Bytes{good}.first(size))) << size;
  }
  for (std::size_t at = 0; at < 8; ++at) {
    Memory bad = good;
    bad[at] ^= 0x40;
    ASSERT_FALSE(ArpMessage::parse(bad)) << at;
    EXPECT_EQ(ArpMessage::parse(bad).error(), DropReason::kArpInvalid);
  }
  for (const std::uint8_t operation : {0, 3, 8}) {
    Memory bad = good;
    bad[7] = operation;
    EXPECT_FALSE(ArpMessage::parse(bad)) << unsigned{operation};
  }
}

}  // namespace
}  // namespace wgr::wire
