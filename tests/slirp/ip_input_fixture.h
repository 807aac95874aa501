// What the checks of arriving packets say of one packet.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "core/wire/checksum.h"
#include "slirp/ip_input.h"
#include "tests/slirp/test_packets.h"

namespace wgr::slirp {

class IpInputTest : public testing::Test {
 protected:
  IpInputTest() { config_.own_addresses = {test::kOwnV4, test::kOwnV6}; }

  std::optional<DropReason> refusal(test::Packet packet,
                                    TransportChecksums checksums = TransportChecksums::kTrusted) {
    const auto ip = input_.check(packet, checksums);
    if (ip) return std::nullopt;
    return ip.error().reason;
  }
  std::optional<IcmpError> answer(test::Packet packet) {
    const auto ip = input_.check(packet);
    return ip ? std::nullopt : ip.error().answer;
  }

  // An IPv4 packet with `options` behind its header; a multiple of four bytes.
  static test::Packet with_options(const test::Packet& options) {
    test::Packet packet = test::udp_packet(Family::kV4, 32);
    packet.insert(packet.begin() + wire::kIpv4HeaderSize, options.begin(), options.end());
    const std::size_t header_size = wire::kIpv4HeaderSize + options.size();
    packet[0] = static_cast<std::uint8_t>(0x40 | header_size / 4);
    store_be(&packet[2], static_cast<std::uint16_t>(packet.size()));
    store_be(&packet[10], std::uint16_t{0});
    store_be(&packet[10], wire::PartialSum::of(Bytes{packet}.first(header_size)).checksum());
    return packet;
  }

  Config config_;
  IpInput input_{config_};
};

}  // namespace wgr::slirp
