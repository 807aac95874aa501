#include "core/wire/ipv4.h"

#include <cassert>
#include <cstring>

#include "core/wire/checksum.h"

namespace wgr::wire {
namespace {

constexpr std::uint8_t kEndOfOptions = 0;
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kLooseSourceRoute = 131;
constexpr std::uint8_t kStrictSourceRoute = 137;

constexpr unsigned kDontFragment = 0x4000;
constexpr unsigned kMoreFragments = 0x2000;

}  // namespace

Result<Ipv4View> Ipv4View::parse(MutableBytes packet) noexcept {
  if (packet.size() < kIpv4HeaderSize || packet[0] >> 4 != 4) return DropReason::kPacketMalformed;
  const std::size_t header_length = std::size_t{packet[0] & 0x0fu} * 4;
  const std::size_t total_length = load_be<std::uint16_t>(packet.data() + 2);
  if (header_length < kIpv4HeaderSize || total_length < header_length || total_length > packet.size()) {
    return DropReason::kPacketMalformed;
  }
  return Ipv4View{packet.first(total_length)};
}

bool Ipv4View::checksum_is_valid() const noexcept {
  if (header_length() == kIpv4HeaderSize)
    return PartialSum::of_words<kIpv4HeaderSize / 4>(packet_.data()).is_valid();
  return PartialSum::of(header()).is_valid();
}

bool Ipv4View::has_source_route() const noexcept {
  const Bytes options = header().subspan(kIpv4HeaderSize);
  std::size_t i = 0;
  while (i < options.size()) {
    const std::uint8_t kind = options[i];
    if (kind == kEndOfOptions) return false;
    if (kind == kLooseSourceRoute || kind == kStrictSourceRoute) return true;
    if (kind == kNoOperation) {
      ++i;
      continue;
    }
    const bool is_readable = i + 1 < options.size() && options[i + 1] >= 2;
    if (!is_readable) return true;
    i += options[i + 1];
  }
  return false;
}

void write_ipv4(MutableBytes packet, const Ipv4Header& header) noexcept {
  assert(packet.size() >= kIpv4HeaderSize && packet.size() <= kIpv4MaxPacketSize);
  assert(header.source.is_v4() && header.destination.is_v4());
  assert(header.fragment_offset % 8 == 0 && header.fragment_offset < kIpv4MaxPacketSize);
  const unsigned flags_and_offset = (header.dont_fragment ? kDontFragment : 0u) |
                                    (header.more_fragments ? kMoreFragments : 0u) |
                                    static_cast<unsigned>(header.fragment_offset / 8);
  std::uint8_t* const at = packet.data();
  at[0] = 4 << 4 | kIpv4HeaderSize / 4;
  at[1] = header.tos;
  store_be(at + 2, static_cast<std::uint16_t>(packet.size()));
  store_be(at + 4, header.identification);
  store_be(at + 6, static_cast<std::uint16_t>(flags_and_offset));
  at[8] = header.ttl;
  at[9] = static_cast<std::uint8_t>(header.protocol);
  store_be(at + 10, std::uint16_t{0});
  std::memcpy(at + 12, header.source.bytes().data(), 4);
  std::memcpy(at + 16, header.destination.bytes().data(), 4);
  store_be(at + 10, PartialSum::of_words<kIpv4HeaderSize / 4>(at).checksum());
}

}  // namespace wgr::wire
