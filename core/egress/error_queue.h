// The error queue of a socket (IP_RECVERR, IPV6_RECVERR): ICMP errors and refusals of the host's own
// stack about datagrams sent earlier.
//
// Thread: pure, but for the socket.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/egress/sockets.h"

namespace wgr::egress {

// Reports read by one call at most.
inline constexpr std::size_t kMaxErrorReports = 32;
// Kept of each offending datagram: what an ICMP error quotes of it is rarely more.
inline constexpr std::size_t kErrorPayload = 1536;

// One message from MSG_ERRQUEUE: name and control messages as the kernel wrote them. Nothing when it is
// no ICMP error and no local one, or is cut short.
std::optional<SocketError> parse_error_report(const msghdr& message, Bytes payload) noexcept;

// Reads reports into `scratch`, where their payloads stay. Returns true if it stopped at a bound.
// REQUIRES: scratch.size() >= kMaxErrorReports * kErrorPayload.
bool read_error_queue(int descriptor, MutableBytes scratch, std::vector<SocketError>& into);

}  // namespace wgr::egress
