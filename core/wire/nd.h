// IPv6 neighbour discovery (RFC 4861, RDNSS of RFC 8106): a checked view of its five messages with a walk
// over their options, and writers of what a router says.
//
//   133 router solicitation     |type|code 0|sum|reserved                      |options ...
//   134 router advertisement    |..|hop limit, flags, router lifetime|reachable|retrans|options ...
//   135 neighbour solicitation  |..|reserved                |target, 16 bytes  |options ...
//   136 neighbour advertisement |..|R S O, reserved         |target, 16 bytes  |options ...
//   137 redirect                |..|reserved  |target, 16 bytes|destination, 16|options ...
//
//   option: |type|length in units of 8 bytes, never 0|...
//
// Who may say what is not decided here.
//
// Thread: a view is as free as the memory it points into.
#pragma once

#include <chrono>
#include <optional>

#include "core/address.h"
#include "core/bytes.h"
#include "core/mac_address.h"
#include "core/result.h"
#include "core/wire/ipv6.h"

namespace wgr::wire {

inline constexpr std::uint8_t kNdHopLimit = 255;     // RFC 4861: else it came through a router
inline constexpr std::size_t kNdMaxOptions = 64;     // walked; more are malformed
inline constexpr std::size_t kNdLinkLayerSize = 8;   // a link-layer address option for Ethernet
inline constexpr std::size_t kNdTargetMessage = 24;  // of a solicitation or advertisement of a neighbour

enum class NdType : std::uint8_t {
  kRouterSolicitation = 133,
  kRouterAdvertisement = 134,
  kNeighborSolicitation = 135,
  kNeighborAdvertisement = 136,
  kRedirect = 137,
};

// Whether an ICMPv6 type is one of the five.
constexpr bool is_nd(std::uint8_t icmp_type) noexcept { return icmp_type >= 133 && icmp_type <= 137; }

enum class NdOptionType : std::uint8_t {
  kSourceLinkLayer = 1,
  kTargetLinkLayer = 2,
  kPrefix = 3,
  kMtu = 5,
  kRecursiveDns = 25,
};

struct NdOption {
  NdOptionType type{};
  Bytes bytes;  // with type and length
};

class NdView {
 public:
  // `message` is a whole ICMPv6 message. Checked: its type, code and length, and that the options end where
  // the message does. Not: its sum and hop limit.
  static Result<NdView> parse(Bytes message) noexcept;

  NdType type() const noexcept { return static_cast<NdType>(message_[0]); }
  // REQUIRES: a solicitation or advertisement of a neighbour, or a redirect.
  IpAddress target() const noexcept { return IpAddress::from_bytes(message_.subspan(8, 16)); }
  // REQUIRES: a neighbour advertisement.
  bool is_solicited() const noexcept { return (message_[4] & 0x40) != 0; }

  // The first of its type. kSourceLinkLayer and kTargetLinkLayer hold at least a MAC address.
  std::optional<NdOption> option(NdOptionType type) const noexcept;
  // What a link-layer option says. REQUIRES: type is one of the two.
  std::optional<MacAddress> link_layer(NdOptionType type) const noexcept;

 private:
  NdView(Bytes message, Bytes options) noexcept : message_(message), options_(options) {}

  Bytes message_;
  Bytes options_;
};

// Both write whole packets, with hop limit 255 and the checksum.
struct NeighborAdvertisement {
  IpAddress source;
  IpAddress destination;
  IpAddress target;
  MacAddress mac;
  bool is_router = false;
  bool is_solicited = false;
};
inline constexpr std::size_t kNeighborAdvertisementPacket =
    kIpv6HeaderSize + kNdTargetMessage + kNdLinkLayerSize;

// REQUIRES: packet.size() == kNeighborAdvertisementPacket.
void write_neighbor_advertisement(MutableBytes packet, const NeighborAdvertisement& advertisement) noexcept;

struct RouterAdvertisement {
  IpAddress source;  // link-local
  IpAddress destination;
  MacAddress mac;
  std::uint16_t mtu = 0;
  std::chrono::seconds router_lifetime{};
  Prefix prefix;  // for SLAAC
  bool is_on_link = false;
  std::chrono::seconds prefix_lifetime{};  // valid and preferred
  IpAddress name_server;
};
inline constexpr std::size_t kRouterAdvertisementPacket =
    kIpv6HeaderSize + 16 + kNdLinkLayerSize + 8 /* MTU */ + 32 /* prefix */ + 24 /* RDNSS, one address */;

// REQUIRES: packet.size() == kRouterAdvertisementPacket.
void write_router_advertisement(MutableBytes packet, const RouterAdvertisement& advertisement) noexcept;

}  // namespace wgr::wire
