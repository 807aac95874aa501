#include "slirp/host_errors.h"

#include <algorithm>
#include <cerrno>

#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"

namespace wgr::slirp {

namespace {

// Types that may be passed on as they came; MTU is written by the caller.
bool may_pass(Family family, std::uint8_t type) noexcept {
  if (family == Family::kV4) {
    return type == wire::icmpv4::kDestinationUnreachable || type == wire::icmpv4::kTimeExceeded;
  }
  return type == wire::icmpv6::kDestinationUnreachable || type == wire::icmpv6::kTimeExceeded;
}

std::uint16_t mtu_for_guest(std::uint32_t path_mtu, std::uint16_t mtu) noexcept {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(path_mtu, mtu));
}

}  // namespace

HostFailure host_failure_of(int error) noexcept {
  switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
      return HostFailure::kRefused;
    case ENETUNREACH:
    case ENETDOWN:
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
      return HostFailure::kNetUnreachable;
    case EHOSTUNREACH:
    case EHOSTDOWN:
      return HostFailure::kHostUnreachable;
    case ETIMEDOUT:
      return HostFailure::kTimedOut;
    case EACCES:
    case EPERM:
      return HostFailure::kProhibited;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
      return HostFailure::kNoResources;
    default:
      return HostFailure::kOther;
  }
}

IcmpError icmp_error_of(HostFailure failure, Family family) noexcept {
  switch (failure) {
    case HostFailure::kRefused:
      return IcmpError::port_unreachable(family);
    case HostFailure::kNetUnreachable:
      return IcmpError::net_unreachable(family);
    case HostFailure::kHostUnreachable:
    case HostFailure::kTimedOut:
    case HostFailure::kOther:
      return IcmpError::host_unreachable(family);
    case HostFailure::kProhibited:
    case HostFailure::kNoResources:
      return IcmpError::administratively_prohibited(family);
  }
  return IcmpError::host_unreachable(family);
}

std::optional<IcmpError> icmp_error_of(const egress::SocketError& error, std::uint16_t mtu) noexcept {
  const Family family = error.destination.ip.family();
  // The host sends a guest's packet with headers of the same length, so its path MTU is the guest's.
  if (error.error == EMSGSIZE) return IcmpError::packet_too_big(family, mtu_for_guest(error.mtu, mtu));
  if (error.is_local) return icmp_error_of(host_failure_of(error.error), family);
  if (!may_pass(family, error.icmp_type)) return std::nullopt;
  return IcmpError{error.icmp_type, error.icmp_code, 0};
}

std::optional<IcmpError> icmp_error_for(Family family, const egress::SocketError& error,
                                        std::uint16_t mtu) noexcept {
  if (family == error.destination.ip.family()) return icmp_error_of(error, mtu);
  if (error.error == 0) return std::nullopt;
  if (error.error != EMSGSIZE) return icmp_error_of(host_failure_of(error.error), family);
  // The header of the other family is longer or shorter by this.
  constexpr std::uint32_t kDifference = wire::kIpv6HeaderSize - wire::kIpv4HeaderSize;
  const std::uint32_t path_mtu =
      family == Family::kV6 ? error.mtu + kDifference : error.mtu - std::min(error.mtu, kDifference);
  return IcmpError::packet_too_big(family, mtu_for_guest(path_mtu, mtu));
}

std::optional<IpAddress> reporter_of(const egress::SocketError& error) noexcept {
  const IpAddress& offender = error.offender.ip;
  if (error.is_local || offender.is_unspecified() || offender.family() != error.destination.ip.family()) {
    return std::nullopt;
  }
  return offender;
}

}  // namespace wgr::slirp
