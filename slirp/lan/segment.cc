#include "slirp/lan/segment.h"

#include <algorithm>
#include <cstring>

#include "core/wire/ip.h"
#include "slirp/lan/gateway_addresses.h"
#include "slirp/lan/segment_parts.h"

namespace wgr::slirp::lan {
namespace {

std::uint32_t mask_of(const Prefix& prefix) noexcept {
  return prefix.length() == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix.length());
}

}  // namespace

Segment::Parts::Parts(const NetworkConfig& settings, GuestSerials& serials, Rng& rng,
                      const std::vector<Lease>& saved, WallTime wall_now, Instant now)
    : config(settings),
      leases(config, counters, saved, wall_now, now),
      dhcp(config, leases, counters),
      stations(config, serials, leases, store, counters),
      roll_call(config, stations, counters),
      delivery(config, stations, roll_call, counters),
      arp(config, stations, delivery, counters),
      neighbors(config, stations, delivery, rng, counters),
      between(config, stations, delivery, counters),
      subnet_mask_(mask_of(config.subnet)),
      network_(config.subnet.address().to_v4()),
      gateway_v6_(gateway_v6(config)) {}

void Segment::Parts::on_deadline(Instant now, Out& out) {
  leases.on_deadline(now);
  stations.take_ended_leases();
  // What does not fit the batch is due again at once.
  while (!out.frames.is_full()) {
    Station* const station = stations.take_due(now);
    if (station == nullptr) return;
    if (station->is_attached()) {
      neighbors.on_deadline(*station, now, out);
      delivery.flush(*station, now, out);
      stations.arm(*station);
    } else if (!stations.forget_if_due(*station, now, out)) {
      stations.arm(*station);
    }
  }
}

Segment::Segment(const NetworkConfig& config, GuestSerials& serials, Rng& rng,
                 const std::vector<Lease>& leases, WallTime wall_now, Instant now)
    : parts_(std::make_unique<Parts>(config, serials, rng, leases, wall_now, now)) {}

Segment::~Segment() = default;

void Segment::attach(SessionId session, const SessionOwner& owner, Instant now, Out& out) {
  parts_->stations.attach(session, owner, now);
  parts_->roll_call.session_began(session, now, out);
}

void Segment::detach(SessionId session, Instant now, Out& /*out*/) { parts_->stations.detach(session, now); }

void Segment::heard(SessionId session, Instant now) { parts_->stations.heard(session, now); }

void Segment::receive(SessionId session, MutableBytes frame, Instant now, Out& out) {
  parts_->receive(session, frame, now, out);
}

void Segment::send(GuestId guest, Bytes packet, Instant now, Out& out) {
  Station* const station = parts_->stations.find(guest);
  if (station == nullptr) return parts_->drop(DropReason::kStationUnknown);
  if (packet.size() > parts_->config.mtu) return parts_->drop(DropReason::kPacketTooBig);
  const std::optional<Family> family = wire::ip_version(packet);
  if (!family) return parts_->drop(DropReason::kPacketMalformed);
  const auto type = *family == Family::kV4 ? wire::EtherType::kIpv4 : wire::EtherType::kIpv6;
  const MutableBytes room =
      parts_->delivery.begin_from_gateway(*station, station->mac, type, packet.size(), now, out);
  if (!room.empty()) std::memcpy(room.data(), packet.data(), packet.size());
}

Instant Segment::next_deadline() const {
  return std::min(parts_->leases.next_deadline(), parts_->stations.next_deadline());
}

void Segment::on_deadline(Instant now, Out& out) { parts_->on_deadline(now, out); }

GuestId Segment::station_at(const IpAddress& address) const {
  const Station* const station = parts_->stations.owner_of(address);
  return station == nullptr ? GuestId{} : station->guest;
}

GuestId Segment::station_named(std::string_view host_name) const {
  const Station* const station = parts_->stations.named(host_name);
  return station == nullptr ? GuestId{} : station->guest;
}

std::optional<IpAddress> Segment::address_of(GuestId guest) const {
  const Station* const station = parts_->stations.find(guest);
  if (station == nullptr) return std::nullopt;
  if (!station->v4.empty()) return station->v4.front();
  const std::vector<IpAddress> leased = parts_->leases.addresses_of(station->mac, station->clone);
  if (leased.empty()) return std::nullopt;
  return leased.front();
}

std::vector<Segment::StationStatus> Segment::stations() const {
  std::vector<StationStatus> statuses;
  statuses.reserve(parts_->stations.size());
  parts_->stations.for_each([&](const Station& station) {
    statuses.push_back({.guest = station.guest,
                        .mac = station.mac,
                        .session = station.session,
                        .addresses = parts_->stations.addresses_of(station),
                        .host_name = std::string{parts_->stations.name_of(station)}});
  });
  std::ranges::sort(statuses, {}, &StationStatus::guest);
  return statuses;
}

bool Segment::take_changed() {
  const bool have_leases = parts_->leases.take_changed();
  const bool have_stations = parts_->stations.take_changed();
  return have_leases || have_stations;
}

std::vector<Lease> Segment::leases() const { return parts_->leases.leases(); }

const NetworkConfig& Segment::config() const noexcept { return parts_->config; }

const Counters& Segment::counters() const noexcept { return parts_->counters; }

}  // namespace wgr::slirp::lan
