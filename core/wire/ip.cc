#include "core/wire/ip.h"

#include "core/wire/checksum.h"

namespace wgr::wire {

IpView IpView::of(const Ipv4View& view) noexcept {
  IpView ip{.family = Family::kV4,
            .protocol = view.protocol(),
            .ttl = view.ttl(),
            .tos = view.tos(),
            .is_fragment = view.is_fragment(),
            .is_first_fragment = view.fragment_offset() == 0,
            .dont_fragment = view.dont_fragment(),
            .source = view.source(),
            .destination = view.destination(),
            .packet = view.packet(),
            .payload = view.payload(),
            .protocol_field_offset = 9,
            .fragment = {}};
  if (ip.is_fragment) {
    ip.fragment = {.identification = view.identification(),
                   .offset = static_cast<std::uint32_t>(view.fragment_offset()),
                   .more = view.more_fragments(),
                   .protocol = view.protocol(),
                   .repeated_length = static_cast<std::uint16_t>(view.header_length()),
                   .next_header_field_offset = 0,
                   .data = view.payload()};
  }
  return ip;
}

IpView IpView::of(const Ipv6View& view) noexcept {
  IpView ip{.family = Family::kV6,
            .protocol = view.protocol(),
            .ttl = view.hop_limit(),
            .tos = view.traffic_class(),
            .is_fragment = view.is_fragment(),
            .is_first_fragment = !view.fragment() || view.fragment()->offset == 0,
            .dont_fragment = true,
            .source = view.source(),
            .destination = view.destination(),
            .packet = view.packet(),
            .payload = view.payload(),
            .protocol_field_offset = view.protocol_field_offset(),
            .fragment = {}};
  if (ip.is_fragment) {
    const Ipv6Fragment& fragment = *view.fragment();
    ip.fragment = {.identification = fragment.identification,
                   .offset = static_cast<std::uint32_t>(fragment.offset),
                   .more = fragment.more_fragments,
                   .protocol = fragment.next_header,
                   .repeated_length = static_cast<std::uint16_t>(fragment.header_offset),
                   .next_header_field_offset = static_cast<std::uint16_t>(fragment.next_header_field_offset),
                   .data = view.fragmentable_part()};
  }
  return ip;
}

Result<IpView> IpView::parse(MutableBytes packet) noexcept {
  const std::optional<Family> version = ip_version(packet);
  if (version == Family::kV4) {
    const Result<Ipv4View> view = Ipv4View::parse(packet);
    if (!view) return view.error();
    return of(*view);
  }
  if (version == Family::kV6) {
    const Result<Ipv6View, Ipv6Refusal> view = Ipv6View::parse(packet);
    if (!view) return view.error().reason;
    return of(*view);
  }
  return DropReason::kPacketMalformed;
}

Result<IpEnds> IpEnds::parse(Bytes packet) noexcept {
  const std::optional<Family> version = ip_version(packet);
  if (version == Family::kV4 && packet.size() >= kIpv4HeaderSize) {
    return IpEnds{IpAddress::from_bytes(packet.subspan(12, 4)), IpAddress::from_bytes(packet.subspan(16, 4))};
  }
  if (version == Family::kV6 && packet.size() >= kIpv6HeaderSize) {
    return IpEnds{IpAddress::from_bytes(packet.subspan(8, 16)),
                  IpAddress::from_bytes(packet.subspan(24, 16))};
  }
  return DropReason::kPacketMalformed;
}

std::uint8_t hops_left(Bytes packet) noexcept { return packet[0] >> 4 == 4 ? packet[8] : packet[7]; }

void decrement_hops(MutableBytes packet) noexcept {
  if (packet[0] >> 4 == 6) {
    --packet[7];
    return;
  }
  const auto before = load_be<std::uint16_t>(&packet[8]);  // time to live and protocol
  --packet[8];
  const auto after = load_be<std::uint16_t>(&packet[8]);
  store_be(&packet[10], updated_checksum(load_be<std::uint16_t>(&packet[10]), before, after));
}

}  // namespace wgr::wire
