// Why a packet, datagram or flow was not served. A drop is a value with a name: it is counted once,
// where it ends, and never logged above TRACE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wgr {

// The names are the `reason` labels of metrics and of the periodic report.
#define WGR_DROP_REASONS(X)                                                       \
  /* outer datagrams */                                                           \
  X(kDatagramMalformed, "datagram_malformed") /* type, length, reserved */        \
  X(kDatagramTooLong, "datagram_too_long")                                        \
  X(kMac1Invalid, "mac1_invalid")                                                 \
  X(kMac2Required, "mac2_required")         /* under load: cookie sent */         \
  X(kHandshakeInvalid, "handshake_invalid") /* AEAD or DH failed */               \
  X(kHandshakeUnknownPeer, "handshake_unknown_peer")                              \
  X(kHandshakeReplayed, "handshake_replayed")        /* TAI64N not newer */       \
  X(kHandshakeFlood, "handshake_flood")              /* per peer, 20 ms */        \
  X(kHandshakeRateLimited, "handshake_rate_limited") /* per source */             \
  X(kHandshakeUnexpected, "handshake_unexpected")    /* no such index or state */ \
  X(kCookieInvalid, "cookie_invalid")                                             \
  X(kIndexUnknown, "index_unknown")                                               \
  X(kKeypairExpired, "keypair_expired")                                           \
  X(kAuthenticationFailed, "authentication_failed")                               \
  X(kReplayed, "replayed")                                                        \
  X(kEndpointMissing, "endpoint_missing")                                         \
  X(kSendFailed, "send_failed")                                                   \
  /* inner packets */                                                             \
  X(kPacketMalformed, "packet_malformed")                                         \
  X(kPacketTooBig, "packet_too_big")                                              \
  X(kSourceNotAllowed, "source_not_allowed")    /* AllowedIPs or lease */         \
  X(kSourceInvalid, "source_invalid")           /* martian */                     \
  X(kDestinationInvalid, "destination_invalid") /* multicast, broadcast */        \
  X(kNoRoute, "no_route")                                                         \
  X(kTtlExpired, "ttl_expired")                                                   \
  X(kChecksumInvalid, "checksum_invalid")                                         \
  X(kProtocolUnsupported, "protocol_unsupported")                                 \
  X(kIpOptionRefused, "ip_option_refused") /* source route */                     \
  X(kStagedOverflow, "staged_overflow")                                           \
  X(kStagedExpired, "staged_expired") /* handshake given up */                    \
  X(kMailboxFull, "mailbox_full")                                                 \
  X(kPoolExhausted, "pool_exhausted")                                             \
  X(kShuttingDown, "shutting_down")                                               \
  /* fragments */                                                                 \
  X(kFragmentMalformed, "fragment_malformed")                                     \
  X(kFragmentOverlap, "fragment_overlap")                                         \
  X(kFragmentTimeout, "fragment_timeout")                                         \
  X(kFragmentLimit, "fragment_limit")                                             \
  /* flows */                                                                     \
  X(kPolicyDenied, "policy_denied")                                               \
  X(kFlowLimitGuest, "flow_limit_guest")                                          \
  X(kFlowLimitTotal, "flow_limit_total")                                          \
  X(kFlowRateLimited, "flow_rate_limited") /* new UDP mappings of a guest */      \
  X(kDescriptorsExhausted, "descriptors_exhausted")                               \
  X(kFlowUnknown, "flow_unknown")   /* no flow, not a SYN */                      \
  X(kFlowFiltered, "flow_filtered") /* UDP from a stranger */                     \
  X(kTcpOutOfWindow, "tcp_out_of_window")                                         \
  X(kTcpInvalid, "tcp_invalid") /* RST, SYN or ACK refused */                     \
  X(kTcpOutOfOrderLimit, "tcp_out_of_order_limit")                                \
  X(kSocketFailed, "socket_failed")                                               \
  X(kSocketFull, "socket_full")           /* EAGAIN on a datagram */              \
  X(kPingUnavailable, "ping_unavailable") /* kernel forbids ping */               \
  X(kIcmpRateLimited, "icmp_rate_limited")                                        \
  X(kIcmpUnmatched, "icmp_unmatched")                                             \
  /* DNS */                                                                       \
  X(kDnsMalformed, "dns_malformed")                                               \
  X(kDnsUnanswered, "dns_unanswered")                                             \
  X(kDnsLimit, "dns_limit")                                                       \
  X(kDnsRebind, "dns_rebind") /* a private address in a public answer */          \
  /* virtual LANs */                                                              \
  X(kFrameMalformed, "frame_malformed") /* runt, type, VLAN tag */                \
  X(kFrameTooLong, "frame_too_long")                                              \
  X(kMacSpoofed, "mac_spoofed")                                                   \
  X(kArpInvalid, "arp_invalid") /* malformed, spoofed, for the gateway's own */   \
  X(kArpRateLimited, "arp_rate_limited")                                          \
  X(kDhcpMalformed, "dhcp_malformed")                                             \
  X(kDhcpRogue, "dhcp_rogue") /* a server's message from a station */             \
  X(kNeighborInvalid, "neighbor_invalid")                                         \
  X(kRouterRogue, "router_rogue")         /* RA or redirect from a station */     \
  X(kStationIsolated, "station_isolated") /* for another station */               \
  X(kStationUnknown, "station_unknown")                                           \
  X(kStationLimit, "station_limit")                                               \
  X(kBroadcastRateLimited, "broadcast_rate_limited")                              \
  X(kPaceOverflow, "pace_overflow")                                               \
  X(kSessionGone, "session_gone")

enum class DropReason : std::uint8_t {
#define WGR_ENUMERATOR(name, text) name,
  WGR_DROP_REASONS(WGR_ENUMERATOR)
#undef WGR_ENUMERATOR
      kCount
};

inline constexpr std::size_t kDropReasonCount = static_cast<std::size_t>(DropReason::kCount);

constexpr std::string_view to_string(DropReason reason) noexcept {
  constexpr std::string_view kNames[] = {
#define WGR_NAME(name, text) text,
      WGR_DROP_REASONS(WGR_NAME)
#undef WGR_NAME
  };
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace wgr
