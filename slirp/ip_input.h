// The first look at an inner packet of a guest: is it a packet this router may serve, and if not, what
// is its sender told (RFC 1122 3.2.1, RFC 1812 5.2, RFC 8200).
//
// Whose address the source may be was checked before (AllowedIPs, lease); here only what no guest may
// use. Policy about destinations is not decided here.
//
// Thread: confined to one worker.
#pragma once

#include <array>
#include <cstdint>
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

// A whole packet that passed.
struct AcceptedPacket {
  wire::IpView ip;
  bool is_to_us = false;  // to one of the router's own inner addresses
};

class IpInput {
 public:
  // `config` must outlive this object.
  explicit IpInput(const Config& config) : config_(config) {}

  // The packets of a flow come in runs whose headers differ in length, identification and sum alone. Of such
  // a one only these are looked at; null for any other packet: then check() decides, and what remember() is
  // told next begins a run. The result is valid until the next call of either.
  const AcceptedPacket* check_like_last(MutableBytes packet) noexcept;
  // REQUIRES: check() passed it with kTrusted, and it is no fragment.
  const AcceptedPacket& remember(const wire::IpView& ip);

  // Header lengths and sum, extension headers, options, source, destination, TTL. A fragment passes like
  // a whole packet; kVerified looks at whole packets only.
  Result<wire::IpView, IpRefusal> check(MutableBytes packet,
                                        TransportChecksums checksums = TransportChecksums::kTrusted) const;

  // One of the router's own inner addresses.
  bool is_own(const IpAddress& address) const noexcept;

 private:
  bool is_like_last_v4(Bytes packet) const noexcept;
  bool is_like_last_v6(Bytes packet) const noexcept;
  std::optional<IpRefusal> check_ends(const wire::IpView& ip) const;

  const Config& config_;
  // The last packet remembered. Its fixed header, if that is all there is in front of the upper one.
  enum class Header : std::uint8_t { kOther, kV4, kV6 };
  Header last_header_kind_ = Header::kOther;
  std::array<std::uint8_t, wire::kIpv6HeaderSize> last_header_{};
  AcceptedPacket last_;
};

// The sum of a whole TCP segment, UDP datagram or ICMP message; true for any other protocol. Lengths that
// cannot be read count as a wrong sum.
bool transport_checksum_is_valid(const wire::IpView& ip) noexcept;

}  // namespace wgr::slirp
