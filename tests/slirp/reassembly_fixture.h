// A reassembly of two guests' fragments of either family, and a clock the test moves.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "slirp/reassembly.h"
#include "tests/slirp/test_packets.h"

namespace wgr::slirp {

using namespace std::chrono_literals;

class ReassemblyTest : public testing::TestWithParam<Family> {
 protected:
  ReassemblyTest() { config_.own_addresses = {test::kOwnV4, test::kOwnV6}; }

  // The whole packet if `bytes` completed one. The fragment's memory is gone when this returns.
  std::optional<test::Packet> receive(test::Packet bytes, GuestId guest = kGuest) {
    const Result<wire::IpView> ip = wire::IpView::parse(bytes);
    if (!ip || !ip->is_fragment) {
      ADD_FAILURE() << "not a fragment";
      return std::nullopt;
    }
    const std::optional<wire::IpView> whole = reassembly_.receive(guest, *ip, now_, out_);
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0xdd});
    if (!whole) return std::nullopt;
    EXPECT_FALSE(whole->is_fragment);
    return test::Packet(whole->packet.begin(), whole->packet.end());
  }
  void advance(Duration by) { reassembly_.on_deadline(now_ += by, out_); }
  std::uint64_t drops(DropReason reason) const { return drops_.value(reason); }

  Family family() const { return GetParam(); }
  Duration lifetime() const { return family() == Family::kV4 ? kReassemblyTimeV4 : kReassemblyTimeV6; }
  std::size_t ip_header_size() const { return test::ip_header_size(family()); }
  // As the router that was never asked to split it would see it.
  test::Packet unsplit(std::size_t size) const {
    test::Packet packet = test::udp_packet(family(), size);
    if (family() == Family::kV4) {  // reassembly clears the don't-fragment bit and keeps the identification
      wire::Ipv4Header header;
      header.source = test::kGuestV4;
      header.destination = test::kRemoteV4;
      header.identification = 77;
      header.dont_fragment = false;
      wire::write_ipv4(packet, header);
    }
    return packet;
  }

  static constexpr GuestId kGuest{0, 1};
  static constexpr GuestId kOther{0, 2};

  Config config_;
  DropCounters drops_;
  IcmpErrors errors_{config_};
  Reassembly reassembly_{config_.limits, errors_, drops_};
  PacketBatch out_;
  Instant now_{1h};
};

}  // namespace wgr::slirp
