#include "core/wire/udp.h"

#include <vector>

#include "gtest/gtest.h"

#include "core/wire/checksum.h"

namespace wgr::wire {
namespace {

using Memory = std::vector<std::uint8_t>;

const SocketAddress kSource{IpAddress::v4(10, 0, 0, 2), 4000};
const SocketAddress kDestination{IpAddress::v4(198, 51, 100, 7), 53};
const SocketAddress kSourceV6{*IpAddress::parse("fd00::2"), 4000};
const SocketAddress kDestinationV6{*IpAddress::parse("2001:db8::7"), 53};

TEST(UdpTest, WhatWasWrittenIsRead) {
  for (const auto& [source, destination] :
       {std::pair{kSource, kDestination}, std::pair{kSourceV6, kDestinationV6}}) {
    for (const std::size_t size : {0u, 1u, 2u, 1391u}) {
      Memory datagram(kUdpHeaderSize + size, 0x3c);
      write_udp(datagram, source, destination);
      const Result<UdpView> view = UdpView::parse(datagram);
      ASSERT_TRUE(view);
      EXPECT_EQ(view->source_port(), 4000);
      EXPECT_EQ(view->destination_port(), 53);
      EXPECT_EQ(view->payload().size(), size);
      EXPECT_NE(view->checksum(), 0);
      EXPECT_TRUE(view->checksum_is_valid(source.ip, destination.ip));
      datagram.back() ^= 0x10;
      EXPECT_FALSE(view->checksum_is_valid(source.ip, destination.ip));
    }
  }
}

TEST(UdpTest, LengthFieldIsHonoured) {
  struct Case {
    const char* what;
    std::uint16_t length;
    std::size_t size;
    bool passes;
  };
  constexpr Case kCases[] = {
      {"exact", 20, 20, true},
      {"trailing bytes", 10, 20, true},
      {"header only", 8, 20, true},
      {"one byte missing", 21, 20, false},
      {"below the header", 7, 20, false},
      {"zero", 0, 20, false},
      {"65535", 65535, 20, false},
      {"empty memory", 8, 0, false},
      {"cut header", 8, 7, false},
  };
  for (const Case& c : kCases) {
    Memory datagram(c.size);
    if (c.size >= 6) store_be(&datagram[4], c.length);
    const Result<UdpView> view = UdpView::parse(datagram);
    ASSERT_EQ(view.has_value(), c.passes) << c.what;
    if (view) {
      EXPECT_EQ(view->datagram().size(), c.length) << c.what;
      EXPECT_EQ(view->payload().size(), c.length - 8u) << c.what;
    }
  }
}

TEST(UdpTest, TrailingBytesAreNoPartOfTheSum) {
  Memory datagram(kUdpHeaderSize + 4, 0x3c);
  write_udp(datagram, kSource, kDestination);
  datagram.insert(datagram.end(), {0xff, 0xee, 0xdd});
  EXPECT_TRUE(UdpView::parse(datagram)->checksum_is_valid(kSource.ip, kDestination.ip));
}

// RFC 768: none was made. RFC 8200 8.1: there must be one.
TEST(UdpTest, ZeroChecksumIsValidOverIpv4Only) {
  Memory datagram(kUdpHeaderSize + 4, 0x3c);
  write_udp(datagram, kSource, kDestination);
  store_be(&datagram[6], std::uint16_t{0});
  EXPECT_TRUE(UdpView::parse(datagram)->checksum_is_valid(kSource.ip, kDestination.ip));
  EXPECT_FALSE(UdpView::parse(datagram)->checksum_is_valid(kSourceV6.ip, kDestinationV6.ip));
}

TEST(UdpTest, SumOfZeroIsWrittenAsItsTwin) {
  for (const auto& [source, destination] :
       {std::pair{kSource, kDestination}, std::pair{kSourceV6, kDestinationV6}}) {
    Memory datagram(kUdpHeaderSize + 2, 0);
    write_udp(datagram, source, destination);
    // The payload that makes the whole sum zero is the checksum it had without payload.
    store_be(&datagram[8], load_be<std::uint16_t>(&datagram[6]));
    write_udp(datagram, source, destination);
    const Result<UdpView> view = UdpView::parse(datagram);
    EXPECT_EQ(view->checksum(), 0xffff);
    EXPECT_TRUE(view->checksum_is_valid(source.ip, destination.ip));
  }
}

}  // namespace
}  // namespace wgr::wire
