#include "core/wire/icmp.h"

#include <algorithm>
#include <cassert>

#include "core/wire/checksum.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"

namespace wgr::wire {
namespace {

constexpr std::size_t kQuotedUpperBytes = 8;  // RFC 792: the least that is quoted

// RFC 4884 4: the types that may carry extensions say in a length field where the quote ends.
std::size_t rfc4884_length(Family family, Bytes message) noexcept {
  const std::uint8_t type = message[0];
  if (family == Family::kV4) {
    const bool is_extensible = type == icmpv4::kDestinationUnreachable || type == icmpv4::kTimeExceeded ||
                               type == icmpv4::kParameterProblem;
    return is_extensible ? std::size_t{message[5]} * 4 : 0;
  }
  const bool is_extensible = type == icmpv6::kDestinationUnreachable || type == icmpv6::kTimeExceeded;
  return is_extensible ? std::size_t{message[4]} * 8 : 0;
}

Result<QuotedPacket> parse_quoted_v4(Bytes quoted) noexcept {
  if (quoted.size() < kIpv4HeaderSize || quoted[0] >> 4 != 4) return DropReason::kPacketMalformed;
  const std::size_t header_length = std::size_t{quoted[0] & 0x0fu} * 4;
  if (header_length < kIpv4HeaderSize || quoted.size() < header_length + kQuotedUpperBytes) {
    return DropReason::kPacketMalformed;
  }
  const bool is_later_fragment = (load_be<std::uint16_t>(quoted.data() + 6) & 0x1fff) != 0;
  if (is_later_fragment) return DropReason::kFragmentMalformed;
  return QuotedPacket{.source = IpAddress::from_bytes(quoted.subspan(12, 4)),
                      .destination = IpAddress::from_bytes(quoted.subspan(16, 4)),
                      .protocol = static_cast<IpProtocol>(quoted[9]),
                      .upper = quoted.subspan(header_length)};
}

Result<QuotedPacket> parse_quoted_v6(Bytes quoted) noexcept {
  if (quoted.size() < kIpv6HeaderSize + kQuotedUpperBytes || quoted[0] >> 4 != 6) {
    return DropReason::kPacketMalformed;
  }
  auto protocol = static_cast<IpProtocol>(quoted[6]);
  std::size_t at = kIpv6HeaderSize;
  for (std::size_t count = 0; count <= kIpv6MaxExtensionHeaders; ++count) {
    if (quoted.size() - at < kQuotedUpperBytes) return DropReason::kPacketMalformed;
    std::size_t length = 0;
    switch (protocol) {
      case IpProtocol::kHopByHop:
      case IpProtocol::kRouting:
      case IpProtocol::kDestinationOptions:
        length = 8 + std::size_t{quoted[at + 1]} * 8;
        break;
      case IpProtocol::kFragment:
        if ((load_be<std::uint16_t>(quoted.data() + at + 2) & 0xfff8) != 0)
          return DropReason::kFragmentMalformed;
        length = kIpv6FragmentHeaderSize;
        break;
      default:
        return QuotedPacket{.source = IpAddress::from_bytes(quoted.subspan(8, 16)),
                            .destination = IpAddress::from_bytes(quoted.subspan(24, 16)),
                            .protocol = protocol,
                            .upper = quoted.subspan(at)};
    }
    if (length > quoted.size() - at) return DropReason::kPacketMalformed;
    protocol = static_cast<IpProtocol>(quoted[at]);
    at += length;
  }
  return DropReason::kPacketMalformed;
}

}  // namespace

bool is_icmp_error(Family family, std::uint8_t type) noexcept {
  if (family == Family::kV6) return type < icmpv6::kFirstInformational || type == icmpv6::kRedirect;
  switch (type) {
    case icmpv4::kDestinationUnreachable:
    case icmpv4::kSourceQuench:
    case icmpv4::kRedirect:
    case icmpv4::kTimeExceeded:
    case icmpv4::kParameterProblem:
      return true;
    default:
      return false;
  }
}

Result<IcmpView> IcmpView::parse(Family family, MutableBytes message) noexcept {
  if (message.size() < kIcmpHeaderSize) return DropReason::kPacketMalformed;
  return IcmpView{family, message};
}

bool IcmpView::is_echo_request() const noexcept {
  return type() == (family_ == Family::kV4 ? icmpv4::kEchoRequest : icmpv6::kEchoRequest) && code() == 0;
}

bool IcmpView::is_echo_reply() const noexcept {
  return type() == (family_ == Family::kV4 ? icmpv4::kEchoReply : icmpv6::kEchoReply) && code() == 0;
}

std::optional<std::uint32_t> IcmpView::mtu() const noexcept {
  if (family_ == Family::kV6) return type() == icmpv6::kPacketTooBig ? std::optional{rest()} : std::nullopt;
  const bool is_too_big = type() == icmpv4::kDestinationUnreachable && code() == icmpv4::kFragmentationNeeded;
  return is_too_big ? std::optional{rest() & 0xffff} : std::nullopt;
}

MutableBytes IcmpView::quoted() const noexcept {
  const std::size_t length = rfc4884_length(family_, message_);
  return length == 0 ? payload() : payload().first(std::min(length, payload().size()));
}

bool IcmpView::checksum_is_valid(const IpAddress& source, const IpAddress& destination) const noexcept {
  PartialSum sum = PartialSum::of(message_);
  if (family_ == Family::kV6)
    sum += pseudo_header_sum(source, destination, IpProtocol::kIcmpV6, message_.size());
  return sum.is_valid();
}

void write_icmp(MutableBytes message, const IcmpHeader& header, const IpAddress& source,
                const IpAddress& destination) noexcept {
  assert(message.size() >= kIcmpHeaderSize && message.size() <= 65535);
  assert(source.family() == destination.family());
  std::uint8_t* const at = message.data();
  at[0] = header.type;
  at[1] = header.code;
  store_be(at + 2, std::uint16_t{0});
  store_be(at + 4, header.rest);
  PartialSum sum = PartialSum::of(message);
  if (source.is_v6()) sum += pseudo_header_sum(source, destination, IpProtocol::kIcmpV6, message.size());
  store_be(at + 2, sum.checksum());
}

Result<QuotedPacket> QuotedPacket::parse(Family family, Bytes quoted) noexcept {
  return family == Family::kV4 ? parse_quoted_v4(quoted) : parse_quoted_v6(quoted);
}

}  // namespace wgr::wire
