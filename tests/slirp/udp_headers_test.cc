#include "slirp/udp_headers.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"

namespace wgr::slirp {
namespace {

constexpr std::uint8_t kTtl = 61;

// The same packet by the general writers.
std::vector<std::uint8_t> reference(const SocketAddress& from, const SocketAddress& to, std::uint8_t tos,
                                    Bytes payload) {
  const std::size_t ip_size = to.ip.is_v4() ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
  std::vector<std::uint8_t> packet(ip_size + wire::kUdpHeaderSize + payload.size());
  const MutableBytes datagram = MutableBytes{packet}.subspan(ip_size);
  std::copy(payload.begin(), payload.end(), datagram.begin() + wire::kUdpHeaderSize);
  wire::write_udp(datagram, from, to);
  if (to.ip.is_v4()) {
    wire::write_ipv4(packet, {.source = from.ip,
                              .destination = to.ip,
                              .protocol = wire::IpProtocol::kUdp,
                              .ttl = kTtl,
                              .tos = tos,
                              .dont_fragment = true});
  } else {
    wire::write_ipv6(packet, {.source = from.ip,
                              .destination = to.ip,
                              .next_header = wire::IpProtocol::kUdp,
                              .hop_limit = kTtl,
                              .traffic_class = tos});
  }
  return packet;
}

class UdpHeadersTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kSeed = 31;

  SocketAddress random_address(Family family) {
    std::uint8_t bytes[16];
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng_.next());
    const Bytes address{bytes, family == Family::kV4 ? std::size_t{4} : std::size_t{16}};
    return {IpAddress::from_bytes(address), static_cast<std::uint16_t>(rng_.next())};
  }

  std::vector<std::uint8_t> write(const SocketAddress& from, const SocketAddress& to, std::uint8_t tos,
                                  Bytes payload) {
    headers_.aim(from, to, tos);
    std::vector<std::uint8_t> packet(headers_.size() + payload.size(), 0xee);
    std::copy(payload.begin(), payload.end(), packet.begin() + static_cast<std::ptrdiff_t>(headers_.size()));
    headers_.write(packet);
    return packet;
  }

  Rng rng_{kSeed};
  UdpHeaders headers_{kTtl};
  testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(kSeed)};
};

TEST_F(UdpHeadersTest, PacketsAreThoseOfTheGeneralWriters) {
  for (int flow = 0; flow < 300; ++flow) {
    const Family family = rng_.below(2) == 0 ? Family::kV4 : Family::kV6;
    const SocketAddress from = random_address(family);
    const SocketAddress to = random_address(family);
    const auto tos = static_cast<std::uint8_t>(rng_.next());
    for (int packet = 0; packet < 5; ++packet) {
      std::vector<std::uint8_t> payload(rng_.below(1500));
      for (std::uint8_t& byte : payload) byte = static_cast<std::uint8_t>(rng_.next());
      ASSERT_EQ(write(from, to, tos, payload), reference(from, to, tos, payload)) << flow << ' ' << packet;
    }
  }
}

TEST_F(UdpHeadersTest, WhatDiffersInOneFieldAloneGetsHeadersOfItsOwn) {
  const SocketAddress from = random_address(Family::kV4);
  const SocketAddress to = random_address(Family::kV4);
  SocketAddress other_port = from;
  other_port.port ^= 1;
  SocketAddress other_guest_port = to;
  other_guest_port.port ^= 1;
  const std::uint8_t payload[] = {1, 2, 3};
  write(from, to, 0, payload);
  EXPECT_EQ(write(other_port, to, 0, payload), reference(other_port, to, 0, payload));
  EXPECT_EQ(write(other_port, other_guest_port, 0, payload),
            reference(other_port, other_guest_port, 0, payload));
  EXPECT_EQ(write(other_port, other_guest_port, 2, payload),
            reference(other_port, other_guest_port, 2, payload));
}

// RFC 768: a sum that comes out as zero is sent as all ones.
TEST_F(UdpHeadersTest, ChecksumIsNeverZero) {
  const SocketAddress from = random_address(Family::kV4);
  const SocketAddress to = random_address(Family::kV4);
  for (unsigned word = 0; word <= 0xffff; ++word) {
    std::uint8_t payload[2];
    store_be(payload, static_cast<std::uint16_t>(word));
    const std::vector<std::uint8_t> packet = write(from, to, 0, payload);
    ASSERT_NE(load_be<std::uint16_t>(packet.data() + wire::kIpv4HeaderSize + 6), 0) << word;
  }
}

}  // namespace
}  // namespace wgr::slirp
