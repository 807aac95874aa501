// The IPv4 header (RFC 791): a checked view and a writer.
//
//   |version ihl|tos|total length      |
//   |identification |flags frag offset |
//   |ttl |protocol  |header checksum   |
//   |source address                    |
//   |destination address               |
//   |options up to 40 bytes            |
//
// The view checks lengths only. Which addresses, options and fragments are welcome is slirp/ip_input's.
//
// Thread: a view is as free as the memory it points into.
#pragma once

#include "core/address.h"
#include "core/bytes.h"
#include "core/result.h"
#include "core/wire/ip_protocol.h"

namespace wgr::wire {

inline constexpr std::size_t kIpv4HeaderSize = 20;
inline constexpr std::size_t kIpv4MaxHeaderSize = 60;
inline constexpr std::size_t kIpv4MaxPacketSize = 65535;
inline constexpr std::size_t kIpv4MinMtu = 68;  // RFC 791 3.2: every link carries that much

class Ipv4View {
 public:
  // A whole header, and total length within `packet`; bytes after it (link padding) are cut off.
  static Result<Ipv4View> parse(MutableBytes packet) noexcept;

  std::size_t header_length() const noexcept { return std::size_t{at(0) & 0x0fu} * 4; }
  std::size_t total_length() const noexcept { return packet_.size(); }
  std::uint8_t tos() const noexcept { return at(1); }
  std::uint16_t identification() const noexcept { return load_be<std::uint16_t>(packet_.data() + 4); }
  bool dont_fragment() const noexcept { return (at(6) & 0x40) != 0; }
  bool more_fragments() const noexcept { return (at(6) & 0x20) != 0; }
  // In bytes.
  std::size_t fragment_offset() const noexcept {
    return std::size_t{load_be<std::uint16_t>(packet_.data() + 6) & 0x1fffu} * 8;
  }
  bool is_fragment() const noexcept { return more_fragments() || fragment_offset() != 0; }
  std::uint8_t ttl() const noexcept { return at(8); }
  IpProtocol protocol() const noexcept { return static_cast<IpProtocol>(at(9)); }
  std::uint16_t checksum() const noexcept { return load_be<std::uint16_t>(packet_.data() + 10); }
  IpAddress source() const noexcept { return IpAddress::from_bytes(packet_.subspan(12, 4)); }
  IpAddress destination() const noexcept { return IpAddress::from_bytes(packet_.subspan(16, 4)); }

  // Header and payload, exactly total_length() bytes.
  MutableBytes packet() const noexcept { return packet_; }
  MutableBytes header() const noexcept { return packet_.first(header_length()); }
  MutableBytes payload() const noexcept { return packet_.subspan(header_length()); }

  bool checksum_is_valid() const noexcept;
  // Loose or strict (RFC 791 3.1), or options that cannot be read up to the point where one might stand.
  bool has_source_route() const noexcept;

 private:
  explicit Ipv4View(MutableBytes packet) noexcept : packet_(packet) {}
  std::uint8_t at(std::size_t offset) const noexcept { return packet_.data()[offset]; }

  MutableBytes packet_;
};

// A header without options.
struct Ipv4Header {
  IpAddress source;
  IpAddress destination;
  IpProtocol protocol = IpProtocol::kUdp;
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  std::uint16_t identification = 0;  // RFC 6864: any value where dont_fragment holds
  bool dont_fragment = true;
  bool more_fragments = false;
  std::size_t fragment_offset = 0;  // bytes, a multiple of 8
};

// Writes the first kIpv4HeaderSize bytes of `packet`, which is as long as the whole packet.
// REQUIRES: kIpv4HeaderSize <= packet.size() <= kIpv4MaxPacketSize; both addresses IPv4.
void write_ipv4(MutableBytes packet, const Ipv4Header& header) noexcept;

}  // namespace wgr::wire
