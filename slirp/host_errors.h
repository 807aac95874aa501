// What a guest is told when a host socket fails: errno values and the host's error queue, as ICMP.
//
// Thread: pure functions.
#pragma once

#include <optional>

#include "core/egress/sockets.h"
#include "slirp/icmp_error.h"

namespace wgr::slirp {

// Why a remote could not be reached, for counters and for the choice between RST and ICMP.
enum class HostFailure : std::uint8_t {
  kRefused,  // the remote said so
  kNetUnreachable,
  kHostUnreachable,
  kTimedOut,
  kProhibited,   // a firewall of the host
  kNoResources,  // descriptors, ports, memory
  kOther,
};

HostFailure host_failure_of(int error) noexcept;
// As ICMP for `family`. A time-out is host unreachable (RFC 1812 5.2.7.1).
IcmpError icmp_error_of(HostFailure failure, Family family) noexcept;

// From the error queue of a datagram or ping socket, for a guest whose MTU is `mtu`. nullopt: not for the
// guest (source quench, redirect, what ICMP does not know; RFC 5508 REQ-10).
std::optional<IcmpError> icmp_error_of(const egress::SocketError& error, std::uint16_t mtu) noexcept;

// The same for a guest of `family`, which need not be that of the socket.
std::optional<IcmpError> icmp_error_for(Family family, const egress::SocketError& error,
                                        std::uint16_t mtu) noexcept;

// Who complained, if it was a router or host on the way and of the guest's family.
std::optional<IpAddress> reporter_of(const egress::SocketError& error) noexcept;

}  // namespace wgr::slirp
