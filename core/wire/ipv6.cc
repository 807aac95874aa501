#include "core/wire/ipv6.h"

#include <cassert>
#include <cstring>

namespace wgr::wire {
namespace {

// RFC 4443 3.4.
constexpr std::uint8_t kErroneousField = 0;
constexpr std::uint8_t kUnknownOption = 2;

constexpr std::uint8_t kPad1 = 0;
constexpr std::uint8_t kPadN = 1;

constexpr std::size_t kNextHeaderField = 6;

// RFC 8200 4.2: the two highest bits of an option that is not known.
enum OptionAction : std::uint8_t { kSkip = 0, kDiscard = 1, kDiscardAndTell = 2, kDiscardAndTellUnicast = 3 };

Ipv6Refusal silent(DropReason reason) {
  Ipv6Refusal refusal;
  refusal.reason = reason;
  return refusal;
}

Ipv6Refusal problem(DropReason reason, std::uint8_t code, std::size_t pointer) {
  return {.reason = reason,
          .parameter_problem = code,
          .pointer = static_cast<std::uint32_t>(pointer),
          .tell_multicast = false};
}

}  // namespace

Result<Ipv6View, Ipv6Refusal> Ipv6View::parse(MutableBytes packet) noexcept {
  if (packet.size() < kIpv6HeaderSize || packet[0] >> 4 != 6) return silent(DropReason::kPacketMalformed);
  const std::size_t payload_length = load_be<std::uint16_t>(packet.data() + 4);
  if (payload_length > packet.size() - kIpv6HeaderSize) return silent(DropReason::kPacketMalformed);
  Ipv6View view{packet.first(kIpv6HeaderSize + payload_length)};
  view.protocol_ = static_cast<IpProtocol>(packet[kNextHeaderField]);
  if (view.protocol_ == IpProtocol::kTcp || view.protocol_ == IpProtocol::kUdp) return view;
  if (const auto refusal = view.walk_extension_headers()) return *refusal;
  return view;
}

// Moves upper_offset_, protocol_ and protocol_field_offset_ from header to header.
std::optional<Ipv6Refusal> Ipv6View::walk_extension_headers() noexcept {
  for (std::size_t count = 0;; ++count) {
    const bool is_extension = protocol_ == IpProtocol::kHopByHop || protocol_ == IpProtocol::kRouting ||
                              protocol_ == IpProtocol::kFragment ||
                              protocol_ == IpProtocol::kDestinationOptions;
    if (!is_extension) return std::nullopt;
    if (count == kIpv6MaxExtensionHeaders) return silent(DropReason::kPacketMalformed);

    const std::size_t begin = upper_offset_;
    if (packet_.size() - begin < 8) return silent(DropReason::kPacketMalformed);
    const std::uint8_t* const header = packet_.data() + begin;
    // The fragment header has a reserved byte where the others have their length.
    const std::size_t length =
        protocol_ == IpProtocol::kFragment ? kIpv6FragmentHeaderSize : 8 + std::size_t{header[1]} * 8;
    if (length > packet_.size() - begin) return silent(DropReason::kPacketMalformed);

    switch (protocol_) {
      case IpProtocol::kHopByHop:
        // RFC 8200 4.1: only right after the fixed header.
        if (count != 0) return problem(DropReason::kPacketMalformed, 1, protocol_field_offset_);
        [[fallthrough]];
      case IpProtocol::kDestinationOptions:
        if (const auto refusal = walk_options(begin + 2, begin + length)) return refusal;
        break;
      case IpProtocol::kRouting:
        // RFC 8200 4.4: no routing type is known here, so it may only be ignored once used up.
        if (header[3] != 0) return problem(DropReason::kIpOptionRefused, kErroneousField, begin + 2);
        break;
      default: {
        if (fragment_) return silent(DropReason::kFragmentMalformed);
        const auto offset_and_flags = load_be<std::uint16_t>(header + 2);
        fragment_ = Ipv6Fragment{.next_header = static_cast<IpProtocol>(header[0]),
                                 .offset = std::size_t{offset_and_flags & 0xfff8u},
                                 .more_fragments = (offset_and_flags & 1) != 0,
                                 .identification = load_be<std::uint32_t>(header + 4),
                                 .header_offset = begin,
                                 .next_header_field_offset = protocol_field_offset_};
      }
    }
    protocol_ = static_cast<IpProtocol>(header[0]);
    protocol_field_offset_ = begin;
    upper_offset_ = begin + length;
    if (fragment_ && fragment_->offset != 0) return std::nullopt;
  }
}

std::optional<Ipv6Refusal> Ipv6View::walk_options(std::size_t begin, std::size_t end) const noexcept {
  std::size_t count = 0;
  for (std::size_t i = begin; i < end;) {
    const std::uint8_t kind = packet_[i];
    if (kind == kPad1) {
      ++i;
      continue;
    }
    if (end - i < 2) return silent(DropReason::kPacketMalformed);
    const std::size_t length = 2 + std::size_t{packet_[i + 1]};
    if (length > end - i) return silent(DropReason::kPacketMalformed);
    if (kind != kPadN) {
      if (++count > kIpv6MaxOptionsPerHeader) return silent(DropReason::kIpOptionRefused);
      const auto action = static_cast<OptionAction>(kind >> 6);
      if (action == kDiscard) return silent(DropReason::kIpOptionRefused);
      if (action != kSkip) {
        Ipv6Refusal refusal = problem(DropReason::kIpOptionRefused, kUnknownOption, i);
        refusal.tell_multicast = action == kDiscardAndTell;
        return refusal;
      }
    }
    i += length;
  }
  return std::nullopt;
}

void write_ipv6(MutableBytes packet, const Ipv6Header& header) noexcept {
  assert(packet.size() >= kIpv6HeaderSize && packet.size() <= kIpv6HeaderSize + 65535);
  assert(header.source.is_v6() && header.destination.is_v6());
  std::uint8_t* const at = packet.data();
  store_be(
      at, std::uint32_t{6} << 28 | std::uint32_t{header.traffic_class} << 20 | (header.flow_label & 0xfffff));
  store_be(at + 4, static_cast<std::uint16_t>(packet.size() - kIpv6HeaderSize));
  at[6] = static_cast<std::uint8_t>(header.next_header);
  at[7] = header.hop_limit;
  std::memcpy(at + 8, header.source.bytes().data(), 16);
  std::memcpy(at + 24, header.destination.bytes().data(), 16);
}

void write_ipv6_fragment(std::uint8_t* at, const Ipv6Fragment& fragment) noexcept {
  assert(fragment.offset % 8 == 0 && fragment.offset < 65536);
  at[0] = static_cast<std::uint8_t>(fragment.next_header);
  at[1] = 0;
  store_be(at + 2, static_cast<std::uint16_t>(fragment.offset | (fragment.more_fragments ? 1u : 0u)));
  store_be(at + 4, fragment.identification);
}

}  // namespace wgr::wire
