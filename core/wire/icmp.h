// ICMP (RFC 792) and ICMPv6 (RFC 4443): a checked view, a writer, and the packet an error quotes.
//
//   |type|code|checksum           |
//   |rest: id and sequence, MTU, pointer, unused|
//   |body: echo data, or the quoted packet ...  |
//
// Thread: a view is as free as the memory it points into.
#pragma once

#include <optional>

#include "core/address.h"
#include "core/bytes.h"
#include "core/result.h"
#include "core/wire/ip_protocol.h"

namespace wgr::wire {

inline constexpr std::size_t kIcmpHeaderSize = 8;

namespace icmpv4 {  // RFC 792, 1122, 1191, 1812

inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kDestinationUnreachable = 3;
inline constexpr std::uint8_t kSourceQuench = 4;
inline constexpr std::uint8_t kRedirect = 5;
inline constexpr std::uint8_t kEchoRequest = 8;
inline constexpr std::uint8_t kTimeExceeded = 11;
inline constexpr std::uint8_t kParameterProblem = 12;

// Codes of kDestinationUnreachable.
inline constexpr std::uint8_t kNetUnreachable = 0;
inline constexpr std::uint8_t kHostUnreachable = 1;
inline constexpr std::uint8_t kProtocolUnreachable = 2;
inline constexpr std::uint8_t kPortUnreachable = 3;
inline constexpr std::uint8_t kFragmentationNeeded = 4;
inline constexpr std::uint8_t kAdministrativelyProhibited = 13;

// Codes of kTimeExceeded.
inline constexpr std::uint8_t kTtlExceeded = 0;
inline constexpr std::uint8_t kReassemblyTimeExceeded = 1;

}  // namespace icmpv4

namespace icmpv6 {  // RFC 4443

inline constexpr std::uint8_t kDestinationUnreachable = 1;
inline constexpr std::uint8_t kPacketTooBig = 2;
inline constexpr std::uint8_t kTimeExceeded = 3;
inline constexpr std::uint8_t kParameterProblem = 4;
inline constexpr std::uint8_t kFirstInformational = 128;  // below: errors
inline constexpr std::uint8_t kEchoRequest = 128;
inline constexpr std::uint8_t kEchoReply = 129;
inline constexpr std::uint8_t kRedirect = 137;  // informational by number, an error by nature

// Codes of kDestinationUnreachable.
inline constexpr std::uint8_t kNoRoute = 0;
inline constexpr std::uint8_t kAdministrativelyProhibited = 1;
inline constexpr std::uint8_t kAddressUnreachable = 3;
inline constexpr std::uint8_t kPortUnreachable = 4;

// Codes of kTimeExceeded.
inline constexpr std::uint8_t kHopLimitExceeded = 0;
inline constexpr std::uint8_t kReassemblyTimeExceeded = 1;

// Codes of kParameterProblem.
inline constexpr std::uint8_t kErroneousField = 0;
inline constexpr std::uint8_t kUnknownNextHeader = 1;
inline constexpr std::uint8_t kUnknownOption = 2;

}  // namespace icmpv6

constexpr IpProtocol icmp_protocol(Family family) noexcept {
  return family == Family::kV4 ? IpProtocol::kIcmp : IpProtocol::kIcmpV6;
}
// Types about which no ICMP error may be sent (RFC 1122 3.2.2; RFC 4443 2.4 (e)).
bool is_icmp_error(Family family, std::uint8_t type) noexcept;

class IcmpView {
 public:
  // `message` is the whole payload of the packet, 8 bytes at least. `family` tells which ICMP it is.
  static Result<IcmpView> parse(Family family, MutableBytes message) noexcept;

  Family family() const noexcept { return family_; }
  std::uint8_t type() const noexcept { return message_.data()[0]; }
  std::uint8_t code() const noexcept { return message_.data()[1]; }
  std::uint16_t checksum() const noexcept { return load_be<std::uint16_t>(message_.data() + 2); }
  // The four bytes after the checksum: unused, gateway, or pointer.
  std::uint32_t rest() const noexcept { return load_be<std::uint32_t>(message_.data() + 4); }

  bool is_echo_request() const noexcept;
  bool is_echo_reply() const noexcept;
  bool is_error() const noexcept { return is_icmp_error(family_, type()); }

  // Of an echo.
  std::uint16_t identifier() const noexcept { return load_be<std::uint16_t>(message_.data() + 4); }
  std::uint16_t sequence() const noexcept { return load_be<std::uint16_t>(message_.data() + 6); }

  // Of fragmentation needed or packet too big; nullopt for any other message. Zero is what routers older
  // than RFC 1191 say.
  std::optional<std::uint32_t> mtu() const noexcept;

  // What follows the first 8 bytes.
  MutableBytes payload() const noexcept { return message_.subspan(kIcmpHeaderSize); }
  // The quoted packet of an error without RFC 4884 extensions and their padding.
  MutableBytes quoted() const noexcept;
  MutableBytes message() const noexcept { return message_; }

  // The addresses count for ICMPv6 only.
  bool checksum_is_valid(const IpAddress& source, const IpAddress& destination) const noexcept;

 private:
  IcmpView(Family family, MutableBytes message) noexcept : family_(family), message_(message) {}

  Family family_;
  MutableBytes message_;
};

struct IcmpHeader {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;
};

// The third word of an echo.
constexpr std::uint32_t echo_rest(std::uint16_t identifier, std::uint16_t sequence) noexcept {
  return std::uint32_t{identifier} << 16 | sequence;
}

// Writes the first 8 bytes with the checksum; the body stands behind them already. The family is that of the
// addresses, which count for ICMPv6 only. REQUIRES: kIcmpHeaderSize <= message.size() <= 65535.
void write_icmp(MutableBytes message, const IcmpHeader& header, const IpAddress& source,
                const IpAddress& destination) noexcept;

// The packet inside an ICMP error: our own, come back with as many bytes as somebody chose to quote.
struct QuotedPacket {
  IpAddress source;
  IpAddress destination;
  IpProtocol protocol = IpProtocol::kNoNextHeader;
  Bytes upper;  // at least 8 bytes of the upper header, often more

  // Of TCP and UDP.
  std::uint16_t source_port() const noexcept { return load_be<std::uint16_t>(upper.data()); }
  std::uint16_t destination_port() const noexcept { return load_be<std::uint16_t>(upper.data() + 2); }
  // Of TCP: which segment it was (RFC 5927 4.1).
  std::uint32_t tcp_sequence() const noexcept { return load_be<std::uint32_t>(upper.data() + 4); }
  // Of an echo.
  std::uint16_t echo_identifier() const noexcept { return load_be<std::uint16_t>(upper.data() + 4); }
  std::uint16_t echo_sequence() const noexcept { return load_be<std::uint16_t>(upper.data() + 6); }

  // Total length and the transport checksum are not looked at: the quote is cut (RFC 5508 REQ-3). IPv4
  // options and IPv6 extension headers are skipped; a fragment that is not the first tells nothing.
  static Result<QuotedPacket> parse(Family family, Bytes quoted) noexcept;
};

}  // namespace wgr::wire
