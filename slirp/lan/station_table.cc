#include "slirp/lan/station_table.h"

#include <algorithm>
#include <cassert>
#include <tuple>

#include "core/text.h"

namespace wgr::slirp::lan {
StationTable::StationTable(const NetworkConfig& config, GuestSerials& serials, LeaseTable& leases,
                           FrameStore& store, Counters& counters)
    : config_(config), serials_(serials), leases_(leases), store_(store), counters_(counters) {}

StationTable::~StationTable() = default;

void StationTable::attach(SessionId id, const SessionOwner& owner, Instant now) {
  Session& session = sessions_[id];
  session.heard = now;
  session.owner = owner;
}

void StationTable::detach(SessionId session, Instant now) {
  const auto at = sessions_.find(session);
  if (at == sessions_.end()) return;
  const std::vector<Station*> stations = std::move(at->second.stations);
  sessions_.erase(at);
  for (Station* const station : stations) leave(*station, now);
}

void StationTable::heard(SessionId session, Instant now) {
  const auto at = sessions_.find(session);
  if (at != sessions_.end()) at->second.heard = now;
}

Result<Station*> StationTable::sender_of(SessionId id, const MacAddress& source, Instant now, Out& out) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return DropReason::kSessionGone;
  Session& session = at->second;
  session.heard = now;
  for (Station* const station : session.stations) {
    if (station->mac != source) continue;
    station->heard = now;
    return station;
  }
  return admit(id, session, source, now, out);
}

Result<Station*> StationTable::admit(SessionId id, Session& session, const MacAddress& mac, Instant now,
                                     Out& out) {
  if (!source_is_welcome(mac)) return DropReason::kMacSpoofed;
  if (!make_room_in(session, now)) return DropReason::kStationLimit;
  Station* station = nullptr;
  const auto same_mac = by_mac_.find(mac);
  if (same_mac != by_mac_.end()) {
    station = adoptable(same_mac->second, session.owner, now);
    if (station == nullptr && !config_.isolate) {
      Station& former = *same_mac->second.front();  // the only one, on a switch
      if (!is_left(former, now)) return DropReason::kMacSpoofed;
      if (former.is_attached()) take_over(former, now, out);
      forget(former, out);
    }
  }
  if (station == nullptr) {
    const Result<Station*> created = create(mac, now, out);
    if (!created) return created.error();
    station = *created;
  } else if (station->is_attached()) {
    take_over(*station, now, out);
  }
  join(*station, id, session, now);
  return station;
}

bool StationTable::source_is_welcome(const MacAddress& mac) const {
  return mac.is_unicast() && mac != config_.gateway_mac;
}

// A machine may change its MAC: the one it had falls silent.
bool StationTable::make_room_in(Session& session, Instant now) {
  if (session.stations.size() < std::max<std::size_t>(config_.macs_per_session, 1)) return true;
  const auto oldest = std::ranges::min_element(session.stations, {}, &Station::heard);
  if (now - (*oldest)->heard < config_.silence_for_takeover) return false;
  leave(**oldest, now);
  session.stations.erase(oldest);
  return true;
}

bool StationTable::is_left(const Station& station, Instant now) const {
  return !station.is_attached() || sessions_.at(station.session).heard <= now - config_.silence_for_takeover;
}

Station* StationTable::adoptable(const std::vector<Station*>& same_mac, const SessionOwner& owner,
                                 Instant now) const {
  const auto rank = [&owner](const Station& station) {
    return std::tuple{owner.has_source_of(station.owner), !station.is_attached(), station.heard};
  };
  Station* best = nullptr;
  for (Station* const station : same_mac) {
    if (!owner.is_same_as(station->owner) || !is_left(*station, now)) continue;
    if (best == nullptr || rank(*station) > rank(*best)) best = station;
  }
  return best;
}

void StationTable::take_over(Station& station, Instant now, Out& out) {
  counters_.stations_taken_over.add();
  out.closings.push_back({station.session, kTakenOverCode, "taken over"});
  detach(station.session, now);
}

Result<Station*> StationTable::create(const MacAddress& mac, Instant now, Out& out) {
  if (stations_.size() >= config_.max_stations && !make_room(out)) return DropReason::kStationLimit;
  const GuestId guest = serials_.next();
  if (!guest) return DropReason::kStationLimit;
  std::vector<Station*>& same_mac = by_mac_[mac];
  std::uint32_t clone = 0;  // the lowest that is free
  while (clone < same_mac.size() && same_mac[clone]->clone == clone) ++clone;
  auto station = std::make_unique<Station>(guest, mac, clone, config_, store_, now);
  Station* const created = station.get();
  same_mac.insert(same_mac.begin() + clone, created);
  stations_.emplace(guest, std::move(station));
  leases_.station_seen(mac, clone);
  counters_.stations.add();
  return created;
}

bool StationTable::make_room(Out& out) {
  Station* longest = nullptr;
  for (const auto& [guest, station] : stations_) {
    if (station->is_attached()) continue;
    if (longest == nullptr || station->forget_at < longest->forget_at) longest = station.get();
  }
  if (longest == nullptr) return false;
  forget(*longest, out);
  return true;
}

void StationTable::join(Station& station, SessionId id, Session& session, Instant now) {
  assert(!station.is_attached());
  station.session = id;
  station.owner = session.owner;
  station.forget_at = kNever;
  station.heard = now;
  arm(station);
  session.stations.push_back(&station);
  is_changed_ = true;
  counters_.stations_attached.add();
}

void StationTable::leave(Station& station, Instant now) {
  counters_.drops.count(DropReason::kSessionGone, station.pacer.clear());
  station.session = {};
  station.forget_at = now + config_.detached_time;
  arm(station);
  is_changed_ = true;
  counters_.stations_attached.subtract();
}

bool StationTable::forget_if_due(Station& station, Instant now, Out& out) {
  if (station.is_attached() || station.forget_at > now) return false;
  forget(station, out);
  return true;
}

void StationTable::forget(Station& station, Out& out) {
  assert(!station.is_attached());
  for (const Station::Learned& learned : station.v6) unlearn_v6(station, learned.address);
  leases_.station_gone(station.mac, station.clone, station.forget_at - config_.detached_time);
  const auto same_mac = by_mac_.find(station.mac);
  std::erase(same_mac->second, &station);
  if (same_mac->second.empty()) by_mac_.erase(same_mac);
  unlearn_name(station);
  out.gone.push_back(station.guest);
  is_changed_ = true;
  counters_.stations.subtract();
  stations_.erase(GuestId{station.guest});
}

Station* StationTable::find(GuestId guest) {
  const auto at = stations_.find(guest);
  return at == stations_.end() ? nullptr : at->second.get();
}

Station* StationTable::find(const MacAddress& mac, std::uint32_t clone) {
  const auto same_mac = by_mac_.find(mac);
  if (same_mac == by_mac_.end()) return nullptr;
  const auto at = std::ranges::find(same_mac->second, clone, &Station::clone);
  return at == same_mac->second.end() ? nullptr : *at;
}

Station* StationTable::take_due(Instant now) {
  while (const auto guest = deadlines_.take_due(now)) {
    Station* const station = find(*guest);
    if (station == nullptr) continue;
    station->queued = kNever;
    return station;
  }
  return nullptr;
}

Station* StationTable::named(std::string_view host_name) {
  const auto at = by_name_.find(to_lower(host_name));
  return at == by_name_.end() ? nullptr : at->second.front();
}

std::string_view StationTable::name_of(const Station& station) const {
  const auto at = by_name_.find(to_lower(station.host_name));
  const bool is_its_own = at != by_name_.end() && at->second.front() == &station;
  return is_its_own ? std::string_view{station.host_name} : std::string_view{};
}

bool StationTable::is_name_for(std::string_view host_name, const MacAddress& mac) const {
  bool is_free = true;
  for (const StaticLease& lease : config_.dhcp.static_leases) {
    if (to_lower(lease.host_name) != to_lower(host_name)) continue;
    if (lease.mac == mac) return true;
    is_free = false;
  }
  return is_free;
}

void StationTable::learn_name(Station& station, const IpAddress& address) {
  const std::string_view host_name = leases_.host_name_of(address);
  if (host_name.empty() || host_name == station.host_name) return;
  unlearn_name(station);
  is_changed_ = true;
  station.host_name = host_name;
  if (is_name_for(host_name, station.mac)) by_name_[to_lower(host_name)].push_back(&station);
}

void StationTable::unlearn_name(const Station& station) {
  const auto at = by_name_.find(to_lower(station.host_name));
  if (at == by_name_.end()) return;
  std::erase(at->second, &station);
  if (at->second.empty()) by_name_.erase(at);
}

}  // namespace wgr::slirp::lan
