#include "core/wire/nd.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

#include "core/wire/icmp.h"

namespace wgr::wire {
namespace {

using namespace std::chrono_literals;
using Memory = std::vector<std::uint8_t>;

const MacAddress kMac = *MacAddress::parse("02:00:00:00:00:0a");
const IpAddress kRouter = *IpAddress::parse("fe80::1");
const IpAddress kStation = *IpAddress::parse("fe80::2");
const IpAddress kTarget = *IpAddress::parse("fd00::1");

// A neighbour solicitation with these options behind it.
Memory solicitation(const Memory& options) {
  constexpr std::size_t kHead = 8;
  const Bytes target = kTarget.bytes();
  Memory message(kHead + target.size() + options.size());
  message[0] = 135;
  std::copy(target.begin(), target.end(), message.begin() + kHead);
  std::copy(options.begin(), options.end(), message.end() - static_cast<std::ptrdiff_t>(options.size()));
  return message;
}

struct Written {
  IpAddress source;
  IpAddress destination;
  Memory message;
};

// The ICMPv6 message of a packet that must be right in all else.
Written unpack(Memory packet) {
  const auto ip = Ipv6View::parse(packet);
  EXPECT_TRUE(ip);
  EXPECT_EQ(ip->hop_limit(), kNdHopLimit);
  EXPECT_EQ(ip->protocol(), IpProtocol::kIcmpV6);
  const auto icmp = IcmpView::parse(Family::kV6, ip->payload());
  EXPECT_TRUE(icmp && icmp->checksum_is_valid(ip->source(), ip->destination()));
  return {ip->source(), ip->destination(), Memory(ip->payload().begin(), ip->payload().end())};
}

TEST(NdTest, SolicitationIsRead) {
  const Memory message = solicitation({1, 1, 0x02, 0, 0, 0, 0, 0x0a});
  const Result<NdView> view = NdView::parse(message);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type(), NdType::kNeighborSolicitation);
  EXPECT_EQ(view->target(), kTarget);
  EXPECT_EQ(view->link_layer(NdOptionType::kSourceLinkLayer), kMac);
  EXPECT_FALSE(view->link_layer(NdOptionType::kTargetLinkLayer));
}

// RFC 4861 4.6: an option of length 0 must not be walked over for ever.
TEST(NdTest, OptionsMustEndWithTheMessage) {
  const std::pair<const char*, Memory> cases[] = {
      {"length 0", {1, 0, 0, 0, 0, 0, 0, 0}},
      {"longer than the message", {1, 2, 0, 0, 0, 0, 0, 0}},
      {"half an option", {1, 1, 0, 0}},
      {"type alone", {1}},
      {"a good one, then length 0", {1, 1, 0, 0, 0, 0, 0, 0, 14, 0, 0, 0, 0, 0, 0, 0}},
      {"more than are walked", Memory(8 * (kNdMaxOptions + 1), 1)},
  };
  for (const auto& [what, options] : cases) {
    const Result<NdView> view = NdView::parse(solicitation(options));
    ASSERT_FALSE(view) << what;
    EXPECT_EQ(view.error(), DropReason::kNeighborInvalid) << what;
  }
  Memory many(8 * kNdMaxOptions, 1);
  EXPECT_TRUE(NdView::parse(solicitation(many)));
}

TEST(NdTest, EachMessageHasItsFixedPart) {
  struct Case {
    std::uint8_t type;
    std::size_t fixed;
  };
  for (const auto& [type, fixed] : {Case{133, 8}, {134, 16}, {135, 24}, {136, 24}, {137, 40}}) {
    Memory message(fixed);
    message[0] = type;
    EXPECT_TRUE(NdView::parse(message)) << unsigned{type};
    EXPECT_TRUE(is_nd(type));
    message[1] = 1;
    EXPECT_FALSE(NdView::parse(message)) << "code 1 of " << unsigned{type};
    message[1] = 0;
    message.pop_back();
    EXPECT_FALSE(NdView::parse(message)) << "short " << unsigned{type};
  }
  for (const std::uint8_t type : {0, 128, 132, 138, 255}) {
    Memory message(48);
    message[0] = type;
    EXPECT_FALSE(NdView::parse(message)) << unsigned{type};
  }
}

TEST(NdTest, NeighborAdvertisementIsWritten) {
  Memory packet(kNeighborAdvertisementPacket, 0x3c);
  write_neighbor_advertisement(packet, {.source = kTarget,
                                        .destination = kStation,
                                        .target = kTarget,
                                        .mac = kMac,
                                        .is_router = true,
                                        .is_solicited = true});
  const Written written = unpack(packet);
  EXPECT_EQ(written.destination, kStation);
  const Result<NdView> view = NdView::parse(written.message);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type(), NdType::kNeighborAdvertisement);
  EXPECT_EQ(view->target(), kTarget);
  EXPECT_TRUE(view->is_solicited());
  EXPECT_EQ(written.message[4], 0xe0);  // router, solicited, override
  EXPECT_EQ(view->link_layer(NdOptionType::kTargetLinkLayer), kMac);
}

// RFC 4861 4.2 and 4.6, RFC 8106 5.1, byte by byte.
TEST(NdTest, RouterAdvertisementIsWritten) {
  Memory packet(kRouterAdvertisementPacket, 0x3c);
  write_router_advertisement(packet, {.source = kRouter,
                                      .destination = kStation,
                                      .mac = kMac,
                                      .mtu = 1420,
                                      .router_lifetime = 1800s,
                                      .prefix = *Prefix::parse("fd00::/64"),
                                      .is_on_link = false,
                                      .prefix_lifetime = 24h,
                                      .name_server = kTarget});
  const Written written = unpack(packet);
  const Memory& message = written.message;
  ASSERT_TRUE(NdView::parse(message));
  const NdView view = *NdView::parse(message);
  EXPECT_EQ(view.type(), NdType::kRouterAdvertisement);
  EXPECT_EQ(message[4], 64);    // hop limit
  EXPECT_EQ(message[5], 0x00);  // neither managed nor other
  EXPECT_EQ(load_be<std::uint16_t>(&message[6]), 1800);
  EXPECT_EQ(load_be<std::uint64_t>(&message[8]), 0u);
  EXPECT_EQ(view.link_layer(NdOptionType::kSourceLinkLayer), kMac);
  EXPECT_EQ(load_be<std::uint32_t>(view.option(NdOptionType::kMtu)->bytes.data() + 4), 1420u);
  const Bytes prefix = view.option(NdOptionType::kPrefix)->bytes;
  ASSERT_EQ(prefix.size(), 32u);
  EXPECT_EQ(prefix[2], 64);
  EXPECT_EQ(prefix[3], 0x40);  // for addresses, not on link
  EXPECT_EQ(load_be<std::uint32_t>(prefix.data() + 4), 86400u);
  EXPECT_EQ(load_be<std::uint32_t>(prefix.data() + 8), 86400u);
  EXPECT_EQ(IpAddress::from_bytes(prefix.subspan(16)).to_string(), "fd00::");
  const Bytes dns = view.option(NdOptionType::kRecursiveDns)->bytes;
  ASSERT_EQ(dns.size(), 24u);
  EXPECT_EQ(load_be<std::uint32_t>(dns.data() + 4), 1800u);
  EXPECT_EQ(IpAddress::from_bytes(dns.subspan(8)), kTarget);
}

TEST(NdTest, LifetimesStayWithinTheirFields) {
  Memory packet(kRouterAdvertisementPacket);
  write_router_advertisement(packet, {.source = kRouter,
                                      .destination = kStation,
                                      .mac = kMac,
                                      .mtu = 1500,
                                      .router_lifetime = 100h,
                                      .prefix = *Prefix::parse("fd00::/64"),
                                      .is_on_link = true,
                                      .prefix_lifetime = 24h * 365 * 200,
                                      .name_server = kTarget});
  const Memory message = unpack(packet).message;
  EXPECT_EQ(load_be<std::uint16_t>(&message[6]), 0xffff);
  const Bytes prefix = NdView::parse(message)->option(NdOptionType::kPrefix)->bytes;
  EXPECT_EQ(prefix[3], 0xc0);
  EXPECT_EQ(load_be<std::uint32_t>(prefix.data() + 4), 0xffffffffu);
}

}  // namespace
}  // namespace wgr::wire
