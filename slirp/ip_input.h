// The first look at an inner packet of a guest: is it a packet this router may serve, and if not, what
// is its sender told (RFC 1122 3.2.1, RFC 1812 5.2, RFC 8200).
//
// Whose address the source may be was checked before (AllowedIPs, lease); here only what no guest may
// use. Policy about destinations is not decided here.
//
// Thread: confined to one worker.
#pragma once

#include <optional>

#include "core/packet_buffer.h"
#include "core/result.h"
#include "core/wire/ip.h"
#include "slirp/config.h"
#include "slirp/icmp_error.h"

namespace wgr::slirp {

// Why a packet was refused. `answer` goes to IcmpErrors::send(), which still may decline.
struct IpRefusal {
  DropReason reason = DropReason::kPacketMalformed;
  std::optional<IcmpError> answer;
};

// Whether the sums of TCP, UDP and ICMP are looked at. What came out of Poly1305 is as it was sent, and the
// kernel does not look either; a station on a LAN has no such seal.
enum class TransportChecksums : std::uint8_t { kTrusted, kVerified };

class IpInput {
 public:
  // `config` must outlive this object.
  explicit IpInput(const Config& config) : config_(config) {}

  // Header lengths and sum, extension headers, options, source, destination, TTL. A fragment passes like
  // a whole packet; kVerified looks at whole packets only.
  Result<wire::IpView, IpRefusal> check(MutableBytes packet,
                                        TransportChecksums checksums = TransportChecksums::kTrusted) const;

  // One of the router's own inner addresses.
  bool is_own(const IpAddress& address) const noexcept;

 private:
  std::optional<IpRefusal> check_ends(const wire::IpView& ip) const;

  const Config& config_;
};

// The sum of a whole TCP segment, UDP datagram or ICMP message; true for any other protocol. Lengths that
// cannot be read count as a wrong sum.
bool transport_checksum_is_valid(const wire::IpView& ip) noexcept;

}  // namespace wgr::slirp
