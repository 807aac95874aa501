// The IPv6 header and its extension headers (RFC 8200): checked views and writers.
//
//   |version|traffic class|flow label         |
//   |payload length       |next header |hop limit|
//   |source address, 16 bytes                 |
//   |destination address, 16 bytes            |
//   |hop-by-hop|destination|routing|fragment|destination| upper protocol ...
//
// The walk over the extension headers happens once, in parse(), and is bounded. What it refuses it
// explains, so that a Parameter Problem can be sent.
//
// Thread: a view is as free as the memory it points into.
#pragma once

#include <optional>

#include "core/address.h"
#include "core/bytes.h"
#include "core/result.h"
#include "core/wire/ip_protocol.h"

namespace wgr::wire {

inline constexpr std::size_t kIpv6HeaderSize = 40;
inline constexpr std::size_t kIpv6FragmentHeaderSize = 8;
inline constexpr std::size_t kIpv6MinMtu = 1280;             // RFC 8200 5
inline constexpr std::size_t kIpv6MaxExtensionHeaders = 8;   // RFC 8504 5.3 lets a node set a limit
inline constexpr std::size_t kIpv6MaxOptionsPerHeader = 16;  // likewise, padding not counted

// The fragment header (RFC 8200 4.5).
struct Ipv6Fragment {
  IpProtocol next_header = IpProtocol::kNoNextHeader;  // of the fragmentable part
  std::size_t offset = 0;                              // bytes
  bool more_fragments = false;
  std::uint32_t identification = 0;
  std::size_t header_offset = 0;             // of the fragment header, from the start of the packet
  std::size_t next_header_field_offset = 0;  // of the byte that announced it

  // RFC 6946: a fragment that is a whole packet.
  bool is_atomic() const noexcept { return offset == 0 && !more_fragments; }
};

// Why a packet was refused, and what RFC 4443 3.4 tells its sender.
struct Ipv6Refusal {
  DropReason reason = DropReason::kPacketMalformed;
  std::optional<std::uint8_t> parameter_problem;  // code; none: refuse in silence
  std::uint32_t pointer = 0;                      // offset of the offending byte
  bool tell_multicast = false;                    // RFC 8200 4.2: option action 10 is told even then
};

class Ipv6View {
 public:
  // A whole header, and payload length within `packet`; bytes after it are cut off. The extension
  // headers are walked to the upper protocol, or to the fragment header of a fragment that is not the
  // first. Jumbograms are malformed.
  static Result<Ipv6View, Ipv6Refusal> parse(MutableBytes packet) noexcept;

  std::uint8_t traffic_class() const noexcept {
    return static_cast<std::uint8_t>(load_be<std::uint16_t>(packet_.data()) >> 4);
  }
  std::uint32_t flow_label() const noexcept { return load_be<std::uint32_t>(packet_.data()) & 0xfffff; }
  std::size_t total_length() const noexcept { return packet_.size(); }
  std::uint8_t hop_limit() const noexcept { return packet_.data()[7]; }
  IpAddress source() const noexcept { return IpAddress::from_bytes(packet_.subspan(8, 16)); }
  IpAddress destination() const noexcept { return IpAddress::from_bytes(packet_.subspan(24, 16)); }

  // The protocol of payload(). For a fragment that is not the first it is what the fragment header
  // announces, and payload() is a piece of it.
  IpProtocol protocol() const noexcept { return protocol_; }
  // Fixed and extension headers.
  std::size_t header_length() const noexcept { return upper_offset_; }
  // Offset of the next header byte that announced protocol(): where a Parameter Problem about an
  // unknown one points.
  std::size_t protocol_field_offset() const noexcept { return protocol_field_offset_; }
  const std::optional<Ipv6Fragment>& fragment() const noexcept { return fragment_; }
  bool is_fragment() const noexcept { return fragment_ && !fragment_->is_atomic(); }

  MutableBytes packet() const noexcept { return packet_; }
  MutableBytes payload() const noexcept { return packet_.subspan(upper_offset_); }
  // What follows the fragment header. REQUIRES: fragment().
  MutableBytes fragmentable_part() const noexcept {
    return packet_.subspan(fragment_->header_offset + kIpv6FragmentHeaderSize);
  }

  // REQUIRES: hop_limit() > 0.
  void decrement_hop_limit() const noexcept { --packet_.data()[7]; }

 private:
  explicit Ipv6View(MutableBytes packet) noexcept : packet_(packet) {}
  std::optional<Ipv6Refusal> walk_extension_headers() noexcept;
  std::optional<Ipv6Refusal> walk_options(std::size_t begin, std::size_t end) const noexcept;

  MutableBytes packet_;
  std::size_t upper_offset_ = kIpv6HeaderSize;
  std::size_t protocol_field_offset_ = 6;
  IpProtocol protocol_ = IpProtocol::kNoNextHeader;
  std::optional<Ipv6Fragment> fragment_;
};

struct Ipv6Header {
  IpAddress source;
  IpAddress destination;
  IpProtocol next_header = IpProtocol::kUdp;
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;
};

// Writes the first kIpv6HeaderSize bytes of `packet`, which is as long as the whole packet.
// REQUIRES: kIpv6HeaderSize <= packet.size() <= kIpv6HeaderSize + 65535; both addresses IPv6.
void write_ipv6(MutableBytes packet, const Ipv6Header& header) noexcept;

// Writes kIpv6FragmentHeaderSize bytes. Only next_header, offset, more_fragments and identification count.
// REQUIRES: fragment.offset is a multiple of 8.
void write_ipv6_fragment(std::uint8_t* at, const Ipv6Fragment& fragment) noexcept;

}  // namespace wgr::wire
