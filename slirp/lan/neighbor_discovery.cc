#include "slirp/lan/neighbor_discovery.h"

#include <algorithm>
#include <chrono>

#include "core/wire/icmp.h"
#include "slirp/lan/gateway_addresses.h"

namespace wgr::slirp::lan {
namespace {

using std::chrono::seconds;

// RFC 4861 6.2.1: MinRtrAdvInterval is at least 3 seconds.
constexpr Duration kMinPause = seconds{3};

IpAddress all_nodes() noexcept {
  return IpAddress::from_bytes(std::array<std::uint8_t, 16>{0xff, 0x02, 0, 0, 0, 0, 0, 0,  //
                                                            0, 0, 0, 0, 0, 0, 0, 1});
}

}  // namespace

NeighborDiscovery::NeighborDiscovery(const NetworkConfig& config, StationTable& stations, Delivery& delivery,
                                     Rng& rng, Counters& counters)
    : config_(config),
      link_local_(gateway_link_local(config)),
      advertises_(config.ipv6.prefix && config.mtu >= wire::kIpv6MinMtu),
      stations_(stations),
      delivery_(delivery),
      rng_(rng),
      counters_(counters) {}

Verdict NeighborDiscovery::receive(Arrival& arrival, const wire::Ipv6View& ip) {
  const auto icmp = wire::IcmpView::parse(Family::kV6, ip.payload());
  // RFC 6980 5: not in fragments. RFC 4861 7.1: not through a router.
  if (!icmp || ip.fragment() || ip.hop_limit() != wire::kNdHopLimit) {
    return Verdict::dropped(DropReason::kNeighborInvalid);
  }
  if (!icmp->checksum_is_valid(ip.source(), ip.destination())) {
    return Verdict::dropped(DropReason::kChecksumInvalid);
  }
  const Result<wire::NdView> message = wire::NdView::parse(ip.payload());
  if (!message) return Verdict::dropped(message.error());
  switch (message->type()) {
    case wire::NdType::kRouterSolicitation:
      return solicited_router(arrival, ip, *message);
    case wire::NdType::kNeighborSolicitation:
      return solicited_neighbor(arrival, ip, *message);
    case wire::NdType::kNeighborAdvertisement:
      return advertised_neighbor(arrival, ip, *message);
    case wire::NdType::kRouterAdvertisement:
    case wire::NdType::kRedirect:
      break;
  }
  return Verdict::dropped(DropReason::kRouterRogue);
}

// Source and link-layer option are the sender's own. The unspecified source has no such option
// (RFC 4861 7.1.1).
bool NeighborDiscovery::is_honest(Arrival& arrival, const IpAddress& source, const wire::NdView& message,
                                  wire::NdOptionType link_layer) {
  const std::optional<MacAddress> mac = message.link_layer(link_layer);
  if (source.is_unspecified()) return !mac;
  if (mac && *mac != arrival.from.mac) return false;
  return stations_.may_use(arrival.from, source, arrival.now);
}

Verdict NeighborDiscovery::solicited_router(Arrival& arrival, const wire::Ipv6View& ip,
                                            const wire::NdView& message) {
  if (!is_honest(arrival, ip.source(), message, wire::NdOptionType::kSourceLinkLayer)) {
    return Verdict::dropped(DropReason::kNeighborInvalid);
  }
  if (!advertises_) return Verdict::done();
  if (!arrival.from.answers.take(arrival.now)) return Verdict::dropped(DropReason::kArpRateLimited);
  const IpAddress destination = ip.source().is_unspecified() ? all_nodes() : ip.source();
  advertise(arrival.from, destination, arrival.now, arrival.out);
  return Verdict::done();
}

Verdict NeighborDiscovery::solicited_neighbor(Arrival& arrival, const wire::Ipv6View& ip,
                                              const wire::NdView& message) {
  const IpAddress source = ip.source();
  if (message.target().is_multicast() ||
      !is_honest(arrival, source, message, wire::NdOptionType::kSourceLinkLayer)) {
    return Verdict::dropped(DropReason::kNeighborInvalid);
  }
  const bool is_probe = source.is_unspecified();  // RFC 4862 5.4.2
  // RFC 4862 5.4.4: the gateway defends its addresses.
  if (is_gateway(config_, message.target())) {
    return answer(arrival, is_probe ? all_nodes() : source, message.target());
  }
  // A free address becomes the prober's; of a taken one the owner is asked, where there is a way.
  if (is_probe) stations_.may_use(arrival.from, message.target(), arrival.now);
  if (arrival.destination == config_.gateway_mac) return Verdict::done();
  if (!config_.isolate) return Verdict::forward(message.target());
  return is_probe ? Verdict::done() : Verdict::dropped(DropReason::kStationIsolated);
}

Verdict NeighborDiscovery::advertised_neighbor(Arrival& arrival, const wire::Ipv6View& ip,
                                               const wire::NdView& message) {
  const bool is_own = !ip.source().is_unspecified() &&
                      is_honest(arrival, ip.source(), message, wire::NdOptionType::kTargetLinkLayer) &&
                      stations_.may_use(arrival.from, message.target(), arrival.now);
  if (!is_own) return Verdict::dropped(DropReason::kNeighborInvalid);
  const bool is_for_others = !config_.isolate && arrival.destination != config_.gateway_mac;
  return is_for_others ? Verdict::forward() : Verdict::done();
}

Verdict NeighborDiscovery::answer(Arrival& arrival, const IpAddress& asker, const IpAddress& target) {
  Station& station = arrival.from;
  if (!station.answers.take(arrival.now)) return Verdict::dropped(DropReason::kArpRateLimited);
  const MutableBytes room =
      delivery_.begin_from_gateway(station, station.mac, wire::EtherType::kIpv6,
                                   wire::kNeighborAdvertisementPacket, arrival.now, arrival.out);
  if (room.empty()) return Verdict::done();
  wire::write_neighbor_advertisement(room, {.source = target,
                                            .destination = asker,
                                            .target = target,
                                            .mac = config_.gateway_mac,
                                            .is_router = true,
                                            .is_solicited = !asker.is_multicast()});
  counters_.neighbor_answers.add();
  return Verdict::done();
}

void NeighborDiscovery::greet(Station& station, Instant now) {
  if (station.speaks_v6) return;
  station.speaks_v6 = true;
  if (!advertises_) return;
  station.advertise_at = now + pause();
  stations_.arm(station);
}

void NeighborDiscovery::on_deadline(Station& station, Instant now, Segment::Out& out) {
  if (!station.is_attached() || station.advertise_at > now) return;
  station.advertise_at = now + pause();
  advertise(station, all_nodes(), now, out);
}

Duration NeighborDiscovery::pause() {
  const Duration mean = std::max(config_.ipv6.interval, kMinPause);
  const auto half = static_cast<std::uint64_t>(mean.count() / 2);
  return mean - mean / 4 + Duration{static_cast<Duration::rep>(rng_.below(half + 1))};
}

void NeighborDiscovery::advertise(Station& station, const IpAddress& destination, Instant now,
                                  Segment::Out& out) {
  const MutableBytes room = delivery_.begin_from_gateway(station, station.mac, wire::EtherType::kIpv6,
                                                         wire::kRouterAdvertisementPacket, now, out);
  if (room.empty()) return;
  wire::write_router_advertisement(
      room, {.source = link_local_,
             .destination = destination,
             .mac = config_.gateway_mac,
             .mtu = config_.mtu,
             .router_lifetime = std::chrono::duration_cast<seconds>(config_.ipv6.router_lifetime),
             .prefix = *config_.ipv6.prefix,
             // Isolated stations reach each other's addresses through the router or not at all.
             .is_on_link = !config_.isolate,
             .prefix_lifetime = std::chrono::duration_cast<seconds>(config_.ipv6.prefix_lifetime),
             .name_server = *gateway_v6(config_)});
  counters_.router_advertisements.add();
}

}  // namespace wgr::slirp::lan
