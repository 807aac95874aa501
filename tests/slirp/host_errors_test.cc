#include "slirp/host_errors.h"

#include <cerrno>

#include "gtest/gtest.h"

#include "core/wire/icmp.h"

namespace wgr::slirp {
namespace {

constexpr std::uint16_t kMtu = 1420;

egress::SocketError error_about(Family family, int error, std::uint8_t type, std::uint8_t code) {
  egress::SocketError about;
  about.destination = {
      family == Family::kV4 ? IpAddress::v4(198, 51, 100, 7) : *IpAddress::parse("2001:db8::7"), 9};
  about.error = error;
  about.icmp_type = type;
  about.icmp_code = code;
  return about;
}

TEST(HostErrorsTest, WithinAFamilyTypeAndCodePass) {
  const auto passed = icmp_error_for(Family::kV4, error_about(Family::kV4, EHOSTUNREACH, 3, 10), kMtu);
  ASSERT_TRUE(passed);
  EXPECT_EQ(passed->type, 3);
  EXPECT_EQ(passed->code, 10);
  EXPECT_FALSE(icmp_error_for(Family::kV4, error_about(Family::kV4, 0, 4, 0), kMtu));  // source quench
}

// A guest with IPv4 may have clients with IPv6, and the other way round.
TEST(HostErrorsTest, BetweenFamiliesTheMeaningPasses) {
  const struct {
    int error;
    IcmpError v4;
    IcmpError v6;
  } kCases[] = {
      {ECONNREFUSED, IcmpError::port_unreachable(Family::kV4), IcmpError::port_unreachable(Family::kV6)},
      {EHOSTUNREACH, IcmpError::host_unreachable(Family::kV4), IcmpError::host_unreachable(Family::kV6)},
      {ENETUNREACH, IcmpError::net_unreachable(Family::kV4), IcmpError::net_unreachable(Family::kV6)},
      {EACCES, IcmpError::administratively_prohibited(Family::kV4),
       IcmpError::administratively_prohibited(Family::kV6)},
  };
  for (const auto& c : kCases) {
    const auto to_v4 = icmp_error_for(Family::kV4, error_about(Family::kV6, c.error, 1, 0), kMtu);
    const auto to_v6 = icmp_error_for(Family::kV6, error_about(Family::kV4, c.error, 3, 0), kMtu);
    ASSERT_TRUE(to_v4 && to_v6);
    EXPECT_EQ(to_v4->type, c.v4.type);
    EXPECT_EQ(to_v4->code, c.v4.code);
    EXPECT_EQ(to_v6->type, c.v6.type);
    EXPECT_EQ(to_v6->code, c.v6.code);
  }
  EXPECT_FALSE(icmp_error_for(Family::kV6, error_about(Family::kV4, 0, 4, 0), kMtu));
}

// The guest's header is 20 bytes longer or shorter than the host's.
TEST(HostErrorsTest, BetweenFamiliesThePathMtuIsThatOfTheGuestsPacket) {
  egress::SocketError about = error_about(Family::kV6, EMSGSIZE, 2, 0);
  about.mtu = 1280;
  EXPECT_EQ(icmp_error_for(Family::kV4, about, kMtu)->rest,
            IcmpError::packet_too_big(Family::kV4, 1260).rest);
  about.destination.ip = IpAddress::v4(198, 51, 100, 7);
  EXPECT_EQ(icmp_error_for(Family::kV6, about, kMtu)->rest,
            IcmpError::packet_too_big(Family::kV6, 1300).rest);
  about.mtu = 9000;
  EXPECT_EQ(icmp_error_for(Family::kV6, about, kMtu)->rest,
            IcmpError::packet_too_big(Family::kV6, kMtu).rest);
}

}  // namespace
}  // namespace wgr::slirp
