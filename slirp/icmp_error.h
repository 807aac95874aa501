// ICMP and ICMPv6 errors to guests about packets of theirs (RFC 1122 3.2.2, RFC 1812 4.3, RFC 4443 2.4).
//
// Which packets may be answered at all is decided here, and here only: never an ICMP error, a fragment
// that is not the first, a packet to or from what is not one host. As much of the packet is quoted as
// fits into 576 bytes (IPv4) or 1280 (IPv6). Each guest has a token bucket.
//
// Thread: confined to one worker.
#pragma once

#include <optional>
#include <unordered_map>

#include "core/packet_buffer.h"
#include "core/time.h"
#include "core/wire/icmp.h"
#include "core/wire/ip.h"
#include "slirp/config.h"
#include "slirp/token_bucket.h"

namespace wgr::slirp {

// What to say. Made for the family of the packet it is about; or as it came from the host, raw.
struct IcmpError {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // MTU or pointer, where the type has one

  static IcmpError net_unreachable(Family family) noexcept;
  static IcmpError host_unreachable(Family family) noexcept;
  static IcmpError port_unreachable(Family family) noexcept;
  // `field_offset`: IpView::protocol_field_offset. ICMPv6 says it with a Parameter Problem.
  static IcmpError protocol_unreachable(Family family, std::size_t field_offset) noexcept;
  static IcmpError administratively_prohibited(Family family) noexcept;
  static IcmpError packet_too_big(Family family, std::uint16_t mtu) noexcept;
  static IcmpError ttl_exceeded(Family family) noexcept;
  static IcmpError reassembly_time_exceeded(Family family) noexcept;
  // `code` counts for ICMPv6 only.
  static IcmpError parameter_problem(Family family, std::uint8_t code, std::uint32_t pointer) noexcept;

  friend bool operator==(const IcmpError&, const IcmpError&) noexcept = default;
};

enum class IcmpErrorOutcome : std::uint8_t {
  kSent,
  kForbidden,    // the packet may not be answered
  kRateLimited,  // counted by the caller as kIcmpRateLimited
};

class IcmpErrors {
 public:
  // `config` must outlive this object.
  explicit IcmpErrors(const Config& config) : config_(config) {}

  // An error about `packet`, which came from its guest and is whole except for its payload, goes to its
  // source. It comes from `reporter`: a router on the way, or by default the router's own address (the
  // packet's destination if there is none, or if that host is what speaks: port and protocol unreachable).
  IcmpErrorOutcome send(const PacketView& packet, const IcmpError& error, Instant now, PacketBatch& out,
                        const std::optional<IpAddress>& reporter = std::nullopt);

  // The guest was removed.
  void remove_guest(GuestId guest) { buckets_.erase(guest); }

 private:
  IpAddress default_reporter(const IcmpError& error, const IpAddress& destination) const;

  const Config& config_;
  std::unordered_map<GuestId, TokenBucket> buckets_;  // one for each guest that ever earned an error
};

// The packet a guest must have sent, for errors whose packet is gone: as much of it as `into` takes is
// written. Both addresses of one family. REQUIRES: into.size() >= 40 + 20.
MutableBytes write_quoted_udp(MutableBytes into, const SocketAddress& source,
                              const SocketAddress& destination, Bytes payload);
MutableBytes write_quoted_tcp(MutableBytes into, const SocketAddress& source,
                              const SocketAddress& destination, std::uint32_t sequence);
MutableBytes write_quoted_echo(MutableBytes into, const IpAddress& source, const IpAddress& destination,
                               std::uint16_t identifier, std::uint16_t sequence);

}  // namespace wgr::slirp
