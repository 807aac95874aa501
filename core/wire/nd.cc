#include "core/wire/nd.h"

#include <algorithm>
#include <cassert>

#include "core/wire/icmp.h"

namespace wgr::wire {
namespace {

constexpr std::size_t kOptionUnit = 8;
constexpr std::size_t kAdvertisementFixed = 16;  // of a router advertisement, in front of the options

// Where the options begin; 0 for what is none of the five.
std::size_t fixed_size(std::uint8_t type) noexcept {
  switch (static_cast<NdType>(type)) {
    case NdType::kRouterSolicitation:
      return 8;
    case NdType::kRouterAdvertisement:
      return kAdvertisementFixed;
    case NdType::kNeighborSolicitation:
    case NdType::kNeighborAdvertisement:
      return kNdTargetMessage;
    case NdType::kRedirect:
      return 40;
  }
  return 0;
}

// REQUIRES: at least two bytes.
std::size_t option_size(Bytes options) noexcept { return std::size_t{options[1]} * kOptionUnit; }

bool are_whole(Bytes options) noexcept {
  for (std::size_t count = 0; !options.empty(); ++count) {
    if (count == kNdMaxOptions || options.size() < kOptionUnit) return false;
    const std::size_t size = option_size(options);
    if (size == 0 || size > options.size()) return false;
    options = options.subspan(size);
  }
  return true;
}

std::uint32_t seconds_of(std::chrono::seconds duration) noexcept {
  constexpr std::int64_t kForEver = 0xffffffff;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(duration.count(), 0, kForEver));
}

// Writes type and length; the rest of the option is zero. Returns the option.
MutableBytes begin_option(MutableBytes& rest, NdOptionType type, std::size_t size) noexcept {
  const MutableBytes option = rest.first(size);
  rest = rest.subspan(size);
  std::fill(option.begin(), option.end(), std::uint8_t{0});
  option[0] = static_cast<std::uint8_t>(type);
  option[1] = static_cast<std::uint8_t>(size / kOptionUnit);
  return option;
}

void write_link_layer(MutableBytes& rest, NdOptionType type, const MacAddress& mac) noexcept {
  const MutableBytes option = begin_option(rest, type, kNdLinkLayerSize);
  std::copy_n(mac.bytes().begin(), MacAddress::kSize, option.begin() + 2);
}

// RFC 4861 4.6.2.
void write_prefix(MutableBytes& rest, const RouterAdvertisement& advertisement) noexcept {
  constexpr std::uint8_t kOnLink = 0x80;
  constexpr std::uint8_t kAutonomous = 0x40;
  const MutableBytes option = begin_option(rest, NdOptionType::kPrefix, 32);
  option[2] = static_cast<std::uint8_t>(advertisement.prefix.length());
  option[3] = kAutonomous | (advertisement.is_on_link ? kOnLink : 0);
  store_be(option.data() + 4, seconds_of(advertisement.prefix_lifetime));
  store_be(option.data() + 8, seconds_of(advertisement.prefix_lifetime));
  std::copy_n(advertisement.prefix.address().bytes().begin(), 16, option.begin() + 16);
}

void finish(MutableBytes packet, const IcmpHeader& icmp, const IpAddress& source,
            const IpAddress& destination) noexcept {
  Ipv6Header header;
  header.source = source;
  header.destination = destination;
  header.next_header = IpProtocol::kIcmpV6;
  header.hop_limit = kNdHopLimit;
  write_ipv6(packet, header);
  write_icmp(packet.subspan(kIpv6HeaderSize), icmp, source, destination);
}

}  // namespace

Result<NdView> NdView::parse(Bytes message) noexcept {
  if (message.size() < kIcmpHeaderSize) return DropReason::kNeighborInvalid;
  const std::size_t fixed = fixed_size(message[0]);
  if (fixed == 0 || message.size() < fixed || message[1] != 0) return DropReason::kNeighborInvalid;
  const Bytes options = message.subspan(fixed);
  if (!are_whole(options)) return DropReason::kNeighborInvalid;
  return NdView{message, options};
}

std::optional<NdOption> NdView::option(NdOptionType type) const noexcept {
  Bytes rest = options_;
  while (!rest.empty()) {
    const std::size_t size = option_size(rest);
    if (rest[0] == static_cast<std::uint8_t>(type)) return NdOption{type, rest.first(size)};
    rest = rest.subspan(size);
  }
  return std::nullopt;
}

std::optional<MacAddress> NdView::link_layer(NdOptionType type) const noexcept {
  const std::optional<NdOption> found = option(type);
  if (!found) return std::nullopt;
  return MacAddress::read(found->bytes.subspan(2));
}

void write_neighbor_advertisement(MutableBytes packet, const NeighborAdvertisement& advertisement) noexcept {
  assert(packet.size() == kNeighborAdvertisementPacket);
  constexpr std::uint32_t kRouter = 0x80000000;
  constexpr std::uint32_t kSolicited = 0x40000000;
  constexpr std::uint32_t kOverride = 0x20000000;
  const MutableBytes message = packet.subspan(kIpv6HeaderSize);
  std::copy_n(advertisement.target.bytes().begin(), 16, message.begin() + 8);
  MutableBytes rest = message.subspan(kNdTargetMessage);
  write_link_layer(rest, NdOptionType::kTargetLinkLayer, advertisement.mac);
  const std::uint32_t flags =
      kOverride | (advertisement.is_router ? kRouter : 0) | (advertisement.is_solicited ? kSolicited : 0);
  const IcmpHeader icmp{
      .type = static_cast<std::uint8_t>(NdType::kNeighborAdvertisement), .code = 0, .rest = flags};
  finish(packet, icmp, advertisement.source, advertisement.destination);
}

void write_router_advertisement(MutableBytes packet, const RouterAdvertisement& advertisement) noexcept {
  assert(packet.size() == kRouterAdvertisementPacket);
  constexpr std::uint32_t kCurrentHopLimit = 64;
  constexpr std::uint32_t kMaxRouterLifetime = 0xffff;
  const MutableBytes message = packet.subspan(kIpv6HeaderSize);
  // Reachable time and retransmission timer: unspecified.
  std::fill_n(message.begin() + 8, kAdvertisementFixed - 8, std::uint8_t{0});
  MutableBytes rest = message.subspan(kAdvertisementFixed);
  write_link_layer(rest, NdOptionType::kSourceLinkLayer, advertisement.mac);
  const MutableBytes mtu = begin_option(rest, NdOptionType::kMtu, 8);
  store_be(mtu.data() + 4, std::uint32_t{advertisement.mtu});
  write_prefix(rest, advertisement);
  const MutableBytes dns = begin_option(rest, NdOptionType::kRecursiveDns, 24);
  store_be(dns.data() + 4, seconds_of(advertisement.router_lifetime));
  std::copy_n(advertisement.name_server.bytes().begin(), 16, dns.begin() + 8);
  const std::uint32_t lifetime = std::min(seconds_of(advertisement.router_lifetime), kMaxRouterLifetime);
  const IcmpHeader icmp{.type = static_cast<std::uint8_t>(NdType::kRouterAdvertisement),
                        .code = 0,
                        .rest = kCurrentHopLimit << 24 | lifetime};
  finish(packet, icmp, advertisement.source, advertisement.destination);
}

}  // namespace wgr::wire
